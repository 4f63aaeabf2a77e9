"""A turn with the assistant while it grows: what was said and done so far, what it cost, and what is kept of it."""

import logging
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from lectern.errors import LecternError
from lectern.limits.budgets import Payer, estimate
from lectern.ports import LLM, Completion, Finish, Outcome, Prompt, Turn, Usage
from lectern.principal import Principal
from lectern.tasks.events import Degraded, Delta, Done, Event, Started, ToolUsed, event_of, payload

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """What a reader sent.

    Attributes:
        text: The message.
        principal: Who asks; whose tasks they are.
        conversation_id: The conversation to go on with; None starts a new one.
        key: The client's idempotency key, at most 200 characters; None makes each sending a turn of its own.
        payer: Whose daily budget it is counted in; None where there are no budgets.
    """

    text: str
    principal: Principal
    conversation_id: str | None = None
    key: str | None = None
    payer: Payer | None = None

    @property
    def turn_id(self) -> str:
        """The turn's id: the same for the same key, a new one each time without."""
        if self.key is None:
            return str(uuid.uuid4())
        return str(uuid.uuid5(_TURNS, f"{self.principal.id}\n{self.key}"))


_TURNS = uuid.UUID("5d0cb8a2-6f0e-4f57-9d5c-0e1a7c7b2f43")
"""The name space of turns that have a key; a number like any other, which must not change."""


class Draft:
    """Collects a turn's text, events, usage and timings.

    Args:
        request: What was sent; without a conversation, a new one gets its id here, the same for the same key.

    Attributes:
        told: What was written, as sentences; said where no model says it.
        tokens: Used so far, estimated where no provider counted them.
    """

    def __init__(self, request: TaskRequest) -> None:
        self.request = request
        self.turn_id = request.turn_id
        self.begins = request.conversation_id is None
        self.conversation_id = request.conversation_id or str(uuid.uuid5(uuid.UUID(self.turn_id), "conversation"))
        self.finish: Finish = "stop"
        self.timings: dict[str, float] = {}
        self.started = False
        self.charged = False
        self.saved = False
        self.tokens = 0
        self.told: list[str] = []
        self._usage: Usage | None = None
        self._cost = Usage()
        self._created_at = datetime.now(UTC)
        self._began = time.monotonic()
        self._text: list[str] = []
        self._events: list[Event] = []
        self._degraded: dict[str, str] = {}

    @property
    def seconds(self) -> float:
        """How long the turn has taken so far."""
        return time.monotonic() - self._began

    def mark(self, milestone: str) -> None:
        """Note the milliseconds since the message came."""
        self.timings[milestone] = round(self.seconds * 1000, 1)

    def start(self) -> Event:
        """Tell the reader which turn this is; from here on it is kept, whatever becomes of it."""
        self.started = True
        return self.note(Started(self.conversation_id, self.turn_id))

    def note(self, event: Event) -> Event:
        """Keep an event for those who ask for this turn again."""
        self._events.append(event)
        return event

    def say(self, text: str) -> Event:
        """Add to the answer."""
        if not self._text:
            self.mark("first_token")
        self._text.append(text)
        if self._events and isinstance(last := self._events[-1], Delta):
            self._events[-1] = Delta(last.text + text)
        else:
            self._events.append(Delta(text))
        return Delta(text)

    def paragraph(self, text: str) -> Event:
        """Add a paragraph to the answer."""
        return self.say(f"\n\n{text}" if self._text else text)

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._text)

    @property
    def acted(self) -> bool:
        """Whether anything was written."""
        return bool(self.told)

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was said or done yet, so that somebody else can take over."""
        return not self._text and not self.acted

    def degrade(self, part: str, error: LecternError, *, used: str = "") -> Event:
        """Note a part that could not be used, and what was used instead."""
        logger.warning("%s could not be used: %s (%s)", part, error.code, type(error.__cause__).__name__)
        self._degraded[part] = error.code
        return self.note(Degraded(part, error.code, used))

    def spend(self, llm: LLM, prompt: Prompt, characters: int, completion: Completion | None) -> None:
        """Count one step: as the provider did, else as far as its characters tell.

        Args:
            llm: Who was asked.
            prompt: With what.
            characters: Of all that it wrote, arguments of tools included.
            completion: How it ended; None when it broke or was cut off.
        """
        counted = completion.usage if completion else None
        used = counted or estimate(prompt, characters)
        self.tokens += used.prompt_tokens + used.completion_tokens
        if llm.describe().billed:
            self._cost = _sum(self._cost, used)
        if counted is not None:
            self._usage = _sum(self._usage or Usage(), counted)
        if completion is not None:
            self.finish = completion.finish

    @property
    def cost(self) -> Usage:
        """What is to be paid for the turn so far."""
        return self._cost

    @property
    def usage(self) -> dict[str, int]:
        """Tokens as providers counted them; empty when none did."""
        used = self._usage
        return {"prompt_tokens": used.prompt_tokens, "completion_tokens": used.completion_tokens} if used else {}

    def done(self, title: str) -> Event:
        """The last event."""
        self.mark("total")
        return self.note(Done(title, self.finish, self.usage, dict(self.timings)))

    @property
    def attempts(self) -> frozenset[str]:
        """Under which ids this turn may be kept already, when it was tried before with its key."""
        return frozenset(self._id(outcome) for outcome in get_args(Outcome))

    def _id(self, outcome: Outcome) -> str:
        """What it is kept under: a turn that broke off leaves the id to the one that is tried again."""
        if self.request.key is None or outcome == "answered":
            return self.turn_id
        return str(uuid.uuid5(uuid.UUID(self.turn_id), outcome))

    def turn(self, outcome: Outcome) -> Turn:
        """The turn as it is kept."""
        self.mark("total")
        # Who goes on after a turn that broke off has to know what it did.
        unsaid = self.told if outcome in {"failed", "cancelled"} else []
        return Turn(
            id=self._id(outcome),
            conversation_id=self.conversation_id,
            question=self.request.text,
            answer="\n\n".join(filter(None, [self.text, *unsaid])),
            outcome=outcome,
            tool_calls=[event.call for event in self._events if isinstance(event, ToolUsed)],
            degraded=dict(self._degraded),
            usage=self.usage,
            timings=dict(self.timings),
            created_at=self._created_at,
            principal_id=self.request.principal.id,
            begins=self.begins,
        )

    def response(self) -> dict[str, Any]:
        """All events as a plain JSON object, for `replayed`."""
        return {"events": [{"event": event.name, "data": payload(event)} for event in self._events]}


def replayed(response: Mapping[str, Any]) -> list[Event]:
    """The events of a turn that is over, from what was kept of it."""
    return [event_of(told["event"], told["data"]) for told in response["events"]]


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(one.prompt_tokens + other.prompt_tokens, one.completion_tokens + other.completion_tokens)
