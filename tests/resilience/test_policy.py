"""Bulkheads, retry budgets, deadlines, and what a line makes of failures."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.errors import (
    ConversationNotFound,
    LecternError,
    TooBusy,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from lectern.resilience import deadline
from lectern.resilience.bulkhead import Bulkhead
from lectern.resilience.circuit import Circuit
from lectern.resilience.policy import Line, RetryBudget
from lectern.resilience.window import Rules


@pytest.fixture(autouse=True)
def _no_deadline() -> Iterator[None]:
    """Each test sets its own."""
    token = deadline._at.set(None)
    yield
    deadline._at.reset(token)


def line(*, retries: int = 1, bulkhead: Bulkhead | None = None) -> Line:
    """A line whose retries do not wait."""
    return Line(bulkhead, unavailable=UpstreamUnavailable, what="model", retries=retries, dice=lambda: 0.0)


def failing(*errors: LecternError) -> tuple[Callable[[], Awaitable[str]], list[int]]:
    """Work that raises these errors, one a try, and then succeeds; and the count of its tries."""
    tries: list[int] = []

    async def work() -> str:
        tries.append(len(tries))
        if len(tries) <= len(errors):
            raise errors[len(tries) - 1]
        return "result"

    return work, tries


async def test_a_full_bulkhead_refuses_at_once() -> None:
    """No place and no room to wait: a refusal with `Retry-After`, not a wait."""
    bulkhead = Bulkhead(2, queue=0, wait_seconds=60)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(bulkhead)
        began = time.monotonic()
        for _ in range(100):
            with pytest.raises(TooBusy) as caught:
                async with bulkhead:
                    pytest.fail("let in")
        assert (time.monotonic() - began) / 100 < 0.05
        assert caught.value.retry_after_seconds == 1
    async with bulkhead:
        pass


async def test_who_waits_gets_the_next_place_or_gives_up() -> None:
    """The line behind a bulkhead is bounded in length and in time, and a cancelled waiter leaves no gap."""
    bulkhead = Bulkhead(1, queue=2, wait_seconds=60)
    entered: list[int] = []

    async def enter(number: int) -> None:
        async with bulkhead:
            entered.append(number)

    async with bulkhead:
        waiters = [asyncio.create_task(enter(number)) for number in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TooBusy):
            await enter(2)
        waiters[0].cancel()
        await asyncio.wait([waiters[0]])
        waiters.append(asyncio.create_task(enter(3)))
        await asyncio.sleep(0)
    await asyncio.gather(*waiters[1:])
    assert entered == [1, 3]
    assert bulkhead.waiting == 0
    short = Bulkhead(1, queue=1, wait_seconds=0.01)
    async with short:
        with pytest.raises(TooBusy):
            await short.__aenter__()
    async with short:
        pass


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=300))
def test_retries_stay_within_their_budget(steps: list[tuple[float, bool]]) -> None:
    """In every window, retries are three at most or a fifth of the calls."""
    budget, now = RetryBudget(), 0.0
    calls: list[float] = []
    retries: list[float] = []
    for wait, retry in steps:
        now += wait
        if not retry:
            budget.call(now)
            calls.append(now)
        elif budget.take(now):
            retries.append(now)
            lately = now - budget.WINDOW_SECONDS - 1  # whole seconds are counted
            asked = sum(at >= lately for at in calls)
            inside = sum(at > now - budget.WINDOW_SECONDS + 1 for at in retries)
            assert inside <= max(budget.FLOOR, asked * budget.SHARE)


def test_a_quiet_site_may_retry() -> None:
    """Three retries are free, the fourth is not; half a minute later they are free again."""
    budget = RetryBudget()
    assert [budget.take(100) for _ in range(4)] == [True, True, True, False]
    assert budget.take(131)


async def test_a_failure_is_tried_again_and_no_more() -> None:
    """One retry, if the error may pass; the last error is what the caller gets."""
    circuit = Circuit("llm", "answer", Rules())
    work, tries = failing(UpstreamUnavailable())
    assert await line().call(circuit, work) == "result"
    assert len(tries) == 2
    work, tries = failing(UpstreamUnavailable("one"), UpstreamUnavailable("two"))
    with pytest.raises(UpstreamUnavailable, match="two"):
        await line().call(circuit, work)


@pytest.mark.parametrize(
    "error",
    [
        UpstreamRejected(),
        ConversationNotFound(),
        TooBusy(),
        UpstreamTimeout(),
        UpstreamUnavailable(retry_after_seconds=3600),
    ],
)
async def test_what_is_not_tried_again(error: LecternError) -> None:
    """Refusals, what is not there, full queues, timeouts, and who asks for more patience than a reader has."""
    work, tries = failing(error)
    with pytest.raises(type(error)):
        await line(retries=5).call(Circuit("llm", "answer", Rules()), work)
    assert len(tries) == 1


async def test_what_took_long_to_fail_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reader has waited enough, whatever the error is called."""
    monkeypatch.setattr("lectern.resilience.policy._PATIENCE_SECONDS", 0.01)
    tries: list[int] = []

    async def work() -> None:
        tries.append(1)
        await asyncio.sleep(0.02)
        raise UpstreamUnavailable

    with pytest.raises(UpstreamUnavailable):
        await line(retries=3).call(Circuit("llm", "answer", Rules()), work)
    assert tries == [1]


