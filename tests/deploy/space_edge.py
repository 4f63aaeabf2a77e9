"""The edge before one Space's app, and the app: a real Lectern made of nothing but the pushed files, or a small answer.

The edge answers as a Space's does: HTML with 503 while nothing runs, 404 without the token of a private Space, and 502
in HTML now and then while it does run.
"""

import contextlib
import json
import socket
import subprocess
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.deploy.hub_server import Repo
from tests.deploy.loopback import LoopbackServer
from tests.service_process import environment


class SpaceEdge(LoopbackServer):
    """Answers for one Space. A context manager.

    Attributes:
        upstream: Where the app listens; None while none runs, `""` for the small answer.
        noise: How many of the next requests get a 502.
        token: Asked for, when the Space is private.
        seen: `(method, path, authorization)` of each request.
    """

    def __init__(self) -> None:
        self.upstream: str | None = None
        self.noise = 0
        self.token: str | None = None
        self.seen: list[tuple[str, str, str | None]] = []
        self._app: subprocess.Popen[bytes] | None = None
        edge = self

        class Handler(_EdgeHandler):
            edge_of_space = edge

        super().__init__(Handler)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if self._app is not None:
            self._app.terminate()
            self._app.wait(timeout=60)

    def start_lectern(self, repo: Repo, folder: Path) -> None:
        """Write the pushed files and start them with the Space's settings; until they answer, the edge says 503."""
        for path, data in repo.files.items():
            file = folder / "app" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        (folder / "app" / "entrypoint.sh").chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        given = {key: one["value"] for key, one in (repo.variables | repo.secrets).items()}
        space = {"SPACE_ID": repo.id, "SPACE_HOST": "ada-answers.hf.space", "LECTERN_NO_VENV": "1"}
        with (folder / "log").open("wb") as log:
            self._app = subprocess.Popen(
                [folder / "app" / "entrypoint.sh"],
                env=environment(folder, **given, **space, PORT=port, WEB_CONCURRENCY="1"),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.upstream = f"http://127.0.0.1:{port}"

    def start_small(self, _: Repo) -> None:
        """Answer as Lectern does, without one."""
        self.upstream = ""


class _EdgeHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    edge_of_space: SpaceEdge

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Keep the test's output clean."""

    def do_GET(self) -> None:
        edge = self.edge_of_space
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        edge.seen.append((self.command, self.path, self.headers.get("authorization")))
        if edge.token and self.headers.get("authorization") != f"Bearer {edge.token}":
            return self._send(404, "text/html", b"<h1>404</h1>")
        if edge.upstream is None:
            return self._send(503, "text/html", b"Your space is in error, check its status on hf.co")
        if edge.noise:
            edge.noise -= 1
            return self._send(502, "text/html", b"<html>Bad Gateway</html>")
        if not edge.upstream:
            answers = {"/health": {"status": "healthy", "version": "0"}, "/chat": {"message": "Small.", "sources": []}}
            return self._send(200, "application/json", json.dumps(answers[self.path]).encode())
        return self._send(*_forwarded(edge.upstream + self.path, self.command, body))

    do_POST = do_GET  # noqa: N815 - the library's name

    def _send(self, status: int, kind: str, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)


def _forwarded(url: str, method: str, body: bytes) -> tuple[int, str, bytes]:
    request = urllib.request.Request(
        url, data=body or None, method=method, headers={"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.headers["content-type"], response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["content-type"], error.read()
    except urllib.error.URLError:
        return 503, "text/html", b"Your space is in error, check its status on hf.co"
