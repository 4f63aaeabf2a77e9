"""The contract of all `Counters`: what limits, throttles and budgets may rely on, wherever it is counted."""

import asyncio
import time
from collections.abc import AsyncIterator
from math import inf, nan
from uuid import uuid4

import pytest
from tests.redis_server import RedisServer

from lectern.adapters.redis_counters import RedisCounters
from lectern.adapters.redis_numbers import RedisNumbers
from lectern.adapters.shared_counters import SharedCounters
from lectern.errors import UpstreamUnavailable
from lectern.ports import Counters, Rate
from lectern.resilience.circuit import Circuit
from lectern.resilience.policy import Line
from lectern.resilience.window import Rules
from lectern.serving.numbers import SharedNumbers

TEN = Rate(10, 3600)


@pytest.fixture(params=["this process", "all workers", "redis", "redis down"])
async def counters(request: pytest.FixtureRequest) -> AsyncIterator[Counters]:
    """Counters of each kind."""
    if request.param == "this process":
        yield SharedCounters()
        return
    shared = SharedCounters(SharedNumbers(shared=True))
    if request.param == "all workers":
        yield shared
        return
    server: RedisServer = request.getfixturevalue("redis")
    url = server.url if request.param == "redis" else "redis://127.0.0.1:9/0"
    line = Line(None, unavailable=UpstreamUnavailable, retries=0)
    made = RedisCounters(RedisNumbers(url, seconds=5), shared, line, Circuit("limits", "count", Rules()))
    yield made
    await made.close()


@pytest.fixture
def key() -> str:
    """A key that no test used before."""
    return f"visitor:{uuid4()}"


async def test_ten_means_ten(counters: Counters, key: str) -> None:
    """Of forty at once exactly ten pass; what each is told counts down to none."""
    standings = await asyncio.gather(*(counters.take(key, TEN) for _ in range(40)))
    assert sorted(standing.remaining for standing in standings if standing.allowed) == list(range(10))
    refused = [standing for standing in standings if not standing.allowed]
    assert len(refused) == 30
    assert all(standing.remaining == 0 for standing in refused)
    assert all(300 < standing.retry_after_seconds <= 396 for standing in refused)
    assert all(3500 < standing.reset_seconds <= 3600 for standing in refused)


async def test_keys_have_buckets_of_their_own(counters: Counters, key: str) -> None:
    """Somebody else's empty bucket is nobody's business."""
    for _ in range(11):
        await counters.take(key, TEN)
    assert not (await counters.take(key, TEN)).allowed
    assert (await counters.take(f"{key}x", TEN)).remaining == 9


async def test_a_bucket_fills_again(counters: Counters, key: str) -> None:
    """After the pause that a refusal names, one passes, and only one."""
    rate = Rate(4, 1.0)
    for _ in range(4):
        assert (await counters.take(key, rate)).allowed
    while (standing := await counters.take(key, rate)).allowed:
        pass  # the machine was so slow that it was refilled meanwhile
    await asyncio.sleep(standing.retry_after_seconds + 0.001)
    assert (await counters.take(key, rate)).allowed


async def test_all_or_none(counters: Counters, key: str) -> None:
    """Where one of two buckets is empty, nothing is taken from the other; each tells its own standing."""
    own, shared = (f"{key}:own", Rate(2, 3600)), (f"{key}:shared", TEN)
    for left in (9, 8):
        standings = await counters.take_all([own, shared])
        assert [(standing.allowed, standing.remaining) for standing in standings] == [(True, left - 8), (True, left)]
    for _ in range(20):
        standings = await counters.take_all([own, shared])
        assert [(standing.allowed, standing.remaining) for standing in standings] == [(False, 0), (True, 8)]
    assert (await counters.take(*shared)).remaining == 7


async def test_amounts_are_added(counters: Counters, key: str) -> None:
    """Sums are of all that was spent at once, apart from buckets, and 0 for what nobody spent."""
    until = time.time() + 3600
    assert await counters.spent(key) == 0
    await counters.take(key, TEN)
    await asyncio.gather(*(counters.spend(key, 0.25, until=until) for _ in range(40)))
    assert await counters.spent(key) == pytest.approx(10)
    await counters.spend(key, 1_000_000, until=until)
    assert await counters.spent(key) == pytest.approx(1_000_010)


async def test_an_amount_is_forgotten(counters: Counters, key: str) -> None:
    """From its moment on nothing was spent; what is spent for a moment that is over counts nothing."""
    await counters.spend(key, 3, until=time.time() - 1)
    assert await counters.spent(key) == 0
    until = int(time.time()) + 3
    await counters.spend(key, 3, until=until)
    assert await counters.spent(key) == 3
    await asyncio.sleep(until + 0.05 - time.time())
    assert await counters.spent(key) == 0


@pytest.mark.parametrize("amount", [-1, -inf, nan, 0, -0.0])
async def test_what_is_no_amount_counts_nothing(counters: Counters, key: str, amount: float) -> None:
    """A defect elsewhere neither ends a budget nor gives anything back."""
    until = time.time() + 3600
    await counters.spend(key, 5, until=until)
    await counters.spend(key, amount, until=until)
    assert await counters.spent(key) == 5


async def test_a_sum_never_ends(counters: Counters, key: str) -> None:
    """However much is spent, the sum is a number that is still above any budget."""
    for amount in (inf, 1e308, 1e308):
        await counters.spend(key, amount, until=time.time() + 3600)
    assert await counters.spent(key) == pytest.approx(3e15)


@pytest.mark.parametrize("until", [nan, inf, -inf, 1e300])
async def test_any_moment_is_taken(counters: Counters, key: str, until: float) -> None:
    """A moment that is none never raises, and never hinders the next."""
    await counters.spend(key, 5, until=until)
    await counters.spend(f"{key}2", 5, until=time.time() + 60)
    assert await counters.spent(f"{key}2") == 5


@pytest.mark.parametrize("text", ["", "a b\r\nFLUSHALL", "ü🦊", "\ud800", "\x00", "x" * 100_000, "*", "{a}"])
async def test_any_text_is_a_key(counters: Counters, key: str, text: str) -> None:
    """A key is a value, never part of a command."""
    assert (await counters.take(key + text, TEN)).remaining == 9
    await counters.spend(key + text, 2, until=time.time() + 60)
    assert await counters.spent(key + text) == 2


async def test_it_describes_itself(counters: Counters, key: str) -> None:
    """Under the port's name, in whatever state; warming and closing never raise, and what was closed opens again."""
    await counters.warm()
    assert counters.describe().name == "limits"
    await counters.close()
    assert (await counters.take(key, TEN)).allowed
