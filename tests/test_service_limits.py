"""Limits over real processes: ten means ten with two workers, and with two services that share a Redis."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.redis_server import RedisServer, running_redis
from tests.service_process import UP, environment, run_verb
from tests.serving.servers import ROOT, Served, until

pytestmark = pytest.mark.process

TEN = "address=10/hour"
"""One comes back after six minutes, so that no machine is so slow that it matters here."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a schema and an index."""
    folder = tmp_path_factory.mktemp("prepared")
    assert run_verb(folder, "prepare").returncode == 0
    return folder / "data"


def started(folder: Path, prepared: Path, **env: str) -> Served:
    """A service with two workers and a data folder of its own, warm."""
    shutil.copytree(prepared, folder / "data")
    service = Served(["./entrypoint.sh"], folder, ROOT, environment(folder, **env))
    until(lambda: UP.search(service.log) is not None or service.process.poll() is not None)
    assert UP.search(service.log), service.log
    return service


@pytest.fixture
def service(tmp_path: Path, prepared: Path) -> Iterator[Served]:
    """A service that lets one address ask ten times an hour."""
    running = started(tmp_path / "service", prepared, LIMITS=TEN)
    yield running
    running.close()


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis server."""
    with running_redis() as server:
        yield server


@pytest.fixture
def two(tmp_path: Path, prepared: Path, redis: RedisServer) -> Iterator[list[Served]]:
    """Two services, as two containers would be, that share nothing but this Redis."""
    services: list[Served] = []
    try:
        services.append(started(tmp_path / "one", prepared, LIMITS=TEN, REDIS_URL=redis.url))
        services.append(started(tmp_path / "other", prepared, LIMITS=TEN, REDIS_URL=redis.url))
        yield services
    finally:
        for service in services:
            service.close()


def call(connection: HTTPConnection, method: str = "POST", path: str = "/search") -> tuple[int, Any, dict[str, str]]:
    """Status, body and headers of one request."""
    body = b"" if method == "GET" else b'{"query": "tests"}'
    connection.request(method, path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read()), {k.lower(): v for k, v in response.getheaders()}


def to_both_workers(service: Served, each: int = 4) -> list[HTTPConnection]:
    """Open connections of which some lead to each of two workers."""
    by_worker: dict[int, list[HTTPConnection]] = {}

    def found() -> bool:
        connection = service.connect()
        call(connection, "GET", "/health")
        by_worker.setdefault(worker_of(service, connection), []).append(connection)
        return len(by_worker) == 2 and all(len(opened) >= each for opened in by_worker.values())

    until(found, 60)
    return [connection for opened in by_worker.values() for connection in opened[:each]]


def worker_of(service: Served, connection: HTTPConnection) -> int:
    """The worker that has the other end of a connection."""
    assert connection.sock is not None
    port = connection.sock.getsockname()[1]
    [worker] = [
        pid
        for pid in workers(service)
        if any(other.raddr and other.raddr.port == port for other in psutil.Process(pid).net_connections("tcp"))
    ]
    return worker


def asked(connections: list[HTTPConnection], times: int) -> list[tuple[int, Any, dict[str, str]]]:
    """Ask this often over each connection, all connections at once."""

    def over(connection: HTTPConnection) -> list[tuple[int, Any, dict[str, str]]]:
        return [call(connection) for _ in range(times)]

    with ThreadPoolExecutor(len(connections)) as pool:
        return [answer for answers in pool.map(over, connections) for answer in answers]


def workers(service: Served) -> list[int]:
    """The process ids of its workers."""
    children = subprocess.run(["pgrep", "-P", str(service.process.pid)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in children.stdout.split()]


def limits_of(service: Served) -> dict[str, str]:
    """What `/health` says of the part that counts."""
    return dict(json.loads(service.get("/health"))["parts"]["limits"])


def test_ten_means_ten_for_two_workers(service: Served) -> None:
    """Of forty requests at once, over connections to both, exactly ten pass; each is told how many are left."""
    answers = asked(to_both_workers(service), 5)
    assert Counter(status for status, _, _ in answers) == {200: 10, 429: 30}
    left = sorted(int(headers["ratelimit-remaining"]) for status, _, headers in answers if status == 200)
    assert left == list(range(10))
    refused = next(body for status, body, _ in answers if status == 429)
    assert "10 an hour for one address" in refused["message"]
    assert limits_of(service)["kind"] == "memory of all workers"


def test_a_killed_worker_forgets_nothing(service: Served) -> None:
    """All workers are killed and replaced; the bucket is as empty as before."""
    assert Counter(status for status, _, _ in asked([service.connect()], 12)) == {200: 10, 429: 2}
    before = workers(service)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(workers(service)) == 2 and set(workers(service)).isdisjoint(before))
    assert Counter(status for status, _, _ in asked(to_both_workers(service), 1)) == {429: 8}


def test_a_worker_that_is_stopped_stops_nobody(service: Served) -> None:
    """With one of two workers frozen, in the middle of whatever it did, the other goes on counting to ten."""
    one, other = to_both_workers(service, each=1)
    frozen = worker_of(service, one)
    os.kill(frozen, signal.SIGSTOP)
    try:
        answers = asked([other], 14)
    finally:
        os.kill(frozen, signal.SIGCONT)
    assert Counter(status for status, _, _ in answers) == {200: 10, 429: 4}
    assert [status for status, _, _ in asked([one], 1)] == [429]


def test_ten_means_ten_for_two_services(two: list[Served]) -> None:
    """Of forty requests at once to both, over connections to all four workers, exactly ten pass."""
    connections = [connection for service in two for connection in to_both_workers(service, each=2)]
    assert Counter(status for status, _, _ in asked(connections, 5)) == {200: 10, 429: 30}
    for service in two:
        part = limits_of(service)
        assert (part["state"], part["note"]) == ("ok", "counted for all replicas together")
        assert re.fullmatch(r"Redis at 127\.0\.0\.1:\d+", part["kind"])


@pytest.mark.parametrize("fault", ["killed", "frozen"])
def test_answers_go_on_without_redis(two: list[Served], redis: RedisServer, fault: str) -> None:
    """Nobody gets an error; each service goes on from what Redis counted, says so, and returns by itself."""
    one, other = (service.connect() for service in two)
    assert Counter(status for status, _, _ in asked([one], 6)) == {200: 6}
    if fault == "killed":
        redis.kill()
    else:
        redis.freeze()
    # The first service knows of its six; the second one has seen none.
    assert Counter(status for status, _, _ in asked([one], 12)) == {200: 4, 429: 8}
    assert Counter(status for status, _, _ in asked([other], 12)) == {200: 10, 429: 2}
    for service in two:
        assert limits_of(service)["state"] == "down"
        assert limits_of(service)["note"].startswith("counted by each container for itself: ")
    if fault == "killed":
        redis.start()
    else:
        redis.thaw()

    def back() -> bool:
        return all(call(service.connect())[0] in {200, 429} and limits_of(service)["state"] == "ok" for service in two)

    until(back, 60)
    answers = asked([one, other], 10)
    assert {status for status, _, _ in answers} <= {200, 429}
    # A server that was killed comes back empty, and its ten are taken by whoever asks until it is noticed.
    assert Counter(status for status, _, _ in answers)[200] <= (10 if fault == "killed" else 4)
    for service in two:
        assert "Redis cannot be asked" in service.log
        assert "Traceback" not in service.log
