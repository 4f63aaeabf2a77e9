"""What a client knows of its turn, put together from as many streams as it took; notes what must never happen."""

import json
from typing import Any

from tests.chaos.wire import Frame

_TERMINAL = {"done", "failed"}
_STREAM_ONLY = {"shutting_down", "store_unavailable"}
"""Codes that may end a stream without a word on the turn: its server stops, or cannot read on."""


class Transcript:
    """A turn as one client saw it.

    Attributes:
        events: `(name, data)` of each event that came whole, in order, without what only ended a stream.
        last_id: The id of the last whole event, to go on from; empty before the first.
        end: The event that ended the turn; None as long as none has come.
        interrupted: How often a stream ended with a word on itself only: a `failed` without an id.
        faults: What came against the protocol.
    """

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.last_id = ""
        self.end: tuple[str, dict[str, Any]] | None = None
        self.interrupted = 0
        self.faults: list[str] = []
        self._characters = 0
        self._stream_is_over = False

    @property
    def text(self) -> str:
        """The answer as far as it came."""
        return "".join(data["text"] for name, data in self.events if name == "delta")

    @property
    def turn_id(self) -> str:
        """Which turn it is; empty before the first event."""
        return next((data["turn_id"] for name, data in self.events if name == "started"), "")

    @property
    def is_degraded(self) -> bool:
        """Whether something else than the model may have answered."""
        return any(name == "degraded" for name, _ in self.events)

    def begin_stream(self) -> None:
        """Another stream begins where the last whole event was."""
        self._stream_is_over = False

    @property
    def stream_is_over(self) -> bool:
        """Whether this stream has had its last event."""
        return self._stream_is_over

    def take(self, frame: Frame) -> None:
        """Take the next whole event."""
        data = json.loads(frame.data)
        if self._stream_is_over:
            self.faults.append(f"{frame.name!r} follows the last event")
        self._stream_is_over = frame.name in _TERMINAL
        if frame.name == "failed" and frame.id is None:
            self.interrupted += 1
            if data["code"] not in _STREAM_ONLY or not data["retryable"]:
                self.faults.append(f"a stream was cut with {data}")
            return
        self._check_place(frame, data)
        self.last_id = frame.id or self.last_id
        self.events.append((frame.name, data))
        if self._stream_is_over:
            self.end = (frame.name, data)

    def _check_place(self, frame: Frame, data: dict[str, Any]) -> None:
        """An id grows, and counts the characters of the answer: so nothing comes twice, and nothing is left out."""
        if frame.id is None or not frame.id.isdecimal():
            self.faults.append(f"{frame.name!r} has the id {frame.id!r}")
            return
        if frame.name == "started" and self.events:
            self.faults.append("a turn started twice")
        if int(frame.id) <= int(self.last_id or 0):
            self.faults.append(f"{frame.name!r} has id {frame.id} after {self.last_id}")
        self._characters += len(data["text"]) if frame.name == "delta" else 0
        if int(frame.id) // 1000 != self._characters:
            self.faults.append(f"{frame.name!r} has id {frame.id} after {self._characters} characters")
