"""Those who follow a turn: one who takes nothing, a thousand, and some whose worker or database goes meanwhile."""

import asyncio
import os
import random
import resource
import signal
import socket
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from uuid import uuid4

import anyio.to_thread
import httpx2
import pytest
from tests.chaos.client import Asked, Client
from tests.chaos.cuts import Cut
from tests.faults.conftest import MakeRig, Seen
from tests.faults.rig import QUESTION, Rig
from tests.faults.test_processes import streams_of
from tests.faults.test_readers import LONG

FOLLOWERS = 50
"""MAX_FOLLOWERS when it is not set; the one who asked is among them."""
_WAVE = 100
"""So many come at once: it is their number that counts here, not their storm."""


async def happens(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until it holds, without holding up the readers."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is watched is elsewhere
            await asyncio.sleep(0.02)


def client_of(service: Rig, *cuts: Cut, question: str = QUESTION, follows: str = "", key: str = "") -> Client:
    """A client of a service."""
    return Client(Asked(question, key), [service.served.port], cuts, random.Random(1), follows=follows)


def all_answered(clients: Sequence[Client]) -> bool:
    """Whether each has received something."""
    return all(client.bytes for client in clients)


def journaled(service: Rig) -> int:
    """How many turns are written down as under way."""
    with closing(sqlite3.connect(service.folder / "data" / "lectern.sqlite3", timeout=10)) as connection:
        return int(connection.execute("SELECT count(*) FROM live_turns").fetchone()[0])


def assert_whole(service: Rig, *clients: Client, outcome: str = "answered") -> None:
    """Each ended with `done`, and its text is what is kept."""
    kept = service.turns()
    for client in clients:
        known = client.transcript
        assert known.faults == []
        assert known.end is not None, client.refusal
        assert known.end[0] == "done"
        assert kept[known.turn_id] == (outcome, known.text)


@pytest.mark.fault(8, "a follower takes nothing of a turn that another one reads")
async def test_a_follower_who_takes_nothing_slows_nobody(rig: MakeRig, seen: Seen) -> None:
    """Who asked reads on to the end; the other one's connection is closed after the limit for sending."""
    service = rig("stub-ttft20-len60000", workers=1, STALLED_SECONDS="2", HEARTBEAT_SECONDS="0.5",
                  MAX_ANSWER_TOKENS="60000")  # fmt: skip
    (worker,) = service.workers()
    service.prober.limit_seconds = 5  # one worker relays 60,000 tokens as fast as it can
    asking = client_of(service, question=LONG)
    with closing(socket.socket()) as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        async with asyncio.TaskGroup() as group:
            group.create_task(asking.run())
            await happens(lambda: bool(asking.transcript.text))
            idle.connect(("127.0.0.1", service.served.port))
            idle.sendall(f"GET /chat/turns/{asking.transcript.turn_id}/stream HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert await anyio.to_thread.run_sync(idle.recv, 15) == b"HTTP/1.1 200 OK"
        assert_whole(service, asking)
        calm = service.baseline[worker]["sockets"]
        await happens(lambda: service.holds_alone(worker)["sockets"] <= calm)
    seen(f"{asking.bytes / 1e6:.1f} MB read beside it, then its socket was closed")


@pytest.mark.fault(7, "1,000 follow one turn")
async def test_a_thousand_followers_harm_nobody(rig: MakeRig, seen: Seen) -> None:
    """As many as may get every byte; the others get a 429 that says why; questions are answered meanwhile."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    service = rig("stub-ttft20-itl100-len800", workers=1, TOKEN_TIMEOUT_SECONDS="20", ABANDON_SECONDS="0")
    asking = client_of(service)
    service.prober.limit_seconds = 5  # shares its interpreter with a thousand clients
    async with asyncio.TaskGroup() as group:
        group.create_task(asking.run())
        await happens(lambda: bool(asking.transcript.text))
        turn = asking.transcript.turn_id
        crowd = [client_of(service, follows=turn) for _ in range(1000)]
        for begin in range(0, len(crowd), _WAVE):
            wave = crowd[begin : begin + _WAVE]
            for client in wave:
                group.create_task(client.run(tries=1))
            await happens(partial(all_answered, wave))
        async with service.client() as http:
            refused = await http.get(f"/chat/turns/{turn}/stream")
            assert refused.status_code == httpx2.codes.TOO_MANY_REQUESTS
            assert refused.json()["error"] == "too_many_followers"
            assert int(refused.headers["retry-after"]) > 0
            other = await service.one(leave=lambda chat: bool(chat.text))
            assert other.first < 10
            # The answer would go on for longer than a test should.
            assert (await http.delete(f"/chat/turns/{turn}")).status_code == httpx2.codes.OK
    followers = [client for client in crowd if client.transcript.events]
    assert len(followers) == FOLLOWERS - 1
    assert_whole(service, asking, *followers, outcome="cancelled")
    assert all(client.seen["status 429"] for client in crowd if client not in followers)
    seen(f"{len(followers)} followed, {1000 - len(followers)} × 429; first word elsewhere after {other.first:.2f} s")


@pytest.mark.fault(18, "the database fails while a turn is written down")
async def test_a_turn_outlives_the_database_it_is_written_to(rig: MakeRig, seen: Seen) -> None:
    """The reader who came back gets every byte; the turn is saved, and nothing of it stays in the journal."""
    service = rig("stub-ttft20-itl100-len60", workers=1)
    (worker,) = service.workers()
    client = client_of(service, Cut("in a character", 1, reset=True), question=f"{QUESTION} für 試験")
    failed = 0
    async with asyncio.TaskGroup() as group:
        group.create_task(client.run())
        await happens(lambda: client.seen["cut in a character"] > 0 and journaled(service) == 1)
        service.window(worker, "database -1")
        while failed < 3:
            await asyncio.sleep(0.2)
            failed += service.window(worker, "database -1")["statements"]
        service.window(worker, "database 0")
        assert client.transcript.end is None
    assert_whole(service, client)
    await happens(lambda: journaled(service) == 0)
    seen(f"{failed} statements failed; whole, saved, nothing left in the journal")


@pytest.mark.fault(13, "SIGTERM of a worker whose readers lose their connections")
async def test_readers_of_a_draining_worker_go_on_elsewhere(rig: MakeRig, seen: Seen) -> None:
    """The worker takes no connection any more; its turns are followed from the other one, to their last byte."""
    service = rig("stub-ttft20-itl100-len80", GRACEFUL_TIMEOUT_SECONDS="30")
    size = await calibrated(service)
    dice = random.Random(4)
    places = [dice.randrange(size * 2 // 3, size * 3 // 4) for _ in range(20)]
    clients = [client_of(service, Cut("anywhere", at, reset=False), key=uuid4().hex) for at in places]
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.run())
        await happens(lambda: all(client.transcript.text for client in clients))
        victim = max(service.workers(), key=lambda pid: streams_of(service, pid))
        moved = streams_of(service, victim)
        os.kill(victim, signal.SIGTERM)
    assert_whole(service, *clients)
    assert all(client.seen["cut anywhere"] == 1 for client in clients)
    await happens(lambda: journaled(service) == 0)
    seen(f"{moved} of 20 turns were the draining worker's; all whole, nothing left in the journal")


async def calibrated(service: Rig) -> int:
    """How many bytes an undisturbed stream has."""
    client = client_of(service)
    await client.run()
    assert_whole(service, client)
    return client.bytes
