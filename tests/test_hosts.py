"""`main:app` under every ASGI host that people start it with: from an empty data folder to the right answer."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import httpx2
import pytest
from tests.service_process import SSE, environment, events
from tests.serving.servers import ROOT, Served, until

from lectern.adapters.sql_schema import HEAD

pytestmark = pytest.mark.process

QUESTION = {"message": "How do I run the tests?"}
PYTHON = [sys.executable, "-m"]
HOSTS = {
    "uvicorn": [*PYTHON, "uvicorn", "main:app", "--host", "127.0.0.1", "--port", "0"],
    "gunicorn": [*PYTHON, "gunicorn", "main:app", "-c", "gunicorn.conf.py", "-b", "127.0.0.1:0"],
    "hypercorn": [*PYTHON, "hypercorn", "main:app", "--bind", "127.0.0.1:0"],
}
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


class Host(Protocol):
    """Starts `main:app` under a host, and says where it listens."""

    def __call__(self, name: str, *arguments: str, **env: str) -> tuple[Served, str]:
        """Start it and wait until it listens."""


def listens(served: Served) -> bool:
    """Whether the address that the host names takes connections."""
    found = ADDRESS.search(served.log)
    try:
        socket.create_connection(("127.0.0.1", int(found[1]) if found else 0), timeout=30).close()
    except OSError:
        return False
    return True


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """Starts hosts, and ends them with the test."""
    started: list[Served] = []

    def run(name: str, *arguments: str, **env: str) -> tuple[Served, str]:
        variables = environment(tmp_path, **env)
        del variables["PORT"], variables["WEB_CONCURRENCY"]  # the host's own flags decide
        served = Served([*HOSTS[name], *arguments], tmp_path, ROOT, variables)
        started.append(served)
        # uvicorn names the port before its workers listen there.
        until(lambda: served.process.poll() is not None or listens(served), seconds=60)
        found = ADDRESS.search(served.log)
        assert found, served.log
        return served, found[0]

    yield run
    for served in started:
        served.close()


@pytest.mark.parametrize("name", HOSTS)
def test_the_first_answer_is_right(host: Host, name: str) -> None:
    """No step before it: the very first request, as JSON and as a stream, is answered from the built-in pages."""
    served, address = host(name)
    with httpx2.Client(base_url=address, timeout=60) as http:
        answer = http.post("/chat", json=QUESTION).raise_for_status().json()
        assert answer["sources"][0]["href"] == "/pages/lectern/#running-the-tests"
        assert answer["metadata"]["degraded"] == {}
        assert "make test" in answer["message"]
        with http.stream("POST", "/chat", json=QUESTION, headers=SSE) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            told = list(events(response.iter_lines()))
        assert "make test" in "".join(data.get("text", "") for _, data in told)
        assert [event for event, _ in told if event in {"done", "failed"}] == ["done"]
        assert http.head("/").status_code == 200
        assert http.get("/health").json()["status"] == "healthy"
        until(lambda: http.get("/health/ready").status_code == 200)
    served.process.terminate()
    assert served.exit_code() in {0, -15}, served.log
    assert "Traceback" not in served.log


def test_two_workers_that_start_at_once_prepare_once(host: Host) -> None:
    """Uvicorn's workers know nothing of each other; the one that comes second finds everything made."""
    served, address = host("uvicorn", "--workers", "2")
    until(lambda: served.log.count("Application startup complete") == 2, seconds=60)  # the second waits for the first
    assert len(re.findall("Preparing before the first request", served.log)) == 1
    assert len(re.findall(f"schema {HEAD}, made", served.log)) == 1
    for _ in range(8):  # a new connection each time, so that both are asked
        answer = httpx2.post(f"{address}/chat", json=QUESTION, timeout=60).raise_for_status().json()
        assert answer["sources"][0]["href"] == "/pages/lectern/#running-the-tests"


def test_a_data_folder_that_cannot_be_written_is_told_and_served_without(host: Host, tmp_path: Path) -> None:
    """The start goes on; the log names the folder and the cause, and health says what is down."""
    (tmp_path / "file").write_text("in the way")
    served, address = host("uvicorn", DATA_DIR=str(tmp_path / "file" / "data"))
    with httpx2.Client(base_url=address, timeout=60) as http:
        until(lambda: http.get("/health").json()["status"] == "degraded")
        assert http.post("/chat", json=QUESTION).status_code == 200
    assert "cannot be written (Not a directory)" in served.log
    assert str(tmp_path / "file" / "data") in served.log


def test_a_preparation_that_fails_is_told_and_served_without(host: Host, tmp_path: Path) -> None:
    """A file that is no database costs the conversations, not the start; the pages are indexed all the same."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lectern.sqlite3").write_text("not a database at all, whatever it says")
    served, address = host("uvicorn")
    with httpx2.Client(base_url=address, timeout=60) as http:
        assert http.post("/search", json={"query": "run the tests"}).json()["results"]
        until(lambda: http.get("/health").json()["status"] == "degraded")
    assert "cannot be read (file is not a database)" in served.log
    assert "The preparation failed with exit code 75; serving without it" in served.log


def test_what_an_image_brings_is_served_without_preparing(host: Host, tmp_path: Path) -> None:
    """`prepare` at the image's build is all: a container that starts from it indexes nothing, and answers."""
    built = environment(tmp_path, DATA_DIR=str(tmp_path / "built"))
    subprocess.run(["./entrypoint.sh", "prepare"], cwd=ROOT, env=built, check=True, timeout=120, capture_output=True)
    image = tmp_path / "built" / "index"
    served, address = host("uvicorn", IMAGE_INDEX_DIR=str(image))
    answer = httpx2.post(f"{address}/chat", json=QUESTION, timeout=60).raise_for_status().json()
    assert answer["sources"][0]["href"] == "/pages/lectern/#running-the-tests"
    assert "Preparing before the first request: schema\n" in served.log
    assert not (tmp_path / "data" / "index").exists()
