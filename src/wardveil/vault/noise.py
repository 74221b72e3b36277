"""Noise and coins: the randomness that privacy rests on.

Release grade: a fresh 256-bit key from the operating system, never stored, drives an AES-CTR
stream for gradients and coins; statistics and selections use OpenDP's exact samplers. There is
no seed. The seeded grade exists for tests; whatever it touched carries no privacy claim.

Not claimed: constant time, or protection against whoever controls the machine.
"""

import hashlib
import os
from abc import ABC, abstractmethod
from typing import Literal, final

import numpy as np
import opendp.prelude as dp
import torch
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray
from torch import Tensor

Grade = Literal["release", "seeded"]

LATTICE = 2.0**-20
"""Grid of gradient noise, in units of its standard deviation."""


class Noise(ABC):
    """A source of noise and coins; every call draws afresh.

    Attributes:
        grade: "release" or "seeded".
    """

    grade: Grade

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._drawn = 0

    def uniforms(self, n: int) -> NDArray[np.float64]:
        """n numbers in (0, 1), 53 bits each, from a stream of their own.

        Every call opens a new AES-CTR stream (the call's number is the nonce), so the first m
        of n numbers do not depend on n: one patient more shifts nobody else's coin.
        """
        self._drawn += 1
        nonce = self._drawn.to_bytes(8, "big") + bytes(8)
        stream = Cipher(algorithms.AES(self._key), modes.CTR(nonce)).encryptor()
        words = np.frombuffer(stream.update(bytes(8 * n)), dtype=np.uint64) >> np.uint64(11)
        numbers = words.astype(np.float64)
        numbers += 0.5
        numbers *= 2.0**-53
        return numbers

    def normals(self, n: int) -> NDArray[np.float64]:
        """n standard normals by Box and Muller, tails to 8.6 sd."""
        half = (n + 1) // 2
        u = torch.from_numpy(self.uniforms(2 * half))  # torch's vector functions are the faster
        radius = u[:half].log_().mul_(-2.0).sqrt_()
        angle = u[half:].mul_(2.0 * np.pi)
        drawn = torch.empty(2 * half, dtype=torch.float64)
        torch.cos(angle, out=drawn[:half]).mul_(radius)
        torch.sin(angle, out=drawn[half:]).mul_(radius)
        return drawn.numpy()[:n]

    def coins(self, n: int, q: float) -> NDArray[np.int64]:
        """Indices of the patients whose coin fell: each of n with probability q."""
        return np.flatnonzero(self.uniforms(n) < q)

    def permutation(self, n: int) -> NDArray[np.int64]:
        """A uniform order of n things."""
        return np.argsort(self.uniforms(n), kind="stable")

    def lattice(self, total: Tensor, sd: float) -> Tensor:
        """A sum plus Gaussian noise, released on an integer lattice of sd·2⁻²⁰.

        round(s/g) + round(Z/g) with integer addition: the support is the same for every table,
        so the low bits of a float have nothing to tell.

        Args:
            total: The exact sum, any shape, float32 or float64.
            sd: Standard deviation of each coordinate's noise, in the sum's unit, > 0.

        Source: Mironov (2012) for the attack; derived from the post-processing of the Gaussian.
        """
        g = sd * LATTICE
        steps = torch.round(total.double() / g).to(torch.int64)
        drawn = torch.from_numpy(self.normals(total.numel()))
        noise = drawn.mul_(1 / LATTICE).round_().to(torch.int64)
        return ((steps + noise.view_as(steps).to(steps.device)).double() * g).to(total.dtype)

    @abstractmethod
    def counts(self, table: NDArray[np.int64], sd: float) -> NDArray[np.int64]:
        """An integer table plus discrete Gaussian noise on each cell."""

    @abstractmethod
    def laplace(self, number: int, epsilon: float) -> int:
        """An integer of sensitivity 1 plus discrete Laplace noise of scale 1/ε."""

    @abstractmethod
    def select(self, scores: NDArray[np.float64], sensitivity: float, epsilon: float) -> int:
        """Index of the largest score after Gumbel noise of scale 2Δ/ε."""


@final
class SecretNoise(Noise):
    """Release grade: keys from the operating system, exact samplers, no seed."""

    grade: Grade = "release"

    def __init__(self) -> None:
        super().__init__(os.urandom(32))
        dp.enable_features("contrib")

    def counts(self, table: NDArray[np.int64], sd: float) -> NDArray[np.int64]:
        """See `Noise.counts`; exact discrete Gaussian (Canonne, Kamath and Steinke 2020)."""
        space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
        noisy = dp.m.make_gaussian(*space, scale=sd)(table.ravel().tolist())
        return np.asarray(noisy, dtype=np.int64).reshape(table.shape)

    def laplace(self, number: int, epsilon: float) -> int:
        """See `Noise.laplace`; exact discrete Laplace."""
        space = dp.atom_domain(T="i64"), dp.absolute_distance(T="i64")
        return int(dp.m.make_laplace(*space, scale=1 / epsilon)(number))

    def select(self, scores: NDArray[np.float64], sensitivity: float, epsilon: float) -> int:
        """See `Noise.select`; exact Gumbel comparison."""
        space = dp.vector_domain(dp.atom_domain(T="f64", nan=False)), dp.linf_distance(T="f64")
        choose = dp.m.make_noisy_max(
            *space, dp.zero_concentrated_divergence(), scale=2 * sensitivity / epsilon
        )
        return int(choose(scores.tolist()))


@final
class SeededNoise(Noise):
    """Test grade: everything follows from a seed. What it touched carries no privacy claim."""

    grade: Grade = "seeded"

    def __init__(self, seed: int) -> None:
        super().__init__(hashlib.sha256(f"wardveil test noise {seed}".encode()).digest())

    def counts(self, table: NDArray[np.int64], sd: float) -> NDArray[np.int64]:
        """See `Noise.counts`; rounded normals."""
        noise = np.rint(sd * self.normals(table.size)).astype(np.int64)
        return table + noise.reshape(table.shape)

    def laplace(self, number: int, epsilon: float) -> int:
        """See `Noise.laplace`; a rounded Laplace variable."""
        u = float(self.uniforms(1)[0]) - 0.5
        return number - round(np.sign(u) * np.log1p(-2 * abs(u)) / epsilon)

    def select(self, scores: NDArray[np.float64], sensitivity: float, epsilon: float) -> int:
        """See `Noise.select`; floating-point Gumbel."""
        gumbel = -np.log(-np.log(self.uniforms(len(scores))))
        return int(np.argmax(scores + 2 * sensitivity / epsilon * gumbel))
