"""The machine fails: database, disk, log, descriptors, clock; and everybody comes at once."""

import ast
import os
import signal
import socket
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from tests.faults.conftest import MakeRig, Seen
from tests.faults.readers import Chat
from tests.faults.rig import Rig, cpu_seconds
from tests.serving.servers import ROOT, until

PIPED_LOG = 'exec > >(echo $BASHPID >"$WINDOW/../reader"; exec cat) 2>&1'
"""The log goes through a pipe to a process that can be stopped."""


def log_reader(rig: Rig) -> int:
    """The process that reads the log."""
    return int((rig.folder / "reader").read_text())


@pytest.mark.fault(18, "another process holds the database's write lock")
async def test_a_locked_database_costs_the_history_only(rig: MakeRig, seen: Seen) -> None:
    """Answers are whole and say that they are not kept; a deletion is refused with 503; after the lock all is kept."""
    service = rig("stub-len20")
    first = await service.one()
    assert first.last == "done"
    session = first.events[0][1]["conversation_id"]
    with closing(sqlite3.connect(service.folder / "data" / "lectern.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        chats = await service.many(10, session=session)
        assert {chat.last for chat in chats} == {"done"}
        assert all("store" in chat.degraded for chat in chats)
        async with service.client() as http:
            refused = await http.delete(f"/chat/sessions/{session}")
        assert (refused.status_code, refused.json()["error"]) == (503, "store_unavailable")
        other.execute("ROLLBACK")
    after = await service.one(session=session)
    assert (after.last, after.degraded) == ("done", {})
    assert len(service.turns()) == 2
    words, end = max(chat.first for chat in chats), max(chat.seconds for chat in chats)
    seen(f"10 answers: first words after ≤ {words:.2f} s, whole after ≤ {end:.1f} s (patience 5 s); 503 for a deletion")


@pytest.mark.fault(18, "the N-th statement or commit fails, for every N of one chat")
@pytest.mark.parametrize("on", [False, True], ids=["once", "and all later"])
async def test_every_statement_may_fail(rig: MakeRig, seen: Seen, *, on: bool) -> None:
    """The answer is whole each time; it is kept whole or not at all, and says so."""
    service = rig("stub-len5", workers=1)
    (worker,) = service.workers()
    session = (await service.one()).events[0][1]["conversation_id"]
    ends = []
    for number in range(1, 30):
        service.window(worker, f"database {-number if on else number}")
        chat = await service.one(session=session)
        statements = service.window(worker, "database 0")["statements"]
        assert chat.last == "done"
        ends.append("whole" if not chat.degraded else "unkept" if chat.turn not in service.turns() else "no history")
        assert service.leaks_soon() == []
        if statements < number:
            break
    assert ends[-1] == "whole"
    assert len(ends) > 3
    seen(f"{len(ends)} runs: {', '.join(f'{ends.count(end)} {end}' for end in dict.fromkeys(ends))}")


@pytest.mark.fault(20, "no file may grow: the disk is full")
async def test_a_full_disk_leaves_answers(rig: MakeRig, seen: Seen) -> None:
    """The service starts and answers; conversations are said not to be kept."""
    service = rig("stub-len20", shell=f"{PIPED_LOG}\nulimit -f 0")
    chats = await service.many(10)
    assert {chat.last for chat in chats} == {"done"}
    assert all(set(chat.degraded) == {"store"} for chat in chats)
    seen(f"10 answers, whole after ≤ {max(chat.seconds for chat in chats):.2f} s, none kept, each says so")


@pytest.mark.fault(21, "the reader of the log stalls")
async def test_a_stalled_log_reader_stalls_nobody(rig: MakeRig, seen: Seen) -> None:
    """Requests are answered and a killed worker is replaced; lines are dropped, and their number is told afterwards."""
    service = rig("stub-len20", shell=PIPED_LOG, LOG_FORMAT="json")
    os.kill(log_reader(service), signal.SIGSTOP)
    started = time.monotonic()
    async with service.client() as http:
        for _ in range(500):
            (await http.get("/health/ready")).raise_for_status()
    took = time.monotonic() - started
    chats = await service.many(10)
    assert {(chat.last, len(chat.degraded)) for chat in chats} == {("done", 0)}
    old = service.workers()
    service.prober.excused = 1
    os.kill(old[0], signal.SIGKILL)
    await anyio.to_thread.run_sync(until, lambda: len(set(service.workers()) - set(old)) == 1)
    assert "log lines were dropped" not in service.served.log
    os.kill(log_reader(service), signal.SIGCONT)
    await anyio.to_thread.run_sync(until, lambda: "log lines were dropped" in service.served.log)
    seen(f"500 requests in {took:.1f} s and 10 answers with a full pipe; a worker replaced; drops told")


@pytest.mark.fault(23, "64 descriptors a worker, 200 silent connections")
async def test_running_out_of_descriptors_passes(rig: MakeRig, seen: Seen) -> None:
    """The worker waits without spinning, and answers again as soon as there is room."""
    service = rig(workers=1, shell="ulimit -n 64", HEADER_TIMEOUT_SECONDS="60")
    (worker,) = service.workers()
    assert (await service.one()).last == "done"
    service.prober.stop()
    with ExitStack() as held:
        for _ in range(200):
            held.enter_context(closing(socket.create_connection(("127.0.0.1", service.served.port), timeout=10)))
        await anyio.sleep(0.5)  # those that fit are taken
        before, started = cpu_seconds(worker), time.monotonic()
        await anyio.sleep(2)
        busy = (cpu_seconds(worker) - before) / (time.monotonic() - started)
    started = time.monotonic()
    chat = await service.one()
    assert chat.last == "done"
    assert service.workers() == [worker]
    assert busy < 0.7
    seen(f"{busy:.0%} of a core while out of descriptors; the next answer after {time.monotonic() - started:.1f} s")


@pytest.mark.fault(24, "the wall clock jumps by an hour, either way, during answers")
async def test_a_jumping_clock_ends_nothing(rig: MakeRig, seen: Seen) -> None:
    """Streams go on to their end; no limit of time strikes."""
    service = rig("stub-ttft20-itl50-len40")

    async def jump() -> None:
        for seconds in (3600, -3600, 0):
            await anyio.sleep(0.5)
            for pid in service.workers():
                service.window(pid, f"clock {seconds}")

    chats: list[Chat] = []
    async with anyio.create_task_group() as group:
        group.start_soon(jump)
        chats = await service.many(10)
    assert {(chat.last, len(chat.degraded)) for chat in chats} == {("done", 0)}
    seen("10 streams across three jumps ended with `done`")


@pytest.mark.fault(24, "the wall clock is read")
def test_no_limit_of_time_reads_the_wall_clock(seen: Seen) -> None:
    """Only for what people see, dates of others, ages of what outlives a process, days, and leases of replicas.

    A clock that jumps ends a lease too soon or too late: a piece of a chapter is paid twice, or waited for. A turn in
    another container is not taken for dead by it alone: its owner is silent by the follower's own clock, too.
    """
    readers = {
        path.relative_to(ROOT / "src" / "lectern").as_posix()
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in {("time", "time"), ("datetime", "now"), ("datetime", "utcnow")}
    }
    machines = {f"adapters/qdrant_index/{name}.py" for name in ("commit", "control", "writes")}
    report = {"adapters/examine_index.py", "ops/certificate.py", "ops/small_http.py"}
    people = {"chat/draft.py", "adapters/provider_outcome.py", "adapters/outbox_files.py"}
    people |= {"adapters/sql_accounts.py", "adapters/sql_conversations.py", "admin/endpoints.py", "admin/ingesting.py"}
    tokens = {"accounts/desk.py", "accounts/tokens.py", "adapters/better_auth.py", "adapters/better_auth_sessions.py"}
    tokens |= {"adapters/fetched_keys.py", "web/visitors.py"}
    days = {"limits/budgets.py", "adapters/shared_counters.py", "adapters/redis_counters.py", "lifecycle/retention.py"}
    people |= {"adapters/sql_tasks.py", "study/translations.py"}
    people |= {f"tasks/{name}.py" for name in ("answering", "assistant", "draft")}
    people |= {"adapters/sql_api_keys.py", "integrations/desk.py", "openai_api/endpoints.py"}
    tokens |= {"integrations/identities.py"}
    leases = {"adapters/sql_rewrites.py", "adapters/sql_task_turns.py"}
    leases |= {"adapters/sql_journal.py", "adapters/sql_journal_statements.py", "chat/lookout.py", "chat/turn_ids.py"}
    assert readers <= people | report | machines | tokens | days | leases, readers
    seen(f"read in {', '.join(sorted(readers))}")


@pytest.mark.fault(27, "a thread, socket or loop in the master before the fork")
def test_the_master_is_bare(rig: MakeRig, seen: Seen) -> None:
    """With everything loaded the master has one thread and one socket, the one it listens on."""
    service = rig(EMBEDDING_MODEL="stub-embed")
    master = Path(f"/proc/{service.served.process.pid}")
    threads = len(list((master / "task").iterdir()))
    links = [str(link.readlink()) for link in (master / "fd").iterdir()]
    sockets = [link for link in links if link.startswith("socket:")]
    loops = [link for link in links if "eventpoll" in link]
    assert (threads, len(sockets), len(loops)) == (1, 1, 0)
    assert "starts threads" not in service.served.log
    seen("1 thread, 1 socket, no loop")


@pytest.mark.fault(28, "60 readers at the same moment")
@pytest.mark.parametrize("workers", [2, 1])
async def test_a_burst_is_answered(rig: MakeRig, seen: Seen, workers: int) -> None:
    """All are answered in full, also by one worker alone; nobody waits long for the first word."""
    service = rig("stub-ttft200-itl20-len40", workers=workers)
    chats = await service.many(60)
    assert {(chat.last, len(chat.degraded)) for chat in chats} == {("done", 0)}
    first = sorted(chat.first for chat in chats)
    assert first[-1] < 5
    seen(
        f"60 × done; first word (200 ms at the provider) p50 {first[30] * 1000:.0f} ms, last {first[-1] * 1000:.0f} ms"
    )
