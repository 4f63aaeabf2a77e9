"""Workers that are killed, blocked or stopped while they serve."""

import os
import signal
import time
from collections.abc import Callable

import anyio
import anyio.to_thread
import pytest
from tests.faults.conftest import MakeRig, Seen
from tests.faults.proxy import Proxy, Toxics
from tests.faults.readers import Chat
from tests.faults.rig import Rig
from tests.serving.servers import alive, until

LONG = "stub-ttft20-itl50-len2000"


async def wait(condition: Callable[[], bool], seconds: float = 30) -> float:
    """Wait until it holds, without holding up the readers; seconds until then."""
    started = time.monotonic()
    await anyio.to_thread.run_sync(until, condition, seconds)
    return time.monotonic() - started


def started(chats: list[Chat], count: int) -> Callable[[], bool]:
    """Whether this many readers have a first word."""
    return lambda: sum(1 for chat in chats if chat.text) >= count


async def exit_code(rig: Rig) -> int:
    """Wait for the end."""
    return await anyio.to_thread.run_sync(rig.served.exit_code)


def streams_of(rig: Rig, pid: int) -> int:
    """Answers that a worker is being sent by the provider."""
    return int(rig.holds(pid)["busy_upstream"])


@pytest.mark.fault(11, "SIGKILL of a worker under 60 streams")
async def test_a_killed_worker_ends_its_own_streams_only(rig: MakeRig, seen: Seen) -> None:
    """The sibling's streams end with `done`, and a new worker takes its place at once."""
    service = rig("stub-ttft20-itl50-len60")
    async with service.client() as http, anyio.create_task_group() as group:
        for _ in range(60):
            group.start_soon(service.ask, http)
        await wait(started(service.chats, 60))
        old = service.workers()
        victim = max(old, key=lambda pid: streams_of(service, pid))
        lost = streams_of(service, victim)
        for chat in service.chats:
            chat.excused = True
        service.prober.excused = 1
        os.kill(victim, signal.SIGKILL)
        took = await wait(lambda: len(set(service.workers()) - set(old)) == 1)
    whole = [chat for chat in service.chats if chat.last == "done" and chat.ended]
    assert len(whole) == 60 - lost
    assert all(chat.error for chat in service.chats if chat not in whole)
    assert took < 10
    assert (await service.one()).last == "done"
    seen(f"{lost} streams ended, {len(whole)} untouched, a new worker after {took:.2f} s")


@pytest.mark.fault(12, "SIGKILL of a worker while every remote is down")
async def test_a_worker_is_replaced_while_the_remotes_are_down(rig: MakeRig, proxy: Proxy, seen: Seen) -> None:
    """The server stays up: the sibling answers by quoting, and a new worker comes that does so too."""
    service = rig(EMBEDDING_MODEL="stub-embed")
    proxy.set(Toxics(down=True))
    proxy.reset()
    old = service.workers()
    service.prober.excused = 1
    os.kill(old[0], signal.SIGKILL)
    took = await wait(lambda: len(set(service.workers()) - set(old)) == 1)
    chats = await service.many(10)
    assert {(chat.last, "llm" in chat.degraded) for chat in chats} == {("done", True)}
    assert service.served.process.poll() is None
    seen(f"a new worker after {took:.2f} s, 10 quoted answers")


@pytest.mark.fault(13, "SIGTERM with 30 streams")
async def test_sigterm_ends_streams_in_order(rig: MakeRig, seen: Seen) -> None:
    """Long streams get a last event and are kept as far as they got; the exit code is 0 before the kill."""
    service = rig(LONG, GRACEFUL_TIMEOUT_SECONDS="8")
    async with service.client() as http, anyio.create_task_group() as group:
        for _ in range(30):
            group.start_soon(service.ask, http)
        await wait(started(service.chats, 30))
        service.prober.stop()
        stopping = time.monotonic()
        service.served.signal(signal.SIGTERM)
        await wait(lambda: not service.served.accepts())
        code = await exit_code(service)
        took = time.monotonic() - stopping
    assert {(chat.last, chat.code) for chat in service.chats} == {("failed", "shutting_down")}
    assert sorted(service.turns().values()) == sorted(("cancelled", chat.text) for chat in service.chats)
    assert (code, took < 30) == (0, True)
    assert "Traceback" not in service.served.log
    seen(f"30 × shutting_down, 30 turns kept, exit 0 after {took:.1f} s (limit 8 s)")


