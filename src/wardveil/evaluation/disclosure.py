"""Disclosure: guesses about patients, right more often for members than for others?"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """One way to use the synthetic table against a person, with control and baseline.

    What works as well on patients who were not in the real table is knowledge about the
    population; only the excess of `rate` over `control` comes from having taken part.

    Attributes:
        name: "attribute_inference", "singling_out" or "linkability".
        secret: The guessed column; "" where none is guessed.
        guesses: Guesses made about members; as many are made about the others.
        rate: Share of right guesses about members.
        low: Lower end of its 95 % interval (Wilson).
        high: Upper end.
        control: Share of right guesses about held-out patients.
        control_low: Lower end.
        control_high: Upper end.
        baseline: Share of right guesses by somebody without the synthetic table's joint
            structure.
    """

    name: Literal["attribute_inference", "singling_out", "linkability"]
    secret: str = ""
    guesses: int
    rate: float
    low: float
    high: float
    control: float
    control_low: float
    control_high: float
    baseline: float
