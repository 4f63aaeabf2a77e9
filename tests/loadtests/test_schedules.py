"""A whole number of arrivals on a schedule."""

from hypothesis import given
from hypothesis import strategies as st
from loadtests.schedules import Exactly


@given(st.integers(1, 300), st.floats(0.1, 60), st.integers(1, 4))
def test_each_target_gets_exactly_so_many_within_the_time(count: int, seconds: float, targets: int) -> None:
    """In order, in turns, the same ones for the same seed; the rate is what it comes to."""
    schedule = Exactly.of(count, seconds)
    plan = schedule.arrivals(targets)
    times = [time for time, _ in plan]
    assert times == sorted(times)
    assert all(0 <= time <= seconds for time in times)
    assert [sum(target == number for _, target in plan) for number in range(targets)] == [count] * targets
    assert plan == Exactly.of(count, seconds).arrivals(targets) != Exactly.of(count, seconds, seed=2).arrivals(targets)
    assert schedule.rate * seconds - count < 1e-6
