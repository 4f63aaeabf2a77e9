"""One turn with the task assistant: claim → history → the answer to a question, a model or the grammar → persist.

Its first event comes when the conversation is known; before it an error is raised, after it a failure is an event.
Nothing is held while a model speaks. The turn is saved before its last event, also when it fails or the reader leaves.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime

import anyio

from lectern.errors import (
    BudgetSpent,
)
from lectern.limits.budgets import Budgets
from lectern.ports import LLM, Confirmation, Ports, Tasks, Turn
from lectern.tasks.agent import Bounds
from lectern.tasks.answering import Answering
from lectern.tasks.claims import Claims
from lectern.tasks.draft import Draft, TaskRequest, replayed
from lectern.tasks.events import Event
from lectern.tasks.keeping import SAVE_SECONDS, Keeping
from lectern.tasks.tools import Toolbox

__all__ = ["Assistant", "Knobs", "TaskRequest", "models_of"]


@dataclass(frozen=True, slots=True)
class Knobs:
    """The assistant's settings; `config/tasks.py` has their units, defaults and reasons.

    Attributes:
        history_turns: Most earlier turns of the conversation that a model reads.
        prompt_tokens: Longest first prompt, in tokens of about four characters.
        most_tasks: How many tasks one reader may have.
        bounds: How far one turn goes.
        waiting_seconds: How long one waits for the same turn that somebody else does.
        rules: The system message.
    """

    history_turns: int
    prompt_tokens: int
    most_tasks: int
    bounds: Bounds
    waiting_seconds: float
    rules: str


def _today() -> date:
    return datetime.now(UTC).date()


class Assistant:
    """Manages readers' tasks by what they say.

    Args:
        ports: Where conversations and tasks are kept.
        knobs: As given.
        llms: Models that can call tools, asked in this order; with none, the grammar answers.
        budgets: What may be spent a day; None where nothing is counted.
        today: The day it is, UTC.

    Raises:
        ValueError: No tasks are kept.
    """

    def __init__(
        self,
        ports: Ports,
        knobs: Knobs,
        *,
        llms: Sequence[LLM],
        budgets: Budgets | None = None,
        today: Callable[[], date] = _today,
    ) -> None:
        if ports.tasks is None:
            msg = "an assistant needs tasks"
            raise ValueError(msg)
        self._ports = ports
        self._tasks: Tasks = ports.tasks
        self._knobs = knobs
        self._llms = tuple(llms)
        self._budgets = budgets
        self._today = today
        self._claims = Claims(ports.tasks, knobs.bounds.seconds, knobs.waiting_seconds)
        self._keeping = Keeping(ports.store, ports.tasks, self._claims, ports.conversations, budgets)

    async def turn(self, request: TaskRequest) -> AsyncGenerator[Event, None]:
        """Do what a reader asks; yields the events of `lectern.tasks.events` in their order.

        Raises:
            ConversationNotFound: The conversation does not exist. Like the next ones, only before the first event.
            Forbidden: It is another's.
            IdempotencyMismatch: The key was used for another message.
            TurnRunning: The same turn is under way, and did not end while this one waited.
            StoreUnavailable: Tasks or conversations cannot be read now.
        """
        if (response := await self._claims.claim(request)) is not None:
            for event in replayed(response):
                yield event
            return
        draft = Draft(request)
        try:
            history, asked = await self._known(draft)
            yield draft.start()
            answering = Answering(
                draft,
                tasks=self._tasks,
                toolbox=Toolbox(self._tasks, request.principal.id, most_tasks=self._knobs.most_tasks),
                history=history,
                today=self._today(),
                knobs=self._knobs,
            )
            async with aclosing(self._respond(answering, draft, asked)) as events:
                async for event in events:
                    yield event
            for event in await self._keeping.ended(draft, asked):
                yield event
        except Exception as error:
            if not draft.started:
                await self._claims.release(request)
                raise
            yield await self._keeping.failed(error, draft)
        except BaseException:
            # The reader left or the worker stops. What was done is kept: shielded, as this task is being cancelled.
            with anyio.move_on_after(SAVE_SECONDS, shield=True):
                await self._keeping.cut_off(draft)
            raise

    async def _known(self, draft: Draft) -> tuple[Sequence[Turn], Confirmation | None]:
        """The conversation's last turns, and what was asked in it."""
        request = draft.request
        if request.conversation_id is None:
            return (), None
        history = await self._ports.store.history(
            request.conversation_id, limit=self._knobs.history_turns, principal_id=request.principal.id
        )
        asked = await self._tasks.asked(request.principal.id, request.conversation_id)
        # A model that read what this very turn did when it was tried before would do only the rest, as if it were all.
        return [turn for turn in history if turn.id not in draft.attempts], asked

    async def _respond(
        self, answering: Answering, draft: Draft, asked: Confirmation | None
    ) -> AsyncGenerator[Event, None]:
        """What the reader gets between `started` and `done`."""
        if asked is not None:
            async with aclosing(answering.answered(asked)) as events:
                async for event in events:
                    yield event
            if not draft.is_fresh:
                return
        llms, refusal = self._llms, None
        payer = draft.request.payer
        if llms and self._budgets is not None and payer is not None and await self._budgets.are_spent(payer):
            llms, refusal = (), BudgetSpent()
        async with aclosing(answering.acted(llms, refusal)) as events:
            async for event in events:
                yield event


def models_of(ports: Ports) -> tuple[LLM, ...]:
    """The models that can call tools: those that only quote cannot."""
    return tuple(llm for llm in (ports.llm, *ports.fallback_llms) if llm.describe().kind != "quoting")
