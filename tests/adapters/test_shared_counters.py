"""Counting in shared memory beside a worker that does not let go."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from lectern.adapters.shared_counters import SharedCounters
from lectern.ports import Rate
from lectern.serving.numbers import NumberTable, SharedNumbers

TEN = Rate(10, 3600)

_HOLDER = "import fcntl,os,time\nfcntl.lockf({lock}, fcntl.LOCK_EX)\nos.write({tell}, b'.')\ntime.sleep(60)"


@pytest.fixture
def numbers() -> SharedNumbers:
    """Memory that others may hold."""
    return SharedNumbers(shared=True)


@pytest.fixture
def held(numbers: SharedNumbers) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds all buckets, as one that was stopped while it changed them would hold eight."""
    lock = numbers.moments._locks
    assert lock is not None
    inside, tell = os.pipe()
    program = _HOLDER.format(lock=lock, tell=tell)
    holder = subprocess.Popen([sys.executable, "-c", program], pass_fds=(lock, tell))
    os.read(inside, 1)
    yield holder
    holder.kill()
    holder.wait(10)
    os.close(inside)
    os.close(tell)


async def test_nobody_waits_long_and_ten_are_still_ten(
    numbers: SharedNumbers, held: subprocess.Popen[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """Fifteen at once are answered together, within moments, and the loop turns all the time."""
    counters, turns, done = SharedCounters(numbers), 0, asyncio.Event()

    async def turn() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            await asyncio.sleep(0)

    turning = asyncio.create_task(turn())
    began = time.monotonic()
    standings = await asyncio.gather(*(counters.take("a", TEN) for _ in range(15)))
    took = time.monotonic() - began
    done.set()
    await turning
    assert took < 1.5
    assert turns > 20
    assert sum(standing.allowed for standing in standings) == 10


async def test_with_its_end_everything_is_as_before(numbers: SharedNumbers, held: subprocess.Popen[bytes]) -> None:
    """What was counted beside it stays counted."""
    counters = SharedCounters(numbers)
    for _ in range(4):
        await counters.take("a", TEN)
    held.kill()
    held.wait(10)
    assert (await counters.take("a", TEN)).remaining == 5


async def test_amounts_are_held_by_nobody_who_holds_buckets(
    numbers: SharedNumbers, held: subprocess.Popen[bytes]
) -> None:
    """The two tables have locks of their own."""
    counters = SharedCounters(numbers)
    began = time.monotonic()
    await counters.spend("a", 2, until=time.time() + 60)
    assert await counters.spent("a") == 2
    assert time.monotonic() - began < 0.6


async def test_a_flood_of_ids_leaves_the_address_as_empty_as_it_was(numbers: SharedNumbers) -> None:
    """Buckets of others, thirty times as many as there is room for, do not give a refused address a new one."""
    numbers.moments = NumberTable(64, shared=True)
    counters = SharedCounters(numbers)
    for _ in range(600):
        await counters.take("address:192.0.2.1", Rate(600, 3600))
    for number in range(2000):
        await counters.take(f"visitor:{number}", Rate(30, 60))
    assert not (await counters.take("address:192.0.2.1", Rate(600, 3600))).allowed
