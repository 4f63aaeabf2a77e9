"""Two real HTTP servers beside Lectern: a documentation site, and the edge of a host that lets servers sleep.

Both speak https where a test hands them a certificate; the edge then tells the server behind it, as every edge does.
"""

import contextlib
import http.client
import os
import socket
import ssl
import struct
from collections import Counter, deque
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
        scheme: How it is asked.
        pages: `(HTML, headers)` by path.
    """

    port: int
    scheme: str = "http"
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def origin(self, name: str) -> str:
        """The origin of one of its names."""
        return f"{self.scheme}://{name}.localhost:{self.port}"


@dataclass(slots=True)
class Edge:
    """What stands before a server that sleeps.

    Attributes:
        port: Where it listens.
        scheme: `https` when it ends TLS; the server behind it is told.
        naps: How many more requests of a path are answered with the host's own page instead.
        seen: `(method, path, Cookie header)` of what was passed on, in order.
        cuts: After how many bytes each of the next streams breaks off; a negative number only falls silent there.
        refusals: How many of the next requests to go on with a stream are cut before a byte of an answer.
    """

    port: int
    scheme: str = "http"
    naps: Counter[str] = field(default_factory=Counter)
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    cuts: deque[int] = field(default_factory=deque)
    refusals: int = 0

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

    def pass_on(self, response: http.client.HTTPResponse, cut: int | None) -> None:
        """Pass a body on, as far as it is to come; every second cut looks like an end, the others like a fault."""
        sent = 0
        while piece := response.read1():
            left = len(piece) if cut is None else max(0, abs(cut) - sent)
            self.wfile.write(piece[:left])
            sent += len(piece[:left])
            if cut is None or left > len(piece):
                continue
            if cut < 0:
                self.connection.recv(1)  # nothing more, until the browser gives it up
            elif cut % 2:
                self.reset()
            return

    def reset(self) -> None:
        """Close the connection as a network that fails does, by a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())  # by itself, as the server would say first that it has ended
        self.close_connection = True


@contextlib.contextmanager
def running_site(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Run a site."""
    site = Site(0, "https" if tls else "http")

    class Handler(_Handler):
        def do_GET(self) -> None:
            html, headers = site.pages.get(self.path.partition("?")[0], ("", {}))
            status = HTTPStatus.OK if html else HTTPStatus.NOT_FOUND
            self.answer(status, html.encode(), headers)

    with _serving(Handler, tls) as site.port:
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

        def do_DELETE(self) -> None:
            self.forward()

        def do_OPTIONS(self) -> None:
            self.forward()

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            path = self.path.partition("?")[0]
            if edge.naps[path] > 0:
                edge.naps[path] -= 1
                self.answer(HTTPStatus.SERVICE_UNAVAILABLE, _SLEEPING, {})
                return
            if edge.refusals > 0 and path.endswith("/stream"):
                edge.refusals -= 1
                self.reset()
                return
            edge.seen.append((self.command, path, self.headers.get("Cookie", "")))
            told = {"X-Forwarded-Proto": "https", "X-Forwarded-For": self.client_address[0]} if tls else {}
            server = http.client.HTTPConnection("127.0.0.1", behind, timeout=30)
            try:
                server.request(self.command, self.path, body, dict(self.headers) | told | {"Connection": "close"})
                response = server.getresponse()
                self.send_response(response.status)
                for name, value in response.getheaders():
                    if name.lower() not in _HOP_BY_HOP:
                        self.send_header(name, value)
                self.end_headers()
                is_stream = response.getheader("Content-Type", "").startswith("text/event-stream")
                self.pass_on(response, edge.cuts.popleft() if is_stream and edge.cuts else None)
            finally:
                server.close()

    with _serving(Handler, tls) as edge.port:
        yield edge


@contextlib.contextmanager
def _serving(handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if tls:
            # The handshake is each connection's own thread's: the browser opens some that never say a word.
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
