"""A figure over its repetitions: how it is judged, and how it is written down."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loadtests.bench.measured import Measured, number, quantity
from loadtests.bench.row import Figure


@pytest.mark.parametrize(
    ("figure", "values", "judged", "met"),
    [
        (Figure("wait", "ms", 10), (9.0, 10.0, 50.0), 10, True),
        (Figure("wait", "ms", 10), (9.0, 10.5, 50.0), 10.5, False),
        (Figure("rate", "×", 0.8, least=True), (0.1, 0.8, 0.9), 0.8, True),
        (Figure("rate", "×", 0.8, least=True), (0.1, 0.79, 0.9), 0.79, False),
        (Figure("errors", "", 0), (0.0, 0.0, 0.0, 0.0, 1.0), 1, False),
        (Figure("streams", "", 1000, least=True), (1000.0, 1000.0, 999.0), 999, False),
        (Figure("cost", "µs"), (1e9,), 1e9, True),
    ],
)
def test_the_median_is_judged_and_the_worst_of_a_count(
    figure: Figure, values: tuple[float, ...], judged: float, *, met: bool
) -> None:
    """One slow repetition is the machine's; one error is an error."""
    measured = Measured(figure, values)
    assert (measured.judged, measured.met) == (judged, met)


def test_a_target_is_told_in_its_direction() -> None:
    """At most, at least, none at all, and no error."""
    figures = [Figure("", "ms", 10), Figure("", "×", 0.8, least=True), Figure("", "µs"), Figure("", "", 0)]
    assert [Measured(figure, (1.0,)).target for figure in figures] == ["≤ 10 ms", "≥ 0.8 ×", "", "0"]


def test_a_range_that_is_none_is_one_value() -> None:
    """The unit stands once; equal to three digits is equal."""
    assert Measured(Figure("", "ms"), (8.1, 12.0, 9.0)).range == "8.1 to 12 ms"
    assert Measured(Figure("", "ms"), (8.101, 8.102)).range == "8.1 ms"
    assert Measured(Figure("", ""), (0.0, 3.0)).range == "0 to 3"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (0.12345, "0.123"),
        (0.5, "0.5"),
        (8.1049, "8.1"),
        (99.96, "100"),
        (123.6, "124"),
        (54321.0, "54321"),
        (-2.345, "-2.35"),
        (0.0001234, "0.000123"),
    ],
)
def test_three_digits_count(value: float, said: str) -> None:
    """No digit that the next run would change, none lost before the point."""
    assert number(value) == said


@settings(deadline=None)
@given(st.floats(-1e9, 1e9))
def test_what_is_said_is_what_was_measured(value: float) -> None:
    """To a half of a hundredth of it."""
    assert float(number(value)) == pytest.approx(value, rel=0.005, abs=1e-300)


def test_a_quantity_has_its_unit() -> None:
    """A count has none, and no blank behind it."""
    assert (quantity(1.5, "ms"), quantity(3.0, "")) == ("1.5 ms", "3")
