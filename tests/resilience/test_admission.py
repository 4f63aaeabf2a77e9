"""The limiter: its rules, and a worker under it in simulated time."""

from random import Random
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.resilience.simulated_worker import Kind, Seen, Worker

from lectern.resilience.admission import FREE_SECONDS, LEAST_TURNS, STEP_SECONDS, Limiter
from lectern.resilience.pressure import Verdict

MOST = 2000
SLOW = Kind(first_token=0.5, token_wait=0.2, tokens=60)
"""`stub-ttft500-itl200-len60`: twelve seconds."""


def poisson(rate: float, since: float, until: float) -> list[float]:
    """Moments of arrivals at this rate, a second; always the same."""
    dice, now, moments = Random(1), since, []
    while (now := now + dice.expovariate(rate)) < until:
        moments.append(now)
    return moments


def percentile(values: list[float], part: float) -> float:
    """The value that this part of them is not above."""
    return sorted(values)[int(part * (len(values) - 1))]


def overloaded(kind: Kind) -> tuple[Seen, float]:
    """Three times the most a worker can do for 60 s, then a third of it for 20 s; and that most, turns a second."""
    peak = 1 / kind.cost
    arrivals = poisson(3 * peak, 0, 60) + poisson(peak / 3, 60, 80)
    return Worker(Limiter(MOST), kind).serve(arrivals), peak


COSTS = [Kind(), Kind(step=0.002, token=0.0003), Kind(step=0.0007, token=0.00007)]


@pytest.mark.parametrize("kind", COSTS, ids=["10 ms a turn", "24 ms", "7 ms"])
def test_three_times_too_much_leaves_what_a_worker_can_do(kind: Kind) -> None:
    """Four fifths of the peak and more are answered, whole and hardly later; the rest hears of it at once."""
    seen, peak = overloaded(kind)
    assert seen.goodput(0, 60) >= 0.8 * peak
    told = [told - arrived for arrived, told in seen.refused if arrived > 2]
    assert percentile(told, 0.5) < 0.05
    assert percentile(told, 0.99) < 0.1
    assert percentile([ended - arrived for arrived, ended in seen.done], 0.99) < 2.5


@pytest.mark.parametrize("kind", [*COSTS, SLOW], ids=["10 ms a turn", "24 ms", "7 ms", "twelve seconds a turn"])
def test_afterwards_all_is_as_before(kind: Kind) -> None:
    """Five seconds after the overload nobody is refused, nothing takes longer than alone, and there is no limit."""
    seen, _ = overloaded(kind)
    assert not [arrived for arrived, _ in seen.refused if arrived > 65]
    (alone,) = (ended - arrived for arrived, ended in Worker(None, kind).serve([0.0]).done)
    assert percentile([ended - arrived for arrived, ended in seen.done if arrived > 65], 0.99) < alone * 1.2
    assert seen.limits[-1] is None


def test_without_a_limiter_everything_gets_later_and_later() -> None:
    """What the tests above would show if the limiter did nothing."""
    seen = Worker().serve(poisson(300, 0, 20))
    assert percentile([ended - arrived for arrived, ended in seen.done], 0.5) > 10


def test_slow_answers_in_excess_are_answered_as_many_as_go() -> None:
    """The limit finds its way up to hundreds of streams that last for twelve seconds, and stays about there."""
    seen, peak = overloaded(SLOW)
    assert seen.goodput(30, 60) >= 0.6 * peak


@pytest.mark.parametrize("count", [50, LEAST_TURNS])
def test_a_burst_is_taken_in(count: int) -> None:
    """Fifty at the same moment on a calm worker, however much they press it; and within 0.3 s."""
    for moments in ([1.0] * count, [1 + 0.3 * number / count for number in range(count)]):
        seen = Worker(Limiter(MOST), Kind(step=0.003, token=0.0005)).serve(moments)
        assert (len(seen.done), len(seen.refused)) == (count, 0)


def test_a_thousand_slow_streams_are_taken_in() -> None:
    """500 in one worker of two, arriving within 10 s, at three quarters of what it can do."""
    seen = Worker(Limiter(MOST), SLOW).serve([number / 50 for number in range(500)])
    assert (len(seen.done), len(seen.refused)) == (500, 0)


def test_a_thousand_cheap_streams_are_taken_in_by_one_worker() -> None:
    """When the other has none of them: their number alone is no reason."""
    kind = Kind(step=0.0005, token=0.00005, first_token=0.5, token_wait=0.2, tokens=60)
    seen = Worker(Limiter(MOST), kind).serve([number / 100 for number in range(1000)])
    assert (len(seen.done), len(seen.refused)) == (1000, 0)


def test_the_limit_does_not_swing() -> None:
    """Under steady overload it stays within a third of its mean, once it has found it."""
    seen, _ = overloaded(Kind())
    limits = [limit for limit in seen.limits[200:] if limit is not None]
    mean = sum(limits) / len(limits)
    assert mean * 2 / 3 < min(limits)
    assert max(limits) < mean * 4 / 3


def test_above_its_limit_a_worker_learns_nothing_more() -> None:
    """While none is taken in, the limit stays where it is; what follows would be starved by a lower one."""
    limiter = Limiter(MOST)
    for _ in range(400):
        limiter.admit(0)
    limiter.adjust("pressed", 0)
    for step in range(1, 20):
        limiter.adjust("pressed", step * STEP_SECONDS)
    # 500 at first, then 450, 405, and one step below what is under way.
    assert limiter.limit == 364


def test_the_hard_limit_needs_no_pressure() -> None:
    """One more than the most is refused, also below the least."""
    limiter = Limiter(3)
    assert [limiter.admit(0) for _ in range(4)] == [True, True, True, False]
    limiter.leave()
    assert limiter.admit(0)


steps = st.lists(st.tuples(st.sampled_from(["enter", "leave", *get_args(Verdict)]), st.floats(0, 1)), max_size=400)


@given(steps, st.integers(1, 200))
def test_whatever_happens_the_count_is_right(steps: list[tuple[str, float]], most: int) -> None:
    """Never more than the most are under way, nobody is refused below the least, and calm lifts the limit."""
    limiter, now, inside = Limiter(most, least=20), 0.0, 0
    for step, seconds in steps:
        now += seconds
        if step == "enter":
            before = limiter.refused
            admitted = limiter.admit(now)
            assert admitted or inside >= min(20, most)
            assert limiter.refused - before == (not admitted)
            inside += admitted
        elif step == "leave":
            if inside:
                limiter.leave()
                inside -= 1
        else:
            verdict: Verdict = step  # type: ignore[assignment] # as drawn
            limiter.adjust(verdict, now)
        assert limiter.turns == inside <= most
        assert limiter.limit is None or min(20, most) <= limiter.limit <= most
    for _ in range(3):
        now += FREE_SECONDS + 1
        limiter.adjust("calm", now)
    assert limiter.limit is None
