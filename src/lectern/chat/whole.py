"""A turn as one object, for whoever does not stream; each format makes its own JSON of it."""

import asyncio
from collections.abc import Awaitable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field

from lectern.chat.following import Following
from lectern.errors import error_of
from lectern.events import Degraded, Delta, Done, Event, Failed, Source, Sources, Started


@dataclass(frozen=True, slots=True)
class Answer:
    """A turn that is over.

    Attributes:
        conversation_id: UUID, as text.
        turn_id: UUID, as text.
        text: The whole answer, or as much as was said of one that was ended early.
        sources: What it was made from, in citation order.
        degraded: Parts that could not be used, as `{part: code}`.
        usage: Tokens, as `{prompt_tokens, completion_tokens}`; empty when no model was asked.
        timings: Milliseconds by milestone.
        finish: Why it ended, as in `lectern.events.Done`.
        outcome: What became of it, as there.
    """

    conversation_id: str
    turn_id: str
    text: str
    sources: tuple[Source, ...]
    degraded: dict[str, str]
    usage: dict[str, int]
    timings: dict[str, float]
    finish: str
    outcome: str


@dataclass(slots=True)
class _Growing:
    text: list[str] = field(default_factory=list)
    sources: tuple[Source, ...] = ()
    degraded: dict[str, str] = field(default_factory=dict)
    started: Started | None = None
    done: Done | None = None

    def take(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case Delta():
                    self.text.append(event.text)
                case Started():
                    self.started = event
                case Sources():
                    self.sources = event.sources
                case Degraded():
                    self.degraded[event.part] = event.reason
                case Failed():
                    raise error_of(event.code, event.message)
                case Done():
                    self.done = event


async def collect(following: Following) -> Answer:
    """The whole turn, read from its first event. Cancelled, it ends when the request no longer stands for the turn.

    Raises:
        LecternError: The turn failed; the error of its `failed` event.
    """
    growing = _Growing()

    def hear(_: int, event: Event) -> bool:
        growing.take((event,))
        return True

    try:
        async with aclosing(following.batches(hear)) as batches:
            async for _, events in batches:
                growing.take(events)
    except asyncio.CancelledError:
        await following.lingering()
        raise
    started, done = growing.started, growing.done
    assert started is not None
    assert done is not None
    return Answer(
        conversation_id=started.conversation_id,
        turn_id=started.turn_id,
        text="".join(growing.text),
        sources=growing.sources,
        degraded=growing.degraded,
        usage=done.usage,
        timings=done.timings,
        finish=done.finish,
        outcome=done.outcome,
    )


async def collect_begun(beginning: Awaitable[Following]) -> Answer:
    """The whole turn that is begun."""
    return await collect(await beginning)
