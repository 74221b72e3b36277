"""Axes: round labels around every value, and pixels in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardveil.report.plot import Axis, Plot, linear, shares

VALUES = st.lists(st.floats(-1e6, 1e6).map(lambda v: round(v, 4)), min_size=1, max_size=8)


@given(values=VALUES)
def test_a_linear_axis_holds_all_values_between_a_few_distinct_labels(values):
    axis = linear(values)
    slack = 1e-9 * (abs(axis.low) + abs(axis.high))
    assert axis.low - slack <= min(values)
    assert max(values) <= axis.high + slack
    assert 2 <= len(axis.ticks) <= 7
    assert len({text for _, text in axis.ticks}) == len(axis.ticks)
    for value, text in axis.ticks:
        said = float(text.replace(",", "").replace("−", "-"))
        assert said == pytest.approx(value, abs=(axis.high - axis.low) / 50)


@given(a=st.floats(1e-6, 1), b=st.floats(1e-6, 1))
def test_order_on_the_axis_is_order_in_pixels(a, b):
    for axis in (shares(), shares(least=1e-3)):
        pa, pb = axis.part(a), axis.part(b)
        assert 0 <= pa <= 1
        assert (a <= b and pa <= pb) or (a >= b and pa >= pb)


def test_up_is_up_and_a_step_keeps_its_value():
    plot = Plot(x=Axis(low=0, high=1), y=Axis(low=0, high=1), width=100, height=50)
    assert plot.at(0.5, 1)[1] < plot.at(0.5, 0)[1]
    path = plot.line([0, 0.5], [1, 0.2], "real", step=True)
    assert path.index("H") < path.index("V")
