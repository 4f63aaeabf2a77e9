"""A turn that was saved, as the events it was told in: what a stream of it still has to say from a position on. Pure.

The events are those of the stream itself, but for three things nobody keeps: how its deltas were cut, what stood in
for a part, and a degraded store that could not be told before the turn was saved.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from lectern.errors import InvalidRequest, ShuttingDown, TurnLost, error_of
from lectern.events import (
    WAKING,
    Degraded,
    Delta,
    Done,
    Event,
    Failed,
    Source,
    Sources,
    Started,
    Waking,
    after,
    characters,
    since,
)
from lectern.ports import JournalHead, Turn

_LAST_SLOW: Final = "llm"
"""The only part that is waited for after the sources were shown, and told of as degraded after that."""


def replay(turn: Turn, position: int) -> list[Event]:
    """What is left of a turn behind a position; nothing when the position is its end.

    Raises:
        InvalidRequest: The position lies behind the turn's end.
    """
    events = told(turn)
    end = 0
    for event in events:
        end = after(end, event)
    # What a worker that died had told may be more than what is kept of it.
    if characters(position) > len(turn.answer) and turn.finish != TurnLost.code:
        message = "Last-Event-ID: lies behind the end of this answer"
        raise InvalidRequest(message, fields=(("Last-Event-ID", message),))
    # Nor is it kept what a lost turn had waited for: its end may seem to have been told, and has not been.
    if position == end and turn.finish != TurnLost.code:
        return []
    return since(events, position) or events[-1:]


def told(turn: Turn) -> list[Event]:
    """All events of a turn that was saved."""
    slow = [name.removeprefix(WAKING) for name in _by_time(turn) if name.startswith(WAKING)]
    degraded: list[Event] = [Degraded(part, reason) for part, reason in turn.degraded.items() if part != _LAST_SLOW]
    reason = turn.degraded.get(_LAST_SLOW)
    return [
        Started(turn.conversation_id, turn.id),
        *(Waking(part) for part in slow if part != _LAST_SLOW),
        *([Sources(tuple(map(_source, turn.sources)))] if _has_sources(turn) else []),
        *degraded,
        *(Waking(part) for part in slow if part == _LAST_SLOW),
        *([Degraded(_LAST_SLOW, reason)] if reason is not None else []),
        *([Delta(turn.answer)] if turn.answer else []),
        _end(turn),
    ]


def _end(turn: Turn) -> Event:
    """The event a turn ended with."""
    if turn.outcome == "failed":
        return Failed.of(error_of(turn.finish, ""))
    if turn.finish == ShuttingDown.code:
        return Failed.of(ShuttingDown())
    if turn.finish == TurnLost.code:
        return Failed.of(TurnLost())
    if turn.outcome == "cancelled":
        finish: Any = "stopped" if turn.finish == "stopped" else "abandoned"
        return Done("cancelled", finish, turn.usage, turn.timings)
    kept: Any = turn.finish
    return Done(turn.outcome, kept, turn.usage, turn.timings)


def _has_sources(turn: Turn) -> bool:
    """Whether its sources were told, be they none: a turn that ended before has not found any yet."""
    return bool(turn.sources or turn.answer) or "retrieved" in turn.timings


def _by_time(turn: Turn) -> list[str]:
    return sorted(turn.timings, key=lambda name: turn.timings[name])


def _source(fields: dict[str, Any]) -> Source:
    return Source(**fields | {"heading_path": tuple(fields["heading_path"])})


def lost(head: JournalHead, events: Iterable[Event], *, created_at: datetime) -> Turn:
    """What is kept of a turn whose worker died: as much as was written down of it.

    Args:
        head: Which turn.
        events: What was written down.
        created_at: When it began, UTC.
    """
    kept = Turn(
        id=head.turn_id,
        conversation_id=head.conversation_id,
        question=head.question,
        answer="",
        outcome="cancelled",
        created_at=created_at,
        principal_id=head.principal_id,
        finish=TurnLost.code,
    )
    text: list[str] = []
    for event in events:
        match event:
            case Started():  # its conversation may not be the one it was claimed for
                kept = replace(kept, conversation_id=event.conversation_id)
            case Sources():
                kept = replace(kept, sources=[source.json() for source in event.sources])
            case Degraded():
                kept = replace(kept, degraded=kept.degraded | {event.part: event.reason})
            case Delta():
                text.append(event.text)
            case _:
                pass
    return replace(kept, answer="".join(text))
