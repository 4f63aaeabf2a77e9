"""Two real HTTP servers beside Lectern: a documentation site, and the edge of a host that lets servers sleep."""

import contextlib
import http.client
import ssl
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

_SLEEPING = b"<!doctype html><title>Sleeping</title><h1>This server is waking up</h1>"
_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}


@dataclass(slots=True)
class Site:
    """A documentation site with pages of a test's choice. `*.localhost` is this machine, each name a site of its own.

    Attributes:
        port: Where it listens.
        pages: `(HTML, headers)` by path.
    """

    port: int
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def origin(self, name: str) -> str:
        """The origin of one of its names."""
        return f"http://{name}.localhost:{self.port}"


@dataclass(slots=True)
class Edge:
    """What stands before a server that sleeps.

    Attributes:
        port: Where it listens.
        scheme: `https` when it ends TLS; the server behind it is told.
        naps: How many more requests of a path are answered with the host's own page instead.
    """

    port: int
    scheme: str = "http"
    naps: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        """Where browsers find it."""
        return f"{self.scheme}://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library names it
        """Tests read the browser's log."""

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "text/html; charset=utf-8"} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def running_site() -> Iterator[Site]:
    """Run a site."""
    site = Site(0)

    class Handler(_Handler):
        def do_GET(self) -> None:
            html, headers = site.pages.get(self.path.partition("?")[0], ("", {}))
            status = HTTPStatus.OK if html else HTTPStatus.NOT_FOUND
            self.answer(status, html.encode(), headers)

    with _serving(Handler) as site.port:
        yield site


@contextlib.contextmanager
def running_edge(behind: int, tls: ssl.SSLContext | None = None) -> Iterator[Edge]:
    """Run an edge before the server on a port of this machine."""
    edge = Edge(0, "https" if tls else "http")

    class Handler(_Handler):
        def do_GET(self) -> None:
            self.forward()

        def do_POST(self) -> None:
            self.forward()

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            path = self.path.partition("?")[0]
            if edge.naps[path] > 0:
                edge.naps[path] -= 1
                self.answer(HTTPStatus.SERVICE_UNAVAILABLE, _SLEEPING, {})
                return
            server = http.client.HTTPConnection("127.0.0.1", behind, timeout=30)
            try:
                said = {"Connection": "close", "X-Forwarded-Proto": edge.scheme, "X-Forwarded-For": "127.0.0.1"}
                server.request(self.command, self.path, body, dict(self.headers) | said)
                response = server.getresponse()
                self.send_response(response.status)
                for name, value in response.getheaders():
                    if name.lower() not in _HOP_BY_HOP:
                        self.send_header(name, value)
                self.end_headers()
                while piece := response.read1():
                    self.wfile.write(piece)
            finally:
                server.close()

    with _serving(Handler, tls) as edge.port:
        yield edge


@contextlib.contextmanager
def _serving(handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
