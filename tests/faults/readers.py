"""Readers who note what they are sent, and a prober that asks `/health` all the time."""

import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

SSE = {"Accept": "text/event-stream"}


@dataclass
class Chat:
    """One question as its reader saw it.

    Attributes:
        status: The HTTP status, 0 when none came.
        body: The answer's body when it is no stream.
        events: `(event, data)` as they came.
        ended: Whether the body came to its end.
        left: Whether the reader left before.
        excused: The test killed what was answering.
        first: Seconds until the first word.
        seconds: Seconds in all.
    """

    status: int = 0
    body: Any = None
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ended: bool = False
    left: bool = False
    excused: bool = False
    error: str = ""
    first: float = 0
    seconds: float = 0

    @property
    def text(self) -> str:
        """What was said."""
        return "".join(data["text"] for name, data in self.events if name == "delta")

    @property
    def turn(self) -> str | None:
        """The turn's id."""
        return next((data["turn_id"] for name, data in self.events if name == "started"), None)

    @property
    def last(self) -> str:
        """The last event's name; empty before the first."""
        return self.events[-1][0] if self.events else ""

    @property
    def code(self) -> str:
        """Why it failed, or what was degraded."""
        return next((data["code"] for name, data in self.events if name == "failed"), "")

    @property
    def degraded(self) -> dict[str, str]:
        """What could not be used, and why."""
        return {data["part"]: data["reason"] for name, data in self.events if name == "degraded"}


async def read(
    chat: Chat,
    http: httpx2.AsyncClient,
    question: str,
    *,
    leave: Callable[[Chat], bool] = lambda _: False,
    session: str | None = None,
) -> None:
    """Ask, and read to the end; or leave after an event as soon as `leave` says so."""
    started = time.monotonic()
    body = {"message": question} | ({"session_id": session} if session else {})
    try:
        async with http.stream("POST", "/chat", json=body, headers=SSE) as response:
            chat.status = response.status_code
            if not response.headers["content-type"].startswith("text/event-stream"):
                chat.body = json.loads(await response.aread())
                chat.ended = True
                return
            async for name, data in _events(response):
                if name == "delta" and not chat.first:
                    chat.first = time.monotonic() - started
                chat.events.append((name, data))
                if leave(chat):
                    chat.left = True
                    return
            chat.ended = True
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        chat.error = repr(error)
    finally:
        chat.seconds = time.monotonic() - started


async def _events(response: httpx2.Response) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Frames as they come; invalid UTF-8 and invalid JSON raise."""
    rest = b""
    async for part in response.aiter_raw():
        *frames, rest = (rest + part).split(b"\n\n")
        for frame in frames:
            fields = dict(line.split(": ", 1) for line in frame.decode().split("\n"))
            if "event" in fields:
                yield fields["event"], json.loads(fields["data"])
    assert not rest, rest


class Prober(threading.Thread):
    """Asks `/health` all the time, each time on a new connection, but not while `paused` is held.

    `excused` failures are those that a kill explains; no answer may take longer than `limit_seconds`.
    """

    def __init__(self, port: int) -> None:
        super().__init__(name="prober", daemon=True)
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self.excused = 0
        self.limit_seconds = 1.0
        self.paused = threading.Lock()
        self._port = port
        self._over = threading.Event()

    def run(self) -> None:
        """Probe until told otherwise."""
        request = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        while not self._over.wait(0.05):
            with self.paused:
                self._probe(request)

    def _probe(self, request: bytes) -> None:
        started = time.monotonic()
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=10) as connection:
                connection.sendall(request)
                said = connection.makefile("rb").read()
            if not said.startswith(b"HTTP/1.1 200 "):
                self.failures.append(repr(said[:80]))
        except OSError as error:
            self.failures.append(repr(error))
        self.seconds.append(time.monotonic() - started)

    def stop(self) -> None:
        """Stop probing."""
        self._over.set()
        self.join(15)
