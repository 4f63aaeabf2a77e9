"""The whole service while what it leans on is asleep: what readers hear over the wire, and what they get in the end."""

import asyncio
import json
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.database_servers import Postgres, running_postgres
from tests.qdrant_server import running_qdrant
from tests.service_process import SSE, UP, environment, outcomes
from tests.serving.servers import ROOT, Served, until
from tests.stub_process import Stub, running_stub

from lectern.adapters.sql_migrations import migrate

pytestmark = pytest.mark.process

MODEL = "stub-len5"
WAKE_SECONDS = 3
"""As long as Neon takes when it has slept: more than the patience with silence, less than that with the database."""

Start = Callable[..., Served]
Told = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    """A provider."""
    with running_stub() as stub:
        yield stub


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A Postgres of the test's own, to put to sleep; with its schema, so that turns are kept there at once."""
    with running_postgres() as server:
        migrate(server.url())
        yield server


@pytest.fixture
def start(tmp_path: Path, stub: Stub) -> Iterator[Start]:
    """Starts the service with one worker, waits for its boot report, and ends it with the test."""
    started: list[Served] = []

    def run(**env: str) -> Served:
        here = {"OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": MODEL, "MIN_CONFIDENCE": "0", "WEB_CONCURRENCY": "1"}
        service = Served(["./entrypoint.sh"], tmp_path, ROOT, environment(tmp_path, **(here | env)))
        started.append(service)
        until(lambda: UP.search(service.log) is not None or service.process.poll() is not None, seconds=60)
        assert UP.search(service.log), service.log
        return service

    yield run
    for service in started:
        service.close()


async def ask(service: Served, question: str, session: str | None = None) -> AsyncGenerator[Told, None]:
    """The events of a turn, as they come; a comment comes as `ping`."""
    body = {"message": question} | ({"session_id": session} if session else {})
    name = ""
    async with (
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{service.port}", timeout=30, trust_env=False) as http,
        http.stream("POST", "/chat", json=body, headers=SSE) as response,
    ):
        assert response.status_code == 200, await response.aread()
        async for line in response.aiter_lines():
            if line.startswith(": ping"):
                yield "ping", {}
            elif line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


def names(events: list[Told]) -> list[str]:
    """The events' names with their parts; runs of deltas as one."""
    told = [f"{name} {data['part']}" if "part" in data else name for name, data in events]
    return [name for at, name in enumerate(told) if name != "delta" or told[at - 1] != "delta"]


async def test_a_sleeping_database_is_woken_by_a_follow_up(postgres: Postgres, start: Start, stub: Stub) -> None:
    """It takes three seconds: the reader hears so, then gets an answer made with the conversation, missing nothing."""
    service = start(DATABASE_URL=postgres.url())
    first = [event async for event in ask(service, "How do I run the tests?")]
    postgres.freeze()
    events = []
    async for event in ask(service, "and why is that so?", first[0][1]["conversation_id"]):
        events.append(event)
        if event[0] == "waking":
            await asyncio.sleep(WAKE_SECONDS - 1)
            postgres.thaw()
    assert names(events) == ["started", "waking store", "sources", "delta", "done"]
    said = [message["content"] for message in stub.last(MODEL)["body"]["messages"]]
    assert said[1] == "How do I run the tests?"
    assert said[2] == "".join(data["text"] for name, data in first if name == "delta")


async def test_a_database_that_does_not_wake_is_gone_without(postgres: Postgres, start: Start) -> None:
    """After the patience with it the answer comes without the conversation, and says so; the stream is kept alive."""
    service = start(
        DATABASE_URL=postgres.url(),
        DATABASE_CONNECT_TIMEOUT_SECONDS="2",
        WAKING_SECONDS="0.5",
        HEARTBEAT_SECONDS="0.2",
    )
    [(_, started), *_] = [event async for event in ask(service, "How do I run the tests?")]
    postgres.freeze()
    events = [event async for event in ask(service, "and why is that so?", started["conversation_id"])]
    told = names([event for event in events if event[0] != "ping"])
    assert told[:4] == ["started", "waking store", "sources", "degraded store"]
    assert told[-1] == "done"
    heard = [name for name, _ in events]
    assert "ping" in heard[: heard.index("sources")]


async def test_a_sleeping_index_is_waited_for(start: Start) -> None:
    """A cluster that answers late is told of and used: the local index does not have to stand in."""
    awake = threading.Event()
    with running_qdrant() as qdrant:
        service = start(QDRANT_URL=qdrant.url)

        def sleep(_: str) -> None:
            awake.wait(20)

        qdrant.fault = sleep
        events = []
        async for event in ask(service, "How do I run the tests?"):
            events.append(event)
            if event[0] == "waking":
                awake.set()
        service.close()
    assert names(events) == ["started", "waking index", "sources", "delta", "done"]


async def test_nobody_loses_a_turn_that_waits(tmp_path: Path, start: Start, stub: Stub) -> None:
    """Who leaves for good, and who is cut off by a stop: the model is let go, and the turn is kept."""
    service = start(
        OPENAI_MODEL="stub-ttft15000-len5", WAKING_SECONDS="0.3", GRACEFUL_TIMEOUT_SECONDS="3", ABANDON_SECONDS="0"
    )
    async with aclosing(ask(service, "How do I run the tests?")) as events:
        async for name, _ in events:
            if name == "waking":
                break
    until(lambda: outcomes(tmp_path) == [("cancelled", "")])
    await stub.until(open=0)
    seen = []
    async for event in ask(service, "How do I run the tests?"):
        seen.append(event)
        if event[0] == "waking":
            service.signal(signal.SIGTERM)
    assert await asyncio.to_thread(service.exit_code) == 0
    assert names(seen) == ["started", "sources", "waking llm", "failed"]
    assert seen[-1][1]["code"] == "shutting_down"
    assert outcomes(tmp_path) == [("cancelled", "")] * 2
    await stub.until(open=0)


async def test_a_model_that_starts_is_told_of(start: Start) -> None:
    """A server that loads its model before its first token: once, between the sources and the answer."""
    service = start(OPENAI_MODEL="stub-ttft1500-itl20-len20", WAKING_SECONDS="0.3")
    events = [event async for event in ask(service, "How do I run the tests?")]
    assert names(events) == ["started", "sources", "waking llm", "delta", "done"]
