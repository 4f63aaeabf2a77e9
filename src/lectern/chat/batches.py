"""Events of a turn as the journal holds them: plain JSON, many at once. Pure."""

from collections.abc import Iterable
from typing import Any

from lectern.events import Delta, Event, event_of, payload


def written(events: Iterable[Event]) -> list[Any]:
    """Events as one batch: `[name, fields]` each, deltas in a row as one."""
    batch: list[Any] = []
    for event in events:
        if isinstance(event, Delta) and batch and batch[-1][0] == event.name:
            batch[-1][1]["text"] += event.text
        else:
            batch.append([event.name, payload(event)])
    return batch


def read(batch: Iterable[Any]) -> list[Event]:
    """The events that `written` made a batch of."""
    return [event_of(name, fields) for name, fields in batch]
