"""Turns of an assistant, and what to look for in their events."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from lectern.limits.budgets import Payer
from lectern.principal import Principal
from lectern.tasks.assistant import Assistant, TaskRequest
from lectern.tasks.events import ConfirmationRequired, Delta, Event, Started, ToolUsed

ANN = Principal("user", "ann")
BEN = Principal("user", "ben")


async def say(
    assistant: Assistant,
    text: str,
    *,
    after: Sequence[Event] = (),
    key: str | None = None,
    who: Principal = ANN,
    payer: Payer | None = None,
) -> list[Event]:
    """All events of a turn.

    Args:
        assistant: Whom to tell.
        text: The message.
        after: An earlier turn's events, whose conversation goes on.
        key: The idempotency key.
        who: Who says it.
        payer: Who pays.
    """
    request = TaskRequest(text, who, conversation_of(after) if after else None, key, payer)
    async with aclosing(assistant.turn(request)) as events:
        return [event async for event in events]


def conversation_of(events: Sequence[Event]) -> str:
    """The conversation's id."""
    assert isinstance(events[0], Started)
    return events[0].conversation_id


def text_of(events: Sequence[Event]) -> str:
    """The answer."""
    return "".join(event.text for event in events if isinstance(event, Delta))


def names(events: Sequence[Event]) -> list[str]:
    """The events' names, runs of deltas as one."""
    found = [event.name for event in events]
    return [name for at, name in enumerate(found) if not (name == "delta" and at and found[at - 1] == "delta")]


def used(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Which tools were called, and what became of each call."""
    return [(event.tool_name, event.execution_status) for event in events if isinstance(event, ToolUsed)]


def asked(events: Sequence[Event]) -> list[tuple[str, Any]]:
    """What the reader is asked about, as tools with the task's number or title."""
    calls = [call for event in events if isinstance(event, ConfirmationRequired) for call in event.calls]
    return [(call["tool_name"], call["parameters"].get("task_id") or call["parameters"]["title"]) for call in calls]
