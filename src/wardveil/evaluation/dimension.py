"""Dimension-wise probability and prediction: a dot a level or code (medGAN, 2017)."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DimensionWise:
    """A scatter of one dot per level or code, real against synthetic.

    Attributes:
        labels: "column=level", (k,).
        real: Share of real rows with the level, or the AUC on held-out rows of a model trained
            on real rows, (k,).
        synthetic: The same of the synthetic rows, (k,).
    """

    labels: tuple[str, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]
