"""A trial's columns as an image, and back."""

from dataclasses import replace

import torch
from hypothesis import given
from hypothesis import strategies as st

from wardveil.encode.grid import Grid
from wardveil.encode.matrix import blocks_of
from wardveil.schema.trial import Trial
from wardveil.schema.variable import Levelled, Numeric


@st.composite
def trials(draw):
    """A trial of up to four measures at up to five visits, and columns beside it, in any order."""
    measures = "ABCD"[: draw(st.integers(1, 4))]
    visits = tuple("12345"[: draw(st.integers(1, 5))])
    trial = Trial(visits=visits, measures=tuple(measures))
    found = []
    for m in measures:
        kind = draw(st.sampled_from(["number", "number or missing", "flag", "stage"]))
        for v in visits:
            name = trial.column(m, v)
            if kind.startswith("number"):
                nullable = kind.endswith("missing") and v != "1"
                found.append(Numeric(name=name, low=0, high=9, decimals=0, nullable=nullable))
            else:
                levels = ("a", "b") if kind == "flag" else ("a", "b", "c")
                found.append(Levelled(name=name, levels=levels, nullable=False))
    found.append(Numeric(name="age", low=0, high=9, decimals=0, nullable=True))
    return trial, draw(st.permutations(found))


@given(case=trials(), seed=st.integers(0, 99))
def test_rows_undo_split_and_every_column_is_in_it_once(case, seed):
    trial, variables = case
    blocks = blocks_of(variables)
    grid = Grid(trial, blocks)
    x = torch.randn(3, blocks[-1].stop, generator=torch.Generator().manual_seed(seed))
    image, rest = grid.split(x)
    assert image.shape[1:] == grid.shape
    assert rest.shape == (3, grid.rest)
    assert torch.equal(grid.rows(image, rest), x)
    seen = torch.cat([image.flatten(1), rest], dim=1)
    assert torch.allclose(seen.sum(dim=1), x.sum(dim=1), atol=1e-5)  # what is not there is 0


def test_a_measure_is_a_row_and_missing_a_channel():
    trial = Trial(visits=("a", "b"), measures=("P", "Q"))
    number = Numeric(name="P_a", low=0, high=9, decimals=0, nullable=False)
    variables = [replace(number, name=n, nullable=n == "P_b") for n in ("P_a", "P_b", "Q_a", "Q_b")]
    image, _ = Grid(trial, blocks_of(variables)).split(torch.arange(1.0, 6.0)[None])
    assert image[0].tolist() == [[[1, 2], [4, 5]], [[0, 3], [0, 0]]]
