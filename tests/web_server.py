"""A web server on loopback whose answers are written down: what an account would be needed for, over real HTTP."""

import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body (JSON unless it is bytes) and headers."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class WebServer:
    """A running server.

    Attributes:
        port: Where it listens.
        url: The same, as an address without a path.
        seen: `(method and path, headers)` of each request.
    """

    port: int
    url: str
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def running_web(
    answers: Mapping[str, Answer], *, tls: ssl.SSLContext | None = None, ahead_seconds: float = 0
) -> Iterator[WebServer]:
    """Serve in a thread until the block ends; what is not written down is 404.

    Args:
        answers: By `METHOD /path`.
        tls: For https.
        ahead_seconds: How far its clock is ahead.
    """
    seen: list[tuple[str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string((timestamp or time.time()) + ahead_seconds)

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            request = f"{self.command} {self.path}"
            seen.append((request, {name.lower(): value for name, value in self.headers.items()}))
            answer = answers.get(request, Answer(404))
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            kind = "text/html" if isinstance(answer.body, bytes) else "application/json"
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_HEAD = _answer  # noqa: N815 - the names http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that breaks off is what some tests want."""

    server = Server(("127.0.0.1", 0), Handler)
    port = server.server_address[1]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield WebServer(port, f"{'https' if tls else 'http'}://127.0.0.1:{port}", seen)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
