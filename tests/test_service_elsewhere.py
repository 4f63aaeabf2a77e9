"""Turns over real processes: cut off at one worker and gone on with at another, stopped, killed, drained, asked twice.

With two workers on both databases, and with two services that share nothing but a Postgres, as two containers would.
"""

import json
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.database_servers import Postgres
from tests.service_process import UP, environment
from tests.serving.servers import ROOT, Served, until
from tests.stub_process import Stub, running_stub
from tests.test_service_limits import worker_of, workers
from tests.turn_readers import Reader, on_two_workers

from lectern.adapters.sql_migrations import migrate

pytestmark = pytest.mark.process

QUESTION = "How do I run the tests?"
SETTINGS = {
    "SECRET_KEY": "a-secret-of-the-tests-own-0123456789abcdef",
    "MIN_CONFIDENCE": "0",
    "LIMITS": "none",
    "WAKING_SECONDS": "60",
}


@dataclass(slots=True)
class Place:
    """Where services run, with one database for all of them.

    Attributes:
        folder: Of the test's own.
        stub: The provider.
        postgres: The server, and the name of the database; None for SQLite.
        services: Those that were started.
    """

    folder: Path
    stub: Stub
    postgres: tuple[Postgres, str] | None
    services: list[Served]

    def start(self, model: str, **env: str) -> Served:
        """A service with two workers and a data folder of its own, warm."""
        folder = self.folder / f"service{len(self.services)}"
        folder.mkdir()
        more = SETTINGS | {"OPENAI_BASE_URL": self.stub.base_url, "OPENAI_MODEL": model} | env
        if self.postgres is not None:
            more["DATABASE_URL"] = self.postgres[0].url(self.postgres[1])
        service = Served(["./entrypoint.sh"], folder, ROOT, environment(folder, **more))
        self.services.append(service)
        until(lambda: UP.search(service.log) is not None or service.process.poll() is not None, seconds=120)
        assert UP.search(service.log), service.log
        until(lambda: len(workers(service)) == 2, seconds=60)
        return service

    def kept(self, turn_id: str) -> dict[str, Any]:
        """The turn as it is saved; empty while it is not."""
        [found] = self._rows("select answer, outcome, finish from turns where id = ?", turn_id) or [None]
        return dict(zip(("answer", "outcome", "finish"), found, strict=True)) if found else {}

    def written(self) -> int:
        """How many turns are written down now."""
        return int(self._rows("select count(*) from live_turns")[0][0])

    def _rows(self, statement: str, *ids: str) -> list[Any]:
        if self.postgres is not None:
            server, name = self.postgres
            return server.query(statement.replace("?", "%s"), *ids, database=name)
        with closing(sqlite3.connect(self.folder / "service0" / "data" / "lectern.sqlite3")) as connection:
            return connection.execute(statement, [each.replace("-", "") for each in ids]).fetchall()


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    """A provider."""
    with running_stub() as stub:
        yield stub


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path, stub: Stub) -> Iterator[Place]:
    """A database of each kind."""
    yield from placed(request, tmp_path, stub, request.param)


@pytest.fixture
def shared_place(request: pytest.FixtureRequest, tmp_path: Path, stub: Stub) -> Iterator[Place]:
    """A Postgres, which services on several machines can share."""
    yield from placed(request, tmp_path, stub, "postgres")


def placed(request: pytest.FixtureRequest, folder: Path, stub: Stub, kind: str) -> Iterator[Place]:
    """A place with a migrated database of a kind, whose services end with the test."""
    postgres = None
    if kind == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        postgres = server, f"elsewhere_{uuid4().hex[:12]}"
        migrate(server.make(postgres[1]))
    place = Place(folder, stub, postgres, [])
    yield place
    for service in place.services:
        service.close()


def model(itl: int, tokens: int) -> str:
    """A model of its own that says so many tokens, one each so many milliseconds."""
    return f"stub-ttft20-itl{itl}-len{tokens}-tag{uuid4().hex[:6]}"


def told_anew(service: Served, reader: Reader) -> Reader:
    """What somebody is told who follows the same turn from its beginning."""
    anew = Reader(turn_id=reader.turn_id)
    anew.read(anew.resume(service.connect()))
    return anew


def ends_whole(reader: Reader) -> None:
    """It was told all there is, once."""
    assert reader.end is not None
    assert (reader.end.get("outcome"), reader.end.get("finish")) == ("answered", "stop"), reader.end
    assert [reader.names.count(name) for name in ("started", "sources", "done", "failed")] == [1, 1, 1, 0]


