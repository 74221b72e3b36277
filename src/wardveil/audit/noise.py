"""Sources of noise for audits: one that writes down what it is asked to hide, one that lies.

A mechanism's exact input reaches `Noise` and nothing else, so replacing the source is enough to
examine any model: no hook in the vault, no special path through the code.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.vault import Noise, SeededNoise


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One call of a mechanism.

    Attributes:
        kind: "counts", "lattice", "select" or "laplace".
        value: The exact value before noise.
        scale: Noise sd (counts, lattice), or ε (select, laplace).
        sensitivity: Declared sensitivity of selection scores; 1 otherwise.
    """

    kind: str
    value: NDArray[Any]
    scale: float
    sensitivity: float = 1.0


@final
class RecordingNoise(Noise):
    """Answers like another source, and keeps every exact input. For audits: never releases.

    Attributes:
        inner: The source that answers.
        asked: All calls so far, in order.
    """

    grade = "seeded"

    def __init__(self, inner: Noise) -> None:
        self.inner = inner
        self.asked: list[Asked] = []

    def uniforms(self, n: int) -> NDArray[np.float64]:
        """Coins of the inner source."""
        return self.inner.uniforms(n)

    def counts(self, table: NDArray[np.int64], sd: float) -> NDArray[np.int64]:
        """Keeps the exact counts."""
        self.asked.append(Asked(kind="counts", value=table.copy(), scale=sd))
        return self.inner.counts(table, sd)

    def lattice(self, total: Tensor, sd: float) -> Tensor:
        """Keeps the exact sum."""
        self.asked.append(Asked(kind="lattice", value=total.double().numpy().copy(), scale=sd))
        return self.inner.lattice(total, sd)

    def laplace(self, number: int, epsilon: float) -> int:
        """Keeps the exact number."""
        self.asked.append(Asked(kind="laplace", value=np.array([number]), scale=epsilon))
        return self.inner.laplace(number, epsilon)

    def select(self, scores: NDArray[np.float64], sensitivity: float, epsilon: float) -> int:
        """Keeps the exact scores."""
        self.asked.append(
            Asked(kind="select", value=scores.copy(), scale=epsilon, sensitivity=sensitivity)
        )
        return self.inner.select(scores, sensitivity, epsilon)


@final
class TapeNoise(Noise):
    """Ignores what it is given: every answer comes from a fixed tape.

    With answers fixed, whatever a model produces may depend on public facts only. If two
    unrelated tables give different bytes, something reads patients past the mechanisms.

    Attributes:
        calls: Number of mechanism calls so far.
    """

    grade = "seeded"

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._coins = SeededNoise(seed)
        self.calls = 0

    def _tape(self) -> np.random.Generator:
        self.calls += 1
        return np.random.default_rng([self._seed, self.calls])

    def uniforms(self, n: int) -> NDArray[np.float64]:
        """Coins that do depend on n: they choose patients, whose gradients the tape hides."""
        return self._coins.uniforms(n)

    def counts(self, table: NDArray[np.int64], sd: float) -> NDArray[np.int64]:  # noqa: ARG002
        """Counts of a made-up table of the same shape."""
        return self._tape().integers(0, 60, table.shape)

    def laplace(self, number: int, epsilon: float) -> int:  # noqa: ARG002
        """A made-up size."""
        return int(self._tape().integers(50, 60))

    def lattice(self, total: Tensor, sd: float) -> Tensor:  # noqa: ARG002
        """A made-up gradient of the same shape."""
        values = self._tape().standard_normal(tuple(total.shape))
        return torch.from_numpy(values).to(total.dtype)

    def select(self, scores: NDArray[np.float64], sensitivity: float, epsilon: float) -> int:  # noqa: ARG002
        """A made-up choice."""
        return int(self._tape().integers(0, len(scores)))
