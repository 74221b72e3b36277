"""Groups of features at once are the same as group by group."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare
from torch.nn.functional import cross_entropy, softmax

from wardveil.networks.spans import TOGETHER, Spans

ALPHA = 1e-6
SIZES = st.lists(st.integers(1, 7), min_size=1, max_size=6)


def logits(sizes, seed, scale=5.0, rows=9):
    return scale * torch.randn(sum(sizes), rows, generator=torch.Generator().manual_seed(seed))


@given(sizes=SIZES, seed=st.integers(0, 1000), temperature=st.sampled_from([0.2, 1.0]))
def test_softmax_and_its_gradient_are_those_of_each_group(sizes, seed, temperature):
    x = logits(sizes, seed).requires_grad_()
    weight = logits(sizes, seed + 1)
    ours = Spans(sizes).softmax(x, temperature)
    theirs = torch.cat([softmax(part / temperature, dim=0) for part in torch.split(x, sizes)])
    assert torch.allclose(ours, theirs, atol=1e-5)
    (a,) = torch.autograd.grad((ours * weight).sum(), x)
    (b,) = torch.autograd.grad((theirs * weight).sum(), x)
    assert torch.allclose(a, b, atol=1e-4)


@given(sizes=SIZES, seed=st.integers(0, 1000))
def test_cross_entropy_is_that_of_the_chosen_group(sizes, seed):
    x = logits(sizes, seed)
    spans = Spans(sizes)
    at = torch.randint(sum(sizes), (9,), generator=torch.Generator().manual_seed(seed))
    ours = spans.cross_entropy(x, at)
    for b in range(9):
        k = int(spans.owner[at[b]])
        part = torch.split(x[:, b], sizes)[k]
        wanted = cross_entropy(part, at[b] - spans.starts[k])
        assert torch.allclose(ours[b], wanted, atol=1e-4)


def test_very_unlike_logits_neither_overflow_nor_vanish():
    x = torch.tensor([[1e4], [-1e4], [300.0], [299.0]], requires_grad=True)
    p = Spans([2, 2]).softmax(x, 0.2)
    assert torch.isfinite(p).all()
    assert torch.allclose(p.reshape(2, 2).sum(dim=1), torch.ones(2))
    (g,) = torch.autograd.grad(p[0].sum(), x)
    assert torch.isfinite(g).all()


def test_draws_have_the_chances_of_the_softmax():
    x = torch.log(torch.tensor([0.1, 0.2, 0.7, 0.5, 0.5]))[:, None].expand(-1, 30_000)
    found = Spans([3, 2]).draw(x, torch.Generator().manual_seed(3))
    counts = torch.bincount(found[0], minlength=3).numpy()
    assert chisquare(counts, [3_000, 6_000, 21_000]).pvalue > ALPHA
    assert chisquare(torch.bincount(found[1], minlength=2).numpy()).pvalue > ALPHA


def test_gumbel_softmax_is_nearly_hard_when_cold_and_its_largest_is_a_draw():
    x = torch.log(torch.tensor([0.2, 0.8]))[:, None].expand(-1, 20_000)
    soft = Spans([2]).gumbel_softmax(x, 0.2, torch.Generator().manual_seed(4))
    assert torch.allclose(soft.sum(dim=0), torch.ones(20_000), atol=1e-5)
    counts = torch.bincount(soft.argmax(dim=0), minlength=2).numpy()
    assert chisquare(counts, [4_000, 16_000]).pvalue > ALPHA
    assert (soft.max(dim=0).values > 0.9).float().mean() > 0.6


@given(sizes=SIZES, seed=st.integers(0, 1000))
def test_shifted_logits_have_the_wanted_means(sizes, seed):
    x = logits(sizes, seed, scale=2.0, rows=TOGETHER + 400)
    spans = Spans(sizes)
    target = spans.softmax(logits(sizes, seed + 1, scale=1.0, rows=1))[:, 0]
    found = spans.softmax(x + spans.shift_to(x, target)).mean(dim=1)
    assert torch.allclose(found, target, atol=2e-3)


def test_of_equal_logits_the_first_is_drawn():
    x = torch.tensor([[-torch.inf], [0.0], [-torch.inf]])
    assert Spans([3]).draw(x, torch.Generator().manual_seed(0)).tolist() == [[1]]
    assert Spans([1, 2]).draw(torch.full((3, 5), -torch.inf), torch.Generator()).max() == 0
