"""The whole service with its index in Qdrant, over real processes and sockets: up, down, and up again."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.qdrant_server import QdrantServer, Refused, running_qdrant
from tests.serving.servers import ROOT, Served, until

pytestmark = pytest.mark.process

_UP = re.compile(r"is up: http://localhost:(\d+)")


@pytest.fixture
def qdrant() -> Iterator[QdrantServer]:
    """The real engine behind Qdrant's REST calls."""
    with running_qdrant() as server:
        yield server


def environment(tmp_path: Path, url: str) -> dict[str, str]:
    """What the service sees."""
    here = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "VIRTUAL_ENV": sys.prefix}
    here |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    more = {"DATA_DIR": str(tmp_path / "data"), "PORT": "0", "LOG_FORMAT": "text", "WEB_CONCURRENCY": "1"}
    return here | more | {"QDRANT_URL": url, "QDRANT_API_KEY": "hunter2", "QDRANT_COLLECTION": "manual"}


def run(tmp_path: Path, url: str) -> Served:
    """Start it and wait for its boot report."""
    service = Served(["./entrypoint.sh"], tmp_path, ROOT, environment(tmp_path, url))
    try:
        until(lambda: _UP.search(service.log) is not None or service.process.poll() is not None, seconds=60)
        assert _UP.search(service.log), service.log
    except AssertionError:
        service.close()
        raise
    return service


def ask(http: httpx2.Client) -> dict[str, Any]:
    """One answer, whole."""
    return dict(http.post("/chat", json={"message": "How do I run the tests?"}).raise_for_status().json())


def index_part(http: httpx2.Client) -> dict[str, Any]:
    """The index, as `/health` has it."""
    return dict(http.get("/health").raise_for_status().json()["parts"]["index"])


def test_answers_come_while_qdrant_is_down_and_say_so(tmp_path: Path, qdrant: QdrantServer) -> None:
    """Indexed in both; down, the local index answers, marked; back, Qdrant does without a restart; no key is told."""
    service = run(tmp_path, qdrant.url)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=30) as http:
            before = ask(http)
            assert before["metadata"]["degraded"] == {}
            assert qdrant.calls["query"] > 0

            def down(_: str) -> None:
                raise Refused(503, "down")

            qdrant.fault = down
            during = ask(http)
            assert during["metadata"]["degraded"] == {"index": "index_unavailable"}
            assert during["sources"][0]["href"] == before["sources"][0]["href"]
            assert index_part(http)["state"] == "down"
            qdrant.fault = None
            until(lambda: ask(http)["metadata"]["degraded"] == {})
            assert "hunter2" not in json.dumps([before, during, http.get("/health").json()]) + service.log
    finally:
        service.close()


def test_a_start_without_qdrant_answers_from_the_local_index(tmp_path: Path) -> None:
    """A remote that is not there stops neither the start nor an answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = f"http://127.0.0.1:{listener.getsockname()[1]}"
    service = run(tmp_path, nobody)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=30) as http:
            answer = ask(http)
            assert answer["metadata"]["degraded"] == {"index": "index_unavailable"}
            assert answer["sources"][0]["href"] == "/pages/lectern/#running-the-tests"
            assert http.get("/health").json()["status"] == "degraded"
    finally:
        service.close()


def test_an_ingest_says_what_it_wrote(tmp_path: Path, qdrant: QdrantServer) -> None:
    """The command line names both indexes, and what the first holds."""
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "moon.md").write_text("# Moon\n\n## Phases\n\nThe gibbous phase follows the first quarter.\n")
    done = subprocess.run(
        ["./entrypoint.sh", "ingest", str(pages), "--site", "sky"],
        cwd=ROOT,
        env=environment(tmp_path, qdrant.url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Qdrant manual, else local index" in done.stdout
    assert "1 pages" in done.stdout
