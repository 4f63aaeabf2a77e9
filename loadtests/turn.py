"""A streamed turn as its reader sees it: frames in, milestones out, and whether it was whole."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

EVENT_STREAM: Final = "text/event-stream"
MILESTONES: Final = {"started": "accepted", "sources": "sources", "delta": "first_token", "done": "done"}
"""What a reader waits for, by the event whose first frame brings it."""


@dataclass(slots=True)
class Turn:
    """One turn, fed frame by frame.

    Attributes:
        session: The conversation's id, for the next question.
        tokens: Deltas so far.
        events: The names of all events, in order.
    """

    session: str | None = None
    tokens: int = 0
    events: list[str] = field(default_factory=list)
    _complaint: str = ""

    def take(self, frame: bytes) -> str | None:
        """Take a frame without its closing blank line; the milestone that it is, if it is one."""
        name, data = parse(frame)
        if not name:
            return None
        first = name not in self.events
        self.events.append(name)
        if name == "started":
            self.session = data["conversation_id"]
        elif name == "delta":
            self.tokens += 1
        elif name == "failed":
            self._complaint = f"failed: {data['code']}"
        return MILESTONES.get(name) if first else None

    @property
    def over(self) -> bool:
        """Whether its last event has come."""
        return bool(self.events) and self.events[-1] in {"done", "failed"}

    @property
    def complaint(self) -> str:
        """Why this turn is no answer; empty when it is one."""
        if self._complaint:
            return self._complaint
        if not self.over:
            return f"truncated after {self.events[-1] if self.events else 'nothing'}"
        return "" if "delta" in self.events else "an answer without a word"


def parse(frame: bytes) -> tuple[str, dict[str, Any]]:
    """`(event, data)` of a frame; an empty name for a comment."""
    lines = (line.partition(": ") for line in frame.decode().split("\n"))
    fields = {name: value for name, _, value in lines if name}
    return fields.get("event", ""), json.loads(fields["data"]) if "data" in fields else {}