@pytest.mark.fault(14, "asked to end twice, or urgently, with streams")
@pytest.mark.parametrize("signals", ["SIGTERM SIGTERM", "SIGINT", "SIGQUIT"])
async def test_urgent_ends_are_quick_and_clean(rig: MakeRig, seen: Seen, signals: str) -> None:
    """Streams get their last event, turns are kept, the exit code is 0, and nothing waits for the grace period."""
    service = rig(LONG, GRACEFUL_TIMEOUT_SECONDS="100")
    async with service.client() as http, anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(service.ask, http)
        await wait(started(service.chats, 10))
        service.prober.stop()
        stopping = time.monotonic()
        for name in signals.split():
            service.served.signal(signal.Signals[name])
            await wait(lambda: not service.served.accepts())
        code = await exit_code(service)
        took = time.monotonic() - stopping
    assert (code, took < 30) == (0, True)
    assert {chat.code for chat in service.chats} == {"shutting_down"}
    assert sorted(service.turns().values()) == sorted(("cancelled", chat.text) for chat in service.chats)
    seen(f"exit 0 after {took:.1f} s, 10 turns kept")


@pytest.mark.fault(14, "SIGHUP under load")
async def test_a_reload_loses_no_question(rig: MakeRig, seen: Seen) -> None:
    """Both workers are replaced while 8 readers ask all the time; every answer is whole."""
    service = rig("stub-ttft20-itl10-len30", GRACEFUL_TIMEOUT_SECONDS="30")
    old = set(service.workers())
    over = False

    async def keep_asking() -> None:
        async with service.client() as http:
            while not over:
                await service.ask(http)

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(keep_asking)
        await wait(started(service.chats, 16))
        service.served.signal(signal.SIGHUP)
        await wait(lambda: len(service.workers()) >= 2 and not old & set(service.workers()))
        asked = len(service.chats)
        await wait(started(service.chats, asked + 8))
        over = True
    assert {chat.last for chat in service.chats} == {"done"}
    seen(f"{len(service.chats)} questions answered across the reload")


@pytest.mark.fault(15, "MAX_REQUESTS is reached under long streams")
async def test_retiring_workers_cut_nothing(rig: MakeRig, seen: Seen) -> None:
    """Workers are replaced after their last request; streams that outlive WORKER_TIMEOUT_SECONDS end with `done`."""
    service = rig("stub-ttft20-itl100-len50", MAX_REQUESTS="30", WORKER_TIMEOUT_SECONDS="2")
    old = service.workers()
    chats = await service.many(20)
    assert {chat.last for chat in chats} == {"done"}
    await wait(lambda: not set(old) & set(service.workers()))
    assert "WORKER TIMEOUT" not in service.served.log
    seen(f"20 streams of {max(chat.seconds for chat in chats):.0f} s ended with `done`, both workers replaced")


@pytest.mark.fault(16, "a worker's loop is blocked for 1 s")
async def test_a_blocked_worker_holds_up_nobody_new(rig: MakeRig, seen: Seen) -> None:
    """Questions asked meanwhile are answered by the sibling; nothing is killed."""
    service = rig("stub-ttft20-itl5-len20")
    old = service.workers()
    service.prober.limit_seconds = 2  # a probe may have been taken just before
    service.window(old[0], "block 1")
    chats = await service.many(10)
    slowest = max(chat.first for chat in chats)
    assert {chat.last for chat in chats} == {"done"}
    assert service.workers() == old
    seen(f"10 questions meanwhile: first words after ≤ {slowest * 1000:.0f} ms")


@pytest.mark.fault(16, "a worker's loop is blocked for ever")
async def test_a_stuck_worker_is_replaced(rig: MakeRig, seen: Seen) -> None:
    """It is killed after WORKER_TIMEOUT_SECONDS, the log says where it stood, and the sibling's streams go on."""
    service = rig("stub-ttft20-itl100-len60", WORKER_TIMEOUT_SECONDS="2")
    old = service.workers()
    async with anyio.create_task_group() as group:

        async def read() -> None:
            await service.many(20)

        group.start_soon(read)
        await wait(started(service.chats, 20))
        busy = {pid: streams_of(service, pid) for pid in old}
        victim = min(busy, key=lambda pid: busy[pid])
        for chat in service.chats:
            chat.excused = True
        # A probe that the worker has taken just before it is blocked waits with it.
        service.prober.excused, service.prober.limit_seconds = 3, 20
        service.window(victim, "block 600")
        took = await wait(lambda: not alive(victim) and len(set(service.workers()) - set(old)) == 1)
    whole = [chat for chat in service.chats if chat.last == "done" and chat.ended]
    assert len(whole) == 20 - busy[victim]
    assert "tests/faults/app.py" in service.served.log
    assert service.served.process.poll() is None
    seen(f"replaced after {took:.1f} s (limit 2 s), {len(whole)} streams of the sibling untouched")
