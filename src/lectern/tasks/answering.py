"""What one message comes to: a yes or a no to what was asked, what a model does, or what the grammar understands."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

from lectern.errors import LecternError, TooBusy, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable
from lectern.ports import LLM, Confirmation, Tasks, Turn
from lectern.tasks import telling
from lectern.tasks.agent import Agent, Bounds
from lectern.tasks.calls import Calls
from lectern.tasks.confirmations import is_still_meant, kept, question_of, use_of, verdict
from lectern.tasks.draft import Draft
from lectern.tasks.events import ClarificationRequired, ConfirmationRequired, Event
from lectern.tasks.grammar import Unclear, Uses, understand
from lectern.tasks.grounding import Said, only_asks
from lectern.tasks.thread import thread_of
from lectern.tasks.tools import MOST_LISTED, Prepared, Toolbox


class Limits(Protocol):
    """What a turn is bound by."""

    @property
    def prompt_tokens(self) -> int:
        """Longest first prompt."""

    @property
    def bounds(self) -> Bounds:
        """How far a model goes."""

    @property
    def rules(self) -> str:
        """The system message."""


@dataclass(frozen=True, slots=True)
class Answering:
    """One message of one reader.

    Attributes:
        draft: The turn.
        tasks: Where it is kept what was asked.
        toolbox: The reader's.
        history: The conversation's last turns, oldest first.
        today: The day it is.
        knobs: Its limits.
    """

    draft: Draft
    tasks: Tasks
    toolbox: Toolbox
    history: Sequence[Turn]
    today: date
    knobs: Limits

    async def answered(self, asked: Confirmation) -> AsyncGenerator[Event, None]:
        """Do, after a yes, exactly what was asked; forget it after anything else, which then is a message of its own.

        No model is asked.
        """
        said = verdict(self.draft.request.text)
        if said == "yes":
            async with aclosing(self._agreed(asked)) as events:
                async for event in events:
                    yield event
            return
        await self.tasks.settle(self.draft.request.principal.id, self.draft.conversation_id, asked.id)
        if said == "no":
            yield self.draft.paragraph(telling.NOTHING_DONE)

    async def _agreed(self, asked: Confirmation) -> AsyncGenerator[Event, None]:
        """Do what was asked, with keys of its own, and say what came of it."""
        calls = self._calls()
        lines = []
        for number, call in enumerate(asked.calls):
            use = use_of(call)
            result = await self.toolbox.prepare(use)
            if isinstance(result, Prepared):
                if not is_still_meant(call, result):
                    lines.append(telling.changed_meanwhile(call))
                    continue
                result, event = await calls.perform(result, key=f"{asked.id}:{number}")
                yield event
            lines.append(telling.sentence(use.name, result))
        yield self.draft.paragraph("\n".join(lines))

    async def acted(self, llms: Sequence[LLM], failure: LecternError | None) -> AsyncGenerator[Event, None]:
        """Have the first model that can, or else the grammar, do what the reader wants.

        Args:
            llms: Who is asked, in this order.
            failure: Why there is none of them, if there could be.

        Raises:
            LecternError: A model failed in the middle of what it said, and had done nothing.
        """
        for llm in llms:
            if failure is not None:
                yield self.draft.degrade("llm", failure, used=llm.describe().kind)
            calls = self._calls()
            failure = None
            try:
                async with aclosing(self._modelled(llm, calls)) as events:
                    async for event in events:
                        yield event
            except (TooBusy, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable) as error:
                failure = error
            if failure is None or not self._may_pass_on(calls):
                async with aclosing(self._ended(calls, failure)) as events:
                    async for event in events:
                        yield event
                return
        if failure is not None:
            yield self.draft.degrade("llm", failure, used="grammar")
        async with aclosing(self._read(self._calls())) as events:
            async for event in events:
                yield event

    def _may_pass_on(self, calls: Calls) -> bool:
        """Whether another can begin anew, as if nothing had been."""
        return self.draft.is_fresh and not calls.held

    async def _ended(self, calls: Calls, failure: LecternError | None) -> AsyncGenerator[Event, None]:
        """What comes after the model; one that broke off is told of with what it did."""
        if failure is not None:
            if not (self.draft.acted or calls.held):
                raise failure
            yield self.draft.degrade("llm", failure)
            yield self.draft.paragraph("\n".join([*self.draft.told, telling.CUT_SHORT]))
        async with aclosing(self._asking(calls)) as events:
            async for event in events:
                yield event

    async def _modelled(self, llm: LLM, calls: Calls) -> AsyncGenerator[Event, None]:
        messages = thread_of(
            self.draft.request.text,
            history=self.history,
            rules=self.knobs.rules,
            today=self.today,
            budget_tokens=self.knobs.prompt_tokens,
        )
        async with aclosing(Agent(llm, calls, self.draft, self.knobs.bounds).run(messages)) as events:
            async for event in events:
                yield event
        if calls.held:  # from then on the model was not heard
            lines = [calls.shown, *self.draft.told] if only_asks(self.draft.request.text) else self.draft.told
            if any(lines):
                yield self.draft.paragraph("\n".join(filter(None, lines)))
        elif not (self.draft.text or calls.unclear):
            yield self.draft.paragraph("\n".join(self.draft.told) or calls.shown or telling.UNKNOWN)

    async def _read(self, calls: Calls) -> AsyncGenerator[Event, None]:
        """What the grammar understands, done, and said in its own words."""
        earlier = self.history[-1].question if self.history else ""
        everything = await self.toolbox.everything()
        text = self.draft.request.text
        # Tens of milliseconds where there are hundreds of tasks.
        understood = await asyncio.to_thread(understand, text, everything, today=self.today, earlier=earlier)
        if isinstance(understood, Uses):
            lines = []
            if len(understood.uses) > MOST_LISTED:
                lines.append(telling.first_of(MOST_LISTED, len(understood.uses)))
            for use in understood.uses[:MOST_LISTED]:
                held = len(calls.held)
                result, event = await calls.do(use)
                yield event
                if result.status != "ambiguous" and len(calls.held) == held:
                    lines.append(telling.sentence(use.name, result))
            if lines:
                yield self.draft.paragraph("\n".join(lines))
            async with aclosing(self._asking(calls)) as events:
                async for event in events:
                    yield event
        elif isinstance(understood, Unclear):
            yield self.draft.paragraph(telling.asked(understood.question, understood.options))
            yield self.draft.note(ClarificationRequired(understood.question, understood.options))
        else:
            yield self.draft.paragraph(telling.UNKNOWN)

    async def _asking(self, calls: Calls) -> AsyncGenerator[Event, None]:
        """Ask back what is unclear, and ask first what the reader did not ask for."""
        if calls.unclear:
            question, options = telling.which(calls.unclear[-1].tasks)
            yield self.draft.paragraph(telling.asked(question, options))
            yield self.draft.note(ClarificationRequired(question, options))
        if calls.held:
            confirmation = Confirmation(
                id=str(uuid.uuid5(uuid.UUID(self.draft.turn_id), "confirmation")),
                calls=[kept(prepared) for prepared in calls.held],
                question=question_of(calls.held),
                asked_at=datetime.now(UTC),
            )
            await self.tasks.ask(self.draft.request.principal.id, self.draft.conversation_id, confirmation)
            yield self.draft.paragraph(confirmation.question)
            told = tuple(dict(call) for call in confirmation.calls)
            yield self.draft.note(ConfirmationRequired(confirmation.id, confirmation.question, told))

    def _calls(self) -> Calls:
        earlier = tuple(turn.question for turn in self.history)
        return Calls(self.toolbox, self.draft, Said(self.draft.request.text, earlier))
