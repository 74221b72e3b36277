"""The canary audit measures what is claimed, and notices when more shows."""

from math import sqrt

import pytest
import torch

from wardveil.audit import audit_canaries
from wardveil.audit.canary import epsilon_of
from wardveil.privacy import Budget, gaussian_mu
from wardveil.vault import Noise, SeededNoise


class WeakNoise(Noise):
    """Honest coins, a share of the noise."""

    grade = "seeded"

    def __init__(self, share):
        super().__init__(bytes(32))
        self.inner, self.share = SeededNoise(5), share

    def uniforms(self, n):
        return self.inner.uniforms(n)

    def lattice(self, total, sd):
        return self.inner.lattice(total, self.share * sd)

    def counts(self, table, sd):
        raise NotImplementedError

    laplace = select = counts


@pytest.fixture(scope="module")
def honest():
    return audit_canaries(epsilon=1.0, noise=SeededNoise(1))


def test_an_honest_release_passes_near_its_claim(honest):
    assert honest.passed
    assert abs(honest.found - honest.claimed) < 3 * honest.error
    assert honest.claimed == pytest.approx(
        honest.sampling_prob * sqrt(honest.steps) / honest.noise_multiplier
    )
    assert honest.error == pytest.approx(sqrt(4 / 1000), rel=0.1)
    assert honest.epsilon_shown < 1.0


def test_too_little_noise_is_noticed():
    measured = audit_canaries(epsilon=1.0, noise=WeakNoise(0.3))
    assert not measured.private
    assert measured.epsilon_shown > 1.0


def test_an_audit_that_sees_nothing_does_not_pass():
    measured = audit_canaries(epsilon=8.0, noise=WeakNoise(30.0))
    assert measured.private
    assert not measured.sighted
    assert not measured.passed


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 8.0])
def test_epsilon_of_is_the_inverse(epsilon):
    mu = gaussian_mu(Budget(epsilon=epsilon, delta=1e-5))
    assert epsilon_of(mu, 1e-5) == pytest.approx(epsilon, rel=1e-3)
    assert epsilon_of(-0.1, 1e-5) == 0.0


def test_the_measurement_leaves_torch_as_it_was():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    audit_canaries(epsilon=1.0, canaries=100, noise=SeededNoise(1))
    assert torch.equal(torch.rand(1), expected)
