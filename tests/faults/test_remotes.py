"""Every remote part in one long run: Postgres restarted twice, Qdrant gone once, and nobody loses a turn."""

import asyncio
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.database_servers import Postgres
from tests.faults.conftest import Seen
from tests.faults.proxy import Proxy, Toxics
from tests.qdrant_server import QdrantServer, running_qdrant
from tests.service_process import environment
from tests.serving.servers import ROOT, Served, until
from tests.stub_process import Stub
from tests.test_service_postgres import chat, ended_well, kept, reader

SECONDS = 60.0
TALKERS = 6


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A Postgres of the test's own, to stop and start."""
    with tempfile.TemporaryDirectory(prefix="lectern-pg-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Postgres(folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def qdrant() -> Iterator[QdrantServer]:
    """The real engine behind Qdrant's REST calls."""
    with running_qdrant() as server:
        yield server


@pytest.mark.timeout(240)
@pytest.mark.fault(17, "Postgres restarted twice, Qdrant gone once, during 60 s of chats")
async def test_remotes_come_and_go(
    tmp_path: Path, postgres: Postgres, qdrant: QdrantServer, stub: Stub, seen: Seen
) -> None:
    """No chat fails, answers say what they went without, and every answered turn is in the database afterwards."""
    with Proxy(int(qdrant.url.rpartition(":")[2])) as gate:
        env = environment(
            tmp_path,
            DATABASE_URL=postgres.url(),
            QDRANT_URL=gate.url,
            OPENAI_BASE_URL=stub.base_url,
            MIN_CONFIDENCE="0",
            OPENAI_MODEL="stub-ttft50-itl10-len20",
        )
        service = _start(tmp_path / "service", env)
        try:
            turns = await asyncio.wait_for(_talk_through(service, postgres, gate), SECONDS * 3)
            answered = {turn["turn_id"] for turn in turns}
            until(lambda: answered <= kept(postgres), seconds=20)
        finally:
            service.close()
    failed = [turn for turn in turns if not ended_well(turn)]
    without_qdrant = sum(any(event["part"] == "index" for event in turn["degraded"]) for turn in turns)
    seen(f"{len(turns)} chats, {len(failed)} failed, {without_qdrant} without Qdrant, {len(answered)} turns kept")
    assert failed == []
    assert kept(postgres) == answered
    assert without_qdrant > TALKERS
    # Qdrant is back for good well before the end: the last answers go without nothing.
    assert [turn["degraded"] for turn in turns[-TALKERS:]] == [[]] * TALKERS


async def _talk_through(service: Served, postgres: Postgres, gate: Proxy) -> list[dict[str, Any]]:
    """Talk for the whole time while remotes go and come back."""
    turns: list[dict[str, Any]] = []
    over = asyncio.Event()

    async def talk() -> None:
        session = None
        while not over.is_set():
            turns.append(await chat(http, session))
            session = None if session else turns[-1]["conversation_id"]
            await asyncio.sleep(0.2)

    async with reader(service) as http, asyncio.TaskGroup() as group:
        for _ in range(TALKERS):
            group.create_task(talk())
        await asyncio.sleep(SECONDS * 0.1)
        for _ in range(2):
            await asyncio.to_thread(postgres.stop)
            await asyncio.sleep(SECONDS * 0.05)
            await asyncio.to_thread(postgres.start)
            await asyncio.sleep(SECONDS * 0.15)
        gate.set(Toxics(down=True))
        gate.reset()
        await asyncio.sleep(SECONDS * 0.1)
        gate.set()
        await asyncio.sleep(SECONDS * 0.4)
        over.set()
    return turns


@pytest.mark.timeout(180)
@pytest.mark.fault(26, "a start with model, embeddings, Postgres and Qdrant all away, which then come")
async def test_a_start_without_anything_becomes_whole(
    tmp_path: Path, postgres: Postgres, qdrant: QdrantServer, stub: Stub, seen: Seen
) -> None:
    """The port opens, health is 200 within a second, a chat quotes; within ten seconds of their coming all is used."""
    with Proxy(int(qdrant.url.rpartition(":")[2])) as gate, Proxy(_port(stub)) as provider:
        env = environment(
            tmp_path,
            DATABASE_URL=postgres.url(),
            QDRANT_URL=gate.url,
            OPENAI_BASE_URL=f"{provider.url}/v1",
            MIN_CONFIDENCE="0",
            OPENAI_MODEL="stub-len20",
            EMBEDDING_MODEL="stub-embed",
        )
        first = _start(tmp_path / "first", env)  # everything is there: the pages go into Qdrant
        first.signal(signal.SIGTERM)
        assert first.exit_code() == 0
        await asyncio.to_thread(postgres.stop)
        for proxy in (gate, provider):
            proxy.set(Toxics(down=True))
        service = _start(tmp_path / "second", env)
        try:
            async with reader(service) as http:
                began = time.monotonic()
                assert (await http.get("/health")).status_code == 200
                answered_in = time.monotonic() - began
                alone = await chat(http)
                await asyncio.to_thread(postgres.start)
                for proxy in (gate, provider):
                    proxy.set()
                came = time.monotonic()
                whole = alone
                while whole["degraded"] or (await http.get("/health")).json()["status"] != "healthy":
                    assert time.monotonic() - came < 30, whole
                    whole = await chat(http)
                took = time.monotonic() - came
            until(lambda: {alone["turn_id"], whole["turn_id"]} <= kept(postgres), seconds=20)
        finally:
            service.close()
    seen(f"health in {answered_in * 1000:.0f} ms, all used after {took:.1f} s")
    assert ended_well(alone)
    assert {event["part"] for event in alone["degraded"]} >= {"llm", "embeddings", "index"}
    assert answered_in < 1
    assert took < 10


def _port(stub: Stub) -> int:
    return int(stub.base_url.rpartition(":")[2].partition("/")[0])


def _start(records: Path, env: dict[str, str]) -> Served:
    records.mkdir()
    service = Served(["./entrypoint.sh"], records, ROOT, env)
    until(lambda: " is up: " in service.log or service.process.poll() is not None)
    assert " is up: " in service.log, service.log
    return service
