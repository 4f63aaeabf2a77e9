"""Readers of turns over real connections, who can be cut off and come back anywhere."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from tests.serving.servers import Served
from tests.test_service_limits import worker_of


@dataclass(slots=True)
class Reader:
    """What one reader has of a turn.

    Attributes:
        turn_id: Which, as `started` told.
        text: The answer so far.
        position: The `id` of the last frame.
        names: The events that came, deltas left out.
        end: The data of the last event; None while it has not come.
        status: That of the last answer.
    """

    turn_id: str = ""
    text: str = ""
    position: int = 0
    names: list[str] = field(default_factory=list)
    end: dict[str, Any] | None = None
    status: int = 0

    def begin(self, connection: HTTPConnection, message: str, key: str | None = None) -> HTTPResponse:
        """Ask, and have the head of the answer."""
        headers = {"Accept": "text/event-stream", "Content-Type": "application/json"}
        more = {"Idempotency-Key": key} if key else {}
        connection.request("POST", "/chat", json.dumps({"message": message}), headers | more)
        return self._answered(connection)

    def resume(self, connection: HTTPConnection) -> HTTPResponse:
        """Go on where the last stream broke off, and have the head of the answer."""
        headers = {"Last-Event-ID": str(self.position)}
        connection.request("GET", f"/chat/turns/{self.turn_id}/stream", headers=headers)
        return self._answered(connection)

    def read(self, response: HTTPResponse, characters: int | None = None) -> None:
        """Read to the end, or until so many characters of the answer are there."""
        for name, data in self._frames(response):
            if name == "delta":
                self.text += data["text"]
            else:
                self.names.append(name)
            if name == "started":
                self.turn_id = data["turn_id"]
            elif name in {"done", "failed"}:
                self.end = data
            if characters is not None and len(self.text) >= characters:
                return

    def _answered(self, connection: HTTPConnection) -> HTTPResponse:
        response = connection.getresponse()
        self.status = response.status
        return response

    def _frames(self, response: HTTPResponse) -> Iterator[tuple[str, dict[str, Any]]]:
        name, position = "", None
        for line in (line.decode().rstrip("\n") for line in response):
            key, _, value = line.partition(": ")
            if key == "event":
                name, position = value, None
            elif key == "id":
                position = int(value)
            elif key == "data":
                self.position = position or self.position
                yield name, json.loads(value)


def on_two_workers(service: Served) -> tuple[HTTPConnection, HTTPConnection]:
    """Two open connections, each to another worker."""
    one = service.connect()
    one.request("GET", "/health")
    one.getresponse().read()
    first = worker_of(service, one)
    for _ in range(500):
        other = service.connect()
        other.request("GET", "/health")
        other.getresponse().read()
        if worker_of(service, other) != first:
            return one, other
        other.close()
    raise AssertionError("one worker takes all connections")