def at_once(*work: Callable[[], Any]) -> list[Any]:
    """What each of these gives, all at the same time."""
    with ThreadPoolExecutor(len(work)) as pool:
        return [future.result() for future in [pool.submit(each) for each in work]]


def test_a_stream_that_is_cut_goes_on_at_another_worker(place: Place) -> None:
    """Three times in one answer, from worker to worker: no byte twice, none missing, and nothing left behind."""
    service = place.start(model(20, 300))
    one, other = on_two_workers(service)
    reader = Reader()
    reader.read(reader.begin(one, QUESTION), 30)
    for characters, connection in ((200, other), (400, service.connect()), (None, on_two_workers(service)[1])):
        one.close()
        response = reader.resume(connection)
        assert reader.status == 200
        reader.read(response, characters)
        one = connection
    ends_whole(reader)
    assert place.kept(reader.turn_id) == {"answer": reader.text, "outcome": "answered", "finish": "stop"}
    anew = told_anew(service, reader)
    assert (anew.text, anew.end, anew.position) == (reader.text, reader.end, reader.position)
    until(lambda: place.written() == 0)


def test_a_turn_that_nobody_misses_is_not_written_down(place: Place) -> None:
    """Nothing of it is in the journal while it runs."""
    service = place.start(model(20, 60))
    reader = Reader()
    response = reader.begin(service.connect(), QUESTION)
    for characters in (20, 60, 100):
        reader.read(response, characters)
        assert place.written() == 0
    reader.read(response)
    ends_whole(reader)


def test_a_turn_whose_worker_is_killed_is_told_as_lost(place: Place) -> None:
    """Its follower at the other worker has what was written, and it is kept as that, for whoever asks later."""
    service = place.start(model(50, 2000))
    one, other = on_two_workers(service)
    reader = Reader()
    reader.read(reader.begin(one, QUESTION), 30)
    owner = worker_of(service, one)
    one.close()
    response = reader.resume(other)
    reader.read(response, 150)
    os.kill(owner, signal.SIGKILL)
    reader.read(response)
    assert reader.end is not None
    assert reader.end["code"] == "turn_lost"
    assert place.kept(reader.turn_id) == {"answer": reader.text, "outcome": "cancelled", "finish": "turn_lost"}
    anew = told_anew(service, reader)
    assert (anew.text, anew.end) == (reader.text, reader.end)
    assert place.written() == 0


def test_a_turn_that_dies_unwritten_is_told_as_lost(place: Place) -> None:
    """Its reader was cut off by the very death; nobody has more of it, and nobody waits in vain."""
    service = place.start(model(50, 2000))
    one, other = on_two_workers(service)
    reader = Reader()
    reader.read(reader.begin(one, QUESTION), 30)
    os.kill(worker_of(service, one), signal.SIGKILL)
    told = reader.text
    reader.read(reader.resume(other))
    assert (reader.status, reader.text) == (200, told)
    assert reader.end is not None
    assert (reader.end["code"], reader.end["retryable"]) == ("turn_lost", True)


def test_a_worker_that_retires_lets_its_turns_be_followed(place: Place) -> None:
    """Told to stop it goes on for a while: a reader it cuts off learns the end at another worker, and what was kept."""
    service = place.start(model(50, 2000), GRACEFUL_TIMEOUT_SECONDS="6")
    one, other = on_two_workers(service)
    reader, patient = Reader(), Reader()
    stream = reader.begin(one, QUESTION)
    reader.read(stream, 30)
    patient.turn_id = reader.turn_id
    owner = worker_of(service, one)
    following = patient.resume(other)
    os.kill(owner, signal.SIGTERM)
    until(lambda: place.written() == 1)
    reader.read(stream)
    patient.read(following)
    for each in (reader, patient):
        assert each.end is not None
        assert (each.end["code"], each.end["retryable"]) == ("shutting_down", True)
    kept = place.kept(reader.turn_id)
    assert (kept["answer"], kept["outcome"], kept["finish"]) == (reader.text, "cancelled", "shutting_down")
    assert patient.text == reader.text
    anew = told_anew(service, reader)
    assert (anew.text, anew.end) == (reader.text, reader.end)
    until(lambda: place.written() == 0)


