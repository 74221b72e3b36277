"""Squares: whatever the number of columns, a row comes back from its square as it went in."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wardveil.encode.square import Square, smallest
from wardveil.errors import UsageError


@given(
    width=st.integers(1, 1_300), spare=st.integers(0, 2), fill=st.sampled_from(["zeros", "copies"])
)
def test_a_row_comes_back(width, spare, fill):
    side = smallest(width) + 4 * spare
    x = torch.randn(3, width, generator=torch.Generator().manual_seed(width))
    square = Square(width, side=side, fill=fill)
    image = square.of(x)
    assert image.shape == (3, 1, side, side)
    assert torch.equal(square.rows(image), x)
    times = side**2 // width if fill == "copies" else 1
    told, rest = image.flatten(1)[:, : times * width], image.flatten(1)[:, times * width :]
    assert torch.equal(told, x.repeat(1, times))
    assert not rest.any()


@pytest.mark.parametrize(
    ("width", "side"),
    [(1, 4), (16, 4), (17, 8), (64, 8), (65, 16), (257, 24), (577, 32), (1_024, 32), (1_025, 40)],
)
def test_the_smallest_side_that_fits_is_taken(width, side):
    assert Square(width).side == smallest(width) == side
    assert Square(width, side=64).side == 64


@pytest.mark.parametrize("side", [4, 10, -8])
def test_a_side_that_does_not_fit_is_refused(side):
    with pytest.raises(UsageError, match="E125"):
        Square(17, side=side)


@pytest.mark.parametrize("fill", ["zeros", "copies"])
def test_hidden_columns_are_nowhere_in_the_square(fill):
    square, x = Square(5, fill=fill, hidden=(1, 4)), torch.ones(2, 5)
    image = square.of(x)
    assert image.sum() == 2 * 3 * square.copies
    x[:, [1, 4]] = 7.0
    assert torch.equal(square.of(x), image)
