"""A front end before a Space that sleeps: the example of docs/http-api.md, run by Node against the real service."""

import http.client
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.service_process import UP, environment
from tests.serving.servers import ROOT, Served, until

pytestmark = pytest.mark.process

SLEEPING = b"<!doctype html><title>503</title>Your space is in error, check its status on hf.co"
NO_NODE = "node is not installed"

READ = """
import { ask } from "./ask.mjs";
const [base, session] = process.argv.slice(2);
let wakings = 0;
try {
  const response = await ask(base, "How do I run the tests?", { session, onWaking: () => wakings++ });
  console.log(JSON.stringify({ wakings, status: response.status, text: await response.text() }));
} catch (error) {
  console.log(JSON.stringify({ wakings, message: error.message, problem: error.cause }));
}
"""


class Edge(ThreadingHTTPServer):
    """Answers for the service while it is `asleep` for so many more requests, then passes everything on.

    Attributes:
        statuses: What the front end was answered, in order.
    """

    daemon_threads = True

    def __init__(self, upstream: int, *, asleep: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.asleep = asleep
        self.statuses: list[int] = []

    @property
    def url(self) -> str:
        """Where the front end asks."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Edge

    def do_POST(self) -> None:
        """Answer or pass on."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.asleep:
            self.server.asleep -= 1
            self._head(503, "text/html")
            self.wfile.write(SLEEPING)
            return
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=30)
        try:
            upstream.request("POST", self.path, body, {name: self.headers[name] for name in ("content-type", "accept")})
            answer = upstream.getresponse()
            self._head(answer.status, answer.headers["content-type"])
            while part := answer.read1():
                self.wfile.write(part)
        finally:
            upstream.close()

    def _head(self, status: int, media_type: str) -> None:
        self.server.statuses.append(status)
        self.send_response(status)
        self.send_header("content-type", media_type)
        self.send_header("connection", "close")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running_edge(upstream: int, *, asleep: int) -> Iterator[Edge]:
    """An edge before a port, gone with the block."""
    with Edge(upstream, asleep=asleep) as edge:
        thread = threading.Thread(target=edge.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield edge
        finally:
            edge.shutdown()
            thread.join(10)


@pytest.fixture
def node(tmp_path: Path) -> str:
    """Node's program, and the example in the test's folder."""
    program = shutil.which("node")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_NODE)
        pytest.skip(NO_NODE)
    [example] = (ROOT / "docs" / "http-api.md").read_text(encoding="utf-8").split("```js\n")[1:]
    (tmp_path / "ask.mjs").write_text(example.partition("```")[0], encoding="utf-8")
    (tmp_path / "read.mjs").write_text(READ, encoding="utf-8")
    return program


def run(node: str, folder: Path, *arguments: str) -> dict[str, Any]:
    """What the front end got."""
    command = [node, "read.mjs", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_front_end_waits_for_a_sleeping_space(tmp_path: Path, node: str) -> None:
    """Two pages of HTML are waited out, the third try streams; an error of Lectern's own is told at once."""
    service = Served(["./entrypoint.sh"], tmp_path, ROOT, environment(tmp_path, WEB_CONCURRENCY="1"))
    try:
        until(lambda: UP.search(service.log) is not None or service.process.poll() is not None, seconds=60)
        with running_edge(service.port, asleep=2) as edge:
            answered = run(node, tmp_path, edge.url)
            assert edge.statuses == [503, 503, 200]
            refused = run(node, tmp_path, edge.url, str(uuid4()))
            assert edge.statuses[3:] == [404]
    finally:
        service.close()
    assert (answered["wakings"], answered["status"]) == (2, 200)
    assert answered["text"].startswith("event: started\n")
    assert answered["text"].count("event: done\n") == 1
    assert refused["wakings"] == 0
    assert refused["problem"]["error"] == "conversation_not_found"
    assert refused["message"] == refused["problem"]["message"]
