"""Draining as an app sees it."""

import asyncio
import subprocess
import sys

import pytest

from lectern.serving import process
from lectern.serving.board import Board
from lectern.serving.drain import Drain, Schedule, call_seconds


async def test_waiters_wake_when_draining_begins() -> None:
    """Everybody who waits learns of the drain, also who comes late."""
    drain = Drain()
    waiting = [asyncio.create_task(drain.begun.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not drain.begun
    drain.begin(5)
    await asyncio.gather(*waiting)
    await drain.begun.wait()
    assert drain.begun
    assert not drain.last_call


async def test_a_waiter_that_leaves_is_forgotten() -> None:
    """A cancelled wait leaves nothing behind and does not disturb the others."""
    drain = Drain()
    leaver, stayer = (asyncio.create_task(drain.begun.wait()) for _ in range(2))
    await asyncio.sleep(0)
    leaver.cancel()
    drain.begin(5)
    await stayer
    assert leaver.cancelled() or await asyncio.wait({leaver})
    assert not drain.begun._waiters


async def test_callbacks_come_with_the_last_call_unless_withdrawn() -> None:
    """A stream that ends by itself withdraws its callback; the others are called once, a late one at once."""
    process.enter_worker(0)
    called: list[str] = []
    process.on_last_call(lambda: called.append("stays"))
    withdraw = process.on_last_call(lambda: called.append("leaves"))
    withdraw()
    process.drain().begin(5)
    await asyncio.sleep(0.01)
    assert called == []
    process.drain().last_call.happen()
    process.drain().last_call.happen()
    await process.wait_for_last_call()
    await asyncio.sleep(0.01)
    assert called == ["stays"]
    process.on_last_call(lambda: called.append("late"))
    await asyncio.sleep(0.01)
    assert called == ["stays", "late"]
    process.enter_worker(0)


def test_the_time_left_can_only_shrink() -> None:
    """A second, shorter deadline counts; a longer one does not."""
    drain = Drain()
    assert drain.seconds_left is None
    drain.begin(300)
    drain.begin(20)
    drain.begin(100)
    assert drain.seconds_left is not None
    assert 10 < drain.seconds_left <= 20
    drain.begin(0)
    assert drain.seconds_left == 0


@pytest.mark.parametrize(("grace", "streams", "margin"), [(25, 21, 4), (10, 8, 2), (2, 1, 1), (1, 0, 1), (100, 96, 4)])
def test_part_of_the_grace_period_is_kept_for_clean_up(grace: float, streams: float, margin: float) -> None:
    """Streams never use up the time that `finally`, shutdown and exit hooks need before the kill."""
    assert Schedule.within(grace) == Schedule(streams=streams, margin=margin)


@pytest.mark.parametrize(("streams", "seconds"), [(21, 2), (8, 0.8), (1, 0.3)])
def test_the_last_call_leaves_time_for_last_words(streams: float, seconds: float) -> None:
    """Streams are told to finish a tenth of their time before the end, within bounds."""
    assert call_seconds(streams) == pytest.approx(seconds)


def test_a_worker_starts_with_its_number_and_without_the_masters_drain() -> None:
    """What the process knew before the fork about draining does not reach the worker."""
    process.drain().begin(1)
    assert process.draining()
    process.enter_worker(7)
    assert process.worker_number() == 7
    assert not process.draining()
    assert process.drain_seconds_left() is None
    process.enter_worker(0)


async def test_without_our_server_an_app_still_gets_its_plan_and_never_drains() -> None:
    """Under plain uvicorn or in a test the app reads a plan and waits for a drain that does not come."""
    assert process.setup() is None
    assert process.board() is None
    assert process.plan().workers >= 1
    waiting = [asyncio.create_task(wait()) for wait in (process.wait_for_drain, process.wait_for_last_call)]
    done, _ = await asyncio.wait(waiting, timeout=0.05)
    assert not done
    assert not process.draining()
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)


def test_the_board_counts_failures_until_a_worker_starts() -> None:
    """A success wipes the failures; their number does not overflow its byte."""
    board = Board()
    assert (board.served, board.failures) == (False, 0)
    for _ in range(300):
        board.failed()
    assert (board.served, board.failures) == (False, 255)
    board.started()
    assert (board.served, board.failures) == (True, 0)


def test_the_start_is_wrong_once() -> None:
    """Failures before any success make the start wrong, until the master has said so; later ones never do."""
    board = Board()
    assert not board.start_is_wrong
    board.failed()
    assert board.start_is_wrong
    board.halt()
    assert not board.start_is_wrong
    lucky = Board()
    lucky.started()
    lucky.failed()
    assert not lucky.start_is_wrong


def test_one_worker_at_a_time_retires() -> None:
    """The turn is one process's until that process ends, however it does."""
    board = Board()
    take = f"import fcntl, signal; fcntl.lockf({board._turn}, fcntl.LOCK_EX); print(flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", take], pass_fds=[board._turn], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert not board.take_turn()
        other.kill()
    assert board.take_turn()
    assert board.take_turn()
