"""A rate, and the ways to write one."""

import pytest

from lectern.rate import MOST, UNITS, Rate, parsed, written


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("60/minute", Rate(60, 60)),
        (" 1 / Second ", Rate(1, 1)),
        ("5/DAY", Rate(5, 86_400)),
        ("007/hour", Rate(7, 3600)),
    ],
)
def test_a_rate_is_read(text: str, rate: Rate) -> None:
    """A number in a unit of time, however it is spaced and whatever its case."""
    assert parsed(text) == rate


@pytest.mark.parametrize(
    "text",
    [
        *("", "60", "/minute", "60/", "60/week", "60/minutes", "60/minute/2", "60/minute\nx"),
        *("0/minute", "-1/day", "1.5/day", f"{MOST + 1}/day", "9" * 30 + "/day", "٦/day", "\x00/day"),
    ],
)
def test_what_is_no_rate_is_none(text: str) -> None:
    """Nothing is guessed."""
    assert parsed(text) is None


@pytest.mark.parametrize("unit", sorted(UNITS))
@pytest.mark.parametrize("count", [1, MOST])
def test_a_rate_is_read_as_it_was_written(count: int, unit: str) -> None:
    """Whatever was read is written so that it is read as the same."""
    rate = Rate(count, UNITS[unit])
    assert written(rate) == f"{count}/{unit}"
    assert parsed(written(rate)) == rate