async def test_a_short_retry_after_is_waited_for_and_counts_nothing() -> None:
    """A limit that asks to come back in a moment is no outage."""
    circuit = Circuit("llm", "answer", Rules())
    work, _ = failing(UpstreamUnavailable(retry_after_seconds=0.05))
    began = time.monotonic()
    assert await line().call(circuit, work) == "result"
    assert time.monotonic() - began >= 0.05
    assert circuit.describe().changed_seconds_ago is None


@pytest.mark.parametrize("error", [UpstreamRejected, ConversationNotFound, TooBusy])
async def test_what_is_not_held_against_a_part(error: type[LecternError]) -> None:
    """However often it comes, the circuit stays closed."""
    circuit = Circuit("llm", "answer", Rules())
    for _ in range(50):
        with pytest.raises(error):
            await line().call(circuit, failing(error())[0])
    assert circuit.describe().state == "closed"


async def test_cancelled_calls_are_not_held_against_a_part() -> None:
    """Fifty readers who leave open nothing; one who leaves while probing gives the permit back."""
    circuit = Circuit("llm", "answer", Rules(open=0.001))

    async def hang() -> None:
        await asyncio.Event().wait()

    async def leave() -> None:
        task = asyncio.create_task(line().call(circuit, hang))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    for _ in range(50):
        await leave()
    assert circuit.describe().changed_seconds_ago is None
    for _ in range(5):
        with pytest.raises(UpstreamTimeout):
            await line().call(circuit, failing(UpstreamTimeout())[0])
    await asyncio.sleep(0.01)
    await leave()
    assert await line().call(circuit, failing()[0]) == "result"
    assert circuit.describe().state == "closed"


async def test_an_open_circuit_answers_without_calling() -> None:
    """At once, with the line's own error and when to come back."""
    circuit = Circuit("llm", "answer", Rules(open=50, most_open=50))
    for _ in range(5):
        with pytest.raises(UpstreamTimeout):
            await line().call(circuit, failing(UpstreamTimeout())[0])
    work, tries = failing()
    with pytest.raises(UpstreamUnavailable, match="model is not available") as caught:
        await line().call(circuit, work)
    assert tries == []
    assert 0 < (caught.value.retry_after_seconds or 0) <= 50


async def test_no_call_outlives_the_request() -> None:
    """Work is cut off at the deadline less its reserve, which is not held against the part; later work is not begun."""
    circuit = Circuit("llm", "answer", Rules())
    deadline.start(deadline.RESERVE_SECONDS + 0.1)

    async def hang() -> None:
        await asyncio.Event().wait()

    with pytest.raises(UpstreamUnavailable):
        await line().call(circuit, hang)
    work, tries = failing()
    with pytest.raises(UpstreamUnavailable):
        await line().call(circuit, work)
    assert tries == []
    assert circuit.describe().changed_seconds_ago is None


async def test_no_retry_past_the_deadline() -> None:
    """A pause that the request has no time for is not begun."""
    deadline.start(deadline.RESERVE_SECONDS + 0.5)
    work, tries = failing(UpstreamUnavailable(retry_after_seconds=1))
    began = time.monotonic()
    with pytest.raises(UpstreamUnavailable):
        await line().call(Circuit("llm", "answer", Rules()), work)
    assert len(tries) == 1
    assert time.monotonic() - began < 0.5


async def test_a_deadline_reaches_tasks_and_threads() -> None:
    """Whoever works for a request knows its deadline; outside of one there is none."""
    assert deadline.left() is None
    assert deadline.within(7) == 7
    token = deadline.start(60)
    seen = [await asyncio.create_task(_left()), await asyncio.to_thread(deadline.left)]
    assert all(left is not None and 50 < left <= 55 for left in seen)
    assert deadline.within(7) == 7
    assert 50 < deadline.within(100) <= 55
    deadline.end(token)
    deadline.start(1)
    assert deadline.within(7) == 0


async def _left() -> float | None:
    return deadline.left()
