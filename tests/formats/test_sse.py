"""Server-sent events."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.errors import ShuttingDown
from lectern.events import Degraded, Delta, Done, Event, Failed, Sources, Started, Waking
from lectern.formats import sse

EVENTS: list[Event] = [
    Started("c", "t"),
    Waking("store"),
    Sources(()),
    Delta("text"),
    Degraded("llm", "upstream_timeout"),
    Done("answered"),
    Failed("internal_error", "Something went wrong.", retryable=False),
]


def parse(frame: bytes) -> tuple[str, str, object]:
    """Read a frame as the standard says: fields by line, one blank line at the end."""
    lines = frame.decode().split("\n")
    assert lines[-2:] == ["", ""]
    fields = dict(line.split(": ", 1) for line in lines[:-2])
    return fields["event"], fields.get("id", ""), json.loads(fields["data"])


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_each_event_has_its_name_number_and_fields(event: Event) -> None:
    """A frame carries the event's name, its number as id, and its fields as JSON without the name."""
    name, number, data = parse(sse.frame(7, event))
    assert (name, number) == (event.name, "7")
    assert isinstance(data, dict)
    assert "name" not in data


@given(st.text())
def test_any_text_comes_through(text: str) -> None:
    """Line breaks, quotes and any script in a delta survive the frame, which stays one frame."""
    encodable = text.encode("utf-8", "replace").decode()
    _, _, data = parse(sse.frame(1, Delta(encodable)))
    assert data == {"text": encodable}


def test_the_last_frame_is_a_failed_event() -> None:
    """A stream cut off from outside ends like any failed turn."""
    name, _, data = parse(sse.last_frame(ShuttingDown()))
    assert name == "failed"
    assert data == {"code": "shutting_down", "message": ShuttingDown.default_message, "retryable": True}
