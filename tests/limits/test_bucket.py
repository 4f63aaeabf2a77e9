"""The bucket's arithmetic: for any rate and any times, what its description promises."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.limits import bucket
from lectern.ports import Rate

RATES = st.builds(Rate, st.integers(1, 100_000), st.sampled_from([1.0, 60.0, 3600.0, 86_400.0]))
PAUSES = st.lists(st.one_of(st.just(0.0), st.floats(0, 10), st.floats(0, 100_000)), min_size=1, max_size=200)


def taken(rate: Rate, pauses: list[float], start: float = 0.0) -> list[float]:
    """When one was taken, by somebody who asks after each of these pauses."""
    moment, now, times = 0.0, start, []
    for pause in pauses:
        now += pause
        after = bucket.take(bucket.ahead_of(moment, now, rate), rate)
        if after is not None:
            moment = now + after
            times.append(now)
    return times


@given(rate=RATES, start=st.floats(0, 1e8), more=st.integers(1, 50))
def test_a_full_bucket_gives_its_number_at_once(rate: Rate, start: float, more: int) -> None:
    """Whatever the clock says: exactly `count`, and nothing of it is lost to rounding."""
    few = Rate(min(rate.count, 500), rate.seconds)  # above that rounding may cost one of them
    assert len(taken(few, [0.0] * (few.count + more), start)) == few.count


@given(rate=RATES, pauses=PAUSES)
def test_no_window_has_more_than_is_promised(rate: Rate, pauses: list[float]) -> None:
    """Between any two takes there are at most `count` and what was refilled meanwhile."""
    times = taken(rate, pauses)
    for first in range(len(times)):
        for last in range(first, len(times)):
            refilled = (times[last] - times[first]) * rate.count / rate.seconds
            assert last - first + 1 <= rate.count + refilled + 2 * bucket.SLACK


@given(rate=RATES, pauses=PAUSES)
def test_who_waits_as_long_as_told_passes(rate: Rate, pauses: list[float]) -> None:
    """A refusal's pause is long enough, and 0 for who would pass; nobody waits longer than one refill takes."""
    moment, now = 0.0, 0.0
    for pause in pauses:
        now += pause
        ahead = bucket.ahead_of(moment, now, rate)
        after = bucket.take(ahead, rate)
        standing = bucket.standing(ahead if after is None else after, rate, allowed=after is not None)
        moment = now + after if after is not None else moment
        then = now + standing.retry_after_seconds
        assert bucket.take(bucket.ahead_of(moment, then, rate), rate) is not None
        assert 0 <= standing.retry_after_seconds <= bucket.refill(rate) * (1 + bucket.SLACK)
        assert 0 <= standing.remaining < rate.count + (after is None)
        assert (standing.remaining == 0) == (standing.retry_after_seconds > 0)
        assert 0 <= standing.reset_seconds <= rate.seconds * (1 + bucket.SLACK)


@given(rate=RATES, one=st.floats(0, 1e5), other=st.floats(0, 1e5))
def test_a_bucket_that_is_further_ahead_has_no_more_left(rate: Rate, one: float, other: float) -> None:
    """What is left never rises with what was taken."""
    near, far = sorted(min(ahead, rate.seconds) for ahead in (one, other))
    assert bucket.standing(near, rate, allowed=True).remaining >= bucket.standing(far, rate, allowed=True).remaining


@given(rate=RATES, now=st.floats(0, 1e8))
def test_what_no_bucket_can_be_counts_as_empty(rate: Rate, now: float) -> None:
    """A moment of another rate, or of a clock that went back, locks nobody out for longer than an empty bucket."""
    for moment in (now + 1e12, inf):
        assert bucket.ahead_of(moment, now, rate) == rate.seconds
    for moment in (-inf, -1.0, 0.0):
        assert bucket.ahead_of(moment, now, rate) == 0.0


@pytest.mark.parametrize(
    ("amount", "counted"),
    [(1.5, 1.5), (0, 0), (-3, 0), (nan, 0), (-inf, 0), (inf, 1e15), (1e300, 1e15), (5e-324, 5e-324)],
)
def test_only_an_amount_is_counted(amount: float, counted: float) -> None:
    """Nothing for what is negative or no number, and never so much that a sum would end."""
    assert bucket.countable(amount) == counted


@pytest.mark.parametrize(
    ("moment", "second"), [(1.2, 2), (7.0, 7), (0, 0), (-5.0, 0), (nan, 0), (inf, 0), (-inf, 0), (1e300, 10**11)]
)
def test_a_moment_becomes_a_whole_second(moment: float, second: int) -> None:
    """Never before the moment; what is no moment is over."""
    assert bucket.whole_second(moment) == second