def test_a_turn_is_stopped_from_another_worker(place: Place) -> None:
    """Its reader's stream ends, and what was said is kept."""
    service = place.start(model(50, 2000))
    one, other = on_two_workers(service)
    reader = Reader()
    stream = reader.begin(one, QUESTION)
    reader.read(stream, 30)
    assert stop(other, reader) == 200
    reader.read(stream)
    assert reader.end is not None
    assert (reader.end["outcome"], reader.end["finish"]) == ("cancelled", "stopped")
    assert place.kept(reader.turn_id) == {"answer": reader.text, "outcome": "cancelled", "finish": "stopped"}


def stop(connection: HTTPConnection, reader: Reader) -> int:
    """Stop a reader's turn."""
    connection.request("DELETE", f"/chat/turns/{reader.turn_id}")
    response = connection.getresponse()
    response.read()
    return response.status


def test_one_key_at_both_workers_is_one_turn(place: Place) -> None:
    """Sent to both at once, and once more when it is over: one question to the model, and one answer for all."""
    name = model(10, 60)
    service = place.start(name)
    readers = [Reader() for _ in range(6)]
    connections = [each for _ in range(3) for each in on_two_workers(service)]

    def ask(reader: Reader, connection: HTTPConnection) -> Callable[[], None]:
        return lambda: reader.read(reader.begin(connection, QUESTION, "key-1"))

    at_once(*(ask(reader, connection) for reader, connection in zip(readers, connections, strict=True)))
    late = Reader()
    late.read(late.begin(service.connect(), QUESTION, "key-1"))
    for reader in (*readers, late):
        ends_whole(reader)
        assert (reader.turn_id, reader.text) == (readers[0].turn_id, readers[0].text)
    assert place.stub.stats()["requests"][name] == 1
    assert place.kept(late.turn_id)["answer"] == late.text
    other = Reader()
    other.begin(service.connect(), "Something else?", "key-1")
    assert other.status == 422
    until(lambda: place.written() == 0)


def test_a_stream_that_is_cut_goes_on_at_another_service(shared_place: Place) -> None:
    """Two containers on one database: followed, stopped and asked twice as if they were one."""
    name = model(30, 200)
    here, there = shared_place.start(name), shared_place.start(name)
    reader = Reader()
    connection = here.connect()
    reader.read(reader.begin(connection, QUESTION), 30)
    connection.close()
    reader.read(reader.resume(there.connect()))
    ends_whole(reader)
    assert shared_place.kept(reader.turn_id)["answer"] == reader.text

    one, other = Reader(), Reader()
    at_once(
        lambda: one.read(one.begin(here.connect(), QUESTION, "key-1")),
        lambda: other.read(other.begin(there.connect(), QUESTION, "key-1")),
    )
    for each in (one, other):
        ends_whole(each)
    assert (one.turn_id, one.text) == (other.turn_id, other.text)
    assert shared_place.stub.stats()["requests"][name] == 2

    left = Reader()
    connection = here.connect()
    left.read(left.begin(connection, QUESTION), 30)
    connection.close()
    assert stop(there.connect(), left) == 200
    until(lambda: shared_place.kept(left.turn_id).get("finish") == "stopped")
    until(lambda: shared_place.written() == 0)


def test_a_service_that_is_gone_is_told_as_lost_at_another(shared_place: Place) -> None:
    """Its machine is gone at once, with all that nobody had written down, and what was written is kept."""
    here, there = shared_place.start(model(50, 2000)), shared_place.start(model(50, 2000))
    reader = Reader()
    connection = here.connect()
    reader.read(reader.begin(connection, QUESTION), 30)
    connection.close()
    response = reader.resume(there.connect())
    reader.read(response, 100)
    here.close()
    reader.read(response)
    assert reader.end is not None
    assert reader.end["code"] == "turn_lost"
    kept = shared_place.kept(reader.turn_id)
    assert (kept["answer"], kept["finish"]) == (reader.text, "turn_lost")


def test_nobody_elses_turn_is_told(place: Place) -> None:
    """An id that nobody made, and one that is no id, are not found at any worker."""
    service = place.start(model(10, 20))
    for connection in on_two_workers(service):
        for turn_id in (str(uuid4()), "018f0000-0000-8000-8000-000000000001"):
            reader = Reader(turn_id=turn_id)
            body = json.loads(reader.resume(connection).read())
            assert (reader.status, body["error"]) == (404, "turn_not_found")
