"""Tasks over real processes, with two workers and both databases: a turn is done once, however often it is sent."""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from tests.database_servers import Postgres
from tests.service_process import SSE, UP, environment, events
from tests.serving.servers import ROOT, Served, until
from tests.stub_process import Stub, running_stub
from tests.test_service_limits import to_both_workers, worker_of, workers

from lectern.adapters.sql_migrations import migrate

pytestmark = pytest.mark.process

SETTINGS = {"SECRET_KEY": "a-secret-of-the-tests-own-0123456789abcdef", "MIN_CONFIDENCE": "0", "LIMITS": "none"}
BY_GRAMMAR = "add buy milk"
BY_MODEL = 'call add_task {"title": "buy milk"}'
Start = Callable[..., Served]


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    """A provider."""
    with running_stub() as stub:
        yield stub


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    """What the service is told of its database: nothing, or one of a Postgres server."""
    if request.param == "sqlite":
        return {}
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.make(f"tasks_{uuid4().hex[:12]}")
    migrate(url)
    return {"DATABASE_URL": url}


@pytest.fixture
def start(tmp_path: Path, database: dict[str, str]) -> Iterator[Start]:
    """Starts the service with two workers, waits for its boot report, and ends it with the test."""
    started: list[Served] = []

    def run(**env: str) -> Served:
        service = Served(["./entrypoint.sh"], tmp_path, ROOT, environment(tmp_path, **(SETTINGS | database | env)))
        started.append(service)
        until(lambda: UP.search(service.log) is not None or service.process.poll() is not None, seconds=60)
        assert UP.search(service.log), service.log
        return service

    yield run
    for service in started:
        service.close()


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody with an account of the service."""

    service: Served
    id: str
    token: str

    def headers(self, key: str | None = None) -> dict[str, str]:
        """What goes with a request."""
        more = {"Idempotency-Key": key} if key else {}
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"} | more

    def say(self, message: str, connection: HTTPConnection, key: str | None = None) -> tuple[int, Any]:
        """Status and body of a turn, over a connection."""
        body = json.dumps({"message": message})
        connection.request("POST", f"/api/{self.id}/chat", body, self.headers(key))
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def titles(self) -> list[str]:
        """Of the tasks that there are."""
        url = f"http://127.0.0.1:{self.service.port}/api/{self.id}/tasks"
        answer = httpx2.get(url, headers=self.headers(), timeout=30).raise_for_status()
        return [task["title"] for task in answer.json()]


def reader_of(service: Served) -> Reader:
    """Sign somebody up."""
    body = {"email": f"{uuid4().hex}@example.org", "name": "Ada", "password": "correct horse", "proficiency": "pro"}
    url = f"http://127.0.0.1:{service.port}/api/auth/sign-up"
    told = httpx2.post(url, json=body, timeout=30).raise_for_status().json()
    return Reader(service, told["user"]["id"], told["session"]["accessToken"])


def at_once(
    connections: list[HTTPConnection], work: Callable[[HTTPConnection], tuple[int, Any]]
) -> list[tuple[int, Any]]:
    """What work gives over each connection, all at the same time."""
    with ThreadPoolExecutor(len(connections)) as pool:
        return list(pool.map(work, connections))


@pytest.mark.parametrize("message", [BY_GRAMMAR, BY_MODEL], ids=["grammar", "model"])
def test_twenty_at_once_write_one_task(start: Start, stub: Stub, message: str) -> None:
    """The same turn with one key, over twenty connections to both workers: one task, and one answer for all."""
    model = {"OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": f"stub-tools-ttft100-tag{uuid4().hex[:6]}"}
    service = start(TASK_CHAT_LIMIT="none", **(model if message == BY_MODEL else {}))
    reader = reader_of(service)
    answers = at_once(to_both_workers(service, each=10), lambda one: reader.say(message, one, "turn-1"))
    assert Counter(status for status, _ in answers) == {200: 20}
    assert len({json.dumps(body, sort_keys=True) for _, body in answers}) == 1
    [call] = answers[0][1]["tool_calls"]
    assert (call["tool_name"], call["execution_status"]) == ("add_task", "success")
    assert [title.lower() for title in reader.titles()] == ["buy milk"]
    if message == BY_MODEL:  # the nineteen others have asked it nothing
        assert stub.stats()["requests"][model["OPENAI_MODEL"]] == 2


def test_a_turn_whose_worker_was_killed_is_tried_again(start: Start, stub: Stub) -> None:
    """Killed after the task was written and before anything was said; the retry writes nothing and answers."""
    service = start(
        OPENAI_BASE_URL=stub.base_url,
        OPENAI_MODEL="stub-tools-ttft2000",
        TASK_CHAT_LIMIT="none",
        TASK_SECONDS="8",
        TASK_WAITING_SECONDS="1",
    )
    reader = reader_of(service)
    connection = service.connect()
    body = json.dumps({"message": BY_MODEL})
    connection.request("POST", f"/api/{reader.id}/chat", body, reader.headers("turn-1") | SSE)
    lines = (line.decode().rstrip("\n") for line in connection.getresponse())
    assert next(name for name, _ in events(lines) if name == "tool")
    before = workers(service)
    os.kill(worker_of(service, connection), signal.SIGKILL)
    until(lambda: len(workers(service)) == 2 and workers(service) != before)
    assert reader.titles() == ["buy milk"]

    answers: list[tuple[int, Any]] = []

    def answered() -> bool:
        answers.append(reader.say(BY_MODEL, service.connect(), "turn-1"))
        return answers[-1][0] == 200

    until(answered, 60)
    assert {(status, body.get("error")) for status, body in answers[:-1]} <= {(409, "turn_running")}
    assert reader.titles() == ["buy milk"]
    assert reader.say(BY_MODEL, service.connect(), "turn-1")[1] == answers[-1][1]
    assert reader.say("show my tasks", service.connect())[0] == 200


def test_ten_messages_are_ten_for_two_workers(start: Start) -> None:
    """Of forty at once, over connections to both, exactly ten pass; the others are told the rate, and when to come."""
    service = start(TASK_CHAT_LIMIT="10/hour")
    reader = reader_of(service)
    connections = to_both_workers(service, each=20)
    answers = at_once(connections, lambda one: reader.say("show my tasks", one))
    assert Counter(status for status, _ in answers) == {200: 10, 429: 30}
    refused = next(body for status, body in answers if status == 429)
    assert "10 an hour" in refused["message"]
    assert reader_of(service).say("show my tasks", service.connect())[0] == 200
