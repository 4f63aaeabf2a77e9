"""A turn's events, as frames while they come or as one whole when it is over."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from lectern.errors import error_of
from lectern.formats import sse
from lectern.tasks.events import (
    ClarificationRequired,
    ConfirmationRequired,
    Degraded,
    Delta,
    Done,
    Event,
    Failed,
    Started,
    ToolUsed,
    payload,
)


@dataclass(slots=True)
class Told:
    """All that a turn told.

    Attributes:
        conversation_id: UUID, as text.
        turn_id: The same.
        text: The answer.
        title: What its conversation is called.
        tools: What was called, in order.
        confirmation: What the reader is asked before it is done.
        clarification: What the reader has to say first.
        degraded: `part → code` of what could not be used.
    """

    conversation_id: str = ""
    turn_id: str = ""
    text: str = ""
    title: str = ""
    tools: list[ToolUsed] = field(default_factory=list)
    confirmation: ConfirmationRequired | None = None
    clarification: ClarificationRequired | None = None
    degraded: dict[str, str] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        """Take in one event.

        Raises:
            LecternError: The turn failed; the error of its `failed` event.
        """
        match event:
            case Started():
                self.conversation_id, self.turn_id = event.conversation_id, event.turn_id
            case Delta():
                self.text += event.text
            case ToolUsed():
                self.tools.append(event)
            case ConfirmationRequired():
                self.confirmation = event
            case ClarificationRequired():
                self.clarification = event
            case Degraded():
                self.degraded[event.part] = event.reason
            case Done():
                self.title = event.conversation_title
            case Failed():
                raise error_of(event.code, event.message)


async def collected(events: AsyncGenerator[Event, None]) -> Told:
    """The whole turn.

    Raises:
        LecternError: It failed.
    """
    told = Told()
    async with aclosing(events):
        async for event in events:
            told.hear(event)
    return told


async def frames(first: Event, rest: AsyncGenerator[Event, None]) -> AsyncGenerator[bytes, None]:
    """The turn as SSE frames.

    Args:
        first: Its first event, which has come.
        rest: The others.
    """
    async with aclosing(rest):
        number = 1
        yield sse.named_frame(number, first.name, payload(first))
        async for event in rest:
            number += 1
            yield sse.named_frame(number, event.name, payload(event))
