"""One turn: history → retrieve → prompt → generate → persist, as one async generator of events.

Its first event comes when retrieval is done, or as soon as that takes long; before it an error is raised, after it a
failure is an event. Nothing is held while tokens flow. The turn is saved before its last event, also when it fails or
the reader leaves.
"""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import anyio

from lectern.chat.draft import Draft
from lectern.chat.followup import search_query
from lectern.chat.generation import generate, not_found
from lectern.chat.prompt import build_prompt
from lectern.chat.retrieval import retrieve
from lectern.chat.waiting import Waiting, Work
from lectern.errors import (
    BudgetSpent,
    ConversationNotFound,
    Forbidden,
    InternalError,
    LecternError,
    StoreUnavailable,
)
from lectern.events import Degraded, Done, Event, Failed, Sources
from lectern.limits.budgets import Budgets
from lectern.ports import LLM, Hits, Outcome, Ports, Turn

logger = logging.getLogger(__name__)

_SAVE_SECONDS = 5
"""How long the saving of a turn that was cut off may take, or counting one; a stopping worker waits for it."""


@dataclass(frozen=True, slots=True)
class Knobs:
    """The pipeline's settings; `config/` has their units, defaults and reasons."""

    passages: int
    history_turns: int
    prompt_tokens: int
    min_confidence: float
    waking_seconds: float
    rules: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a turn is made from: the earlier turns, the passages, and what could not be used to get them."""

    history: Sequence[Turn]
    hits: Hits
    troubles: Sequence[Degraded]


async def answer(
    draft: Draft, ports: Ports, knobs: Knobs, budgets: Budgets | None = None
) -> AsyncGenerator[Event, None]:
    """Answer a draft's question; yields the events of `lectern.events` in their order.

    Whatever becomes of the turn, what it cost is counted in `budgets`. Cancelled or closed it is kept as cancelled, and
    why, by `draft.ended_by`.

    Raises:
        ConversationNotFound: The conversation does not exist. Like the next ones, only before the first event.
        Forbidden: It is another's.
        IndexUnavailable: There is nothing to answer from.
    """
    waiting = Waiting(knobs.waking_seconds)
    try:
        async with Work(_find(draft, ports, knobs, waiting), waiting) as finding:
            while waking := await finding.slow():
                if not draft.started:
                    yield draft.start()
                yield draft.wake(waking)
            found = finding.result()
        if not draft.started:
            yield draft.start()
        async with aclosing(_respond(found, draft, ports, knobs, waiting, budgets=budgets)) as events:
            async for event in events:
                yield event
        outcome = _outcome(found.hits, knobs)
        draft.settled = True
        await _charge(draft, budgets)
        if unsaved := await _save(draft, outcome, ports):
            yield unsaved
        yield Done(outcome=outcome, finish=draft.finish, usage=draft.usage, timings=draft.timings)
    except Exception as error:
        if not draft.started:
            raise
        draft.settled = True
        await _charge(draft, budgets)
        yield await _failed(error, draft, ports)
    except BaseException:
        # It was stopped. What was said is kept: shielded, as this very task is being cancelled.
        draft.settled = True
        draft.ended_by = draft.ended_by or "abandoned"
        if draft.started:
            with anyio.move_on_after(_SAVE_SECONDS, shield=True):
                await _charge(draft, budgets)
                await _save_cut_off(draft, "cancelled", ports)
        raise


def load_rules() -> str:
    """The system message, from `answer.md`."""
    return resources.files("lectern.chat").joinpath("answer.md").read_text(encoding="utf-8").strip()


async def _find(draft: Draft, ports: Ports, knobs: Knobs, waiting: Waiting) -> Found:
    troubles: list[Degraded] = []
    question = draft.question
    if question.trouble is not None:
        troubles.append(draft.degrade("login", question.trouble))
    history: Sequence[Turn] = ()
    if question.conversation_id is not None:
        waiting.on("store")
        try:
            history = await _history(draft, ports, knobs)
        except StoreUnavailable as error:
            troubles.append(draft.degrade("store", error))
    if question.history is not None:
        history = question.history[max(0, len(question.history) - knobs.history_turns) :]
    hits = await retrieve(
        search_query(question.text, context=question.context, history=history),
        ports,
        limit=knobs.passages,
        site=question.site,
        trouble=lambda part, error: troubles.append(draft.degrade(part, error)),
        asking=waiting.on,
    )
    draft.show(hits.passages)
    return Found(history, hits, troubles)


async def _history(draft: Draft, ports: Ports, knobs: Knobs) -> Sequence[Turn]:
    """The conversation's last turns, as far as they are this reader's to know.

    Who could not be told gets another conversation than one that may be their own, but is not open to visitors.
    """
    question = draft.question
    # Of a client that sends the earlier turns along only what it may do is asked.
    limit = knobs.history_turns if question.history is None else 0
    try:
        kept = await ports.store.history(draft.conversation_id, limit=limit, principal_id=question.principal_id)
    except ConversationNotFound:
        if not question.opens:
            raise
        draft.begins = True
        return ()
    except StoreUnavailable:
        draft.begins = question.opens  # saving it goes on with one that is there
        raise
    except Forbidden:
        if question.trouble is None:
            raise
        if draft.started:  # told that it is this conversation
            raise question.trouble from None
        draft.begin_anew()
        return ()
    return kept


async def _respond(
    found: Found, draft: Draft, ports: Ports, knobs: Knobs, waiting: Waiting, *, budgets: Budgets | None
) -> AsyncGenerator[Event, None]:
    """What was found, then the answer, or that there is none."""
    hits, question = found.hits, draft.question
    yield Sources(draft.sources)
    for trouble in found.troubles:
        yield trouble
    if _outcome(hits, knobs) == "not_found":
        yield draft.say(not_found(hits.passages))
        return
    prompt = build_prompt(
        question.text,
        context=question.context,
        passages=hits.passages,
        history=found.history,
        rules=knobs.rules,
        instructions=question.instructions,
        budget_tokens=knobs.prompt_tokens,
    )
    llms: Sequence[LLM] = (ports.llm, *ports.fallback_llms)
    refusal = None
    if budgets is not None and question.payer is not None and await budgets.are_spent(question.payer):
        llms, refusal = (budgets.stand_in,), BudgetSpent()
    async with aclosing(generate(prompt, draft, llms, failure=refusal)) as events:
        waiting.on("llm")
        async with Work(_first(events), waiting) as beginning:
            while waking := await beginning.slow():
                yield draft.wake(waking)
        yield beginning.result()
        async for event in events:
            yield event


async def _first(events: AsyncGenerator[Event, None]) -> Event:
    return await anext(events)


def _outcome(hits: Hits, knobs: Knobs) -> Literal["answered", "not_found"]:
    return "answered" if hits.passages and hits.confidence >= knobs.min_confidence else "not_found"


async def _charge(draft: Draft, budgets: Budgets | None) -> None:
    """Count what the turn cost, once; nothing is waited for where there are no budgets."""
    payer = draft.question.payer
    if budgets is None or payer is None or draft.charged:
        return
    draft.charged = True
    with anyio.move_on_after(_SAVE_SECONDS, shield=True):  # it was spent, whoever leaves meanwhile
        await budgets.charge(payer, draft.cost)


async def _save(draft: Draft, outcome: Outcome, ports: Ports) -> Degraded | None:
    """Keep the turn, once; when that cannot be done now, the answer still stands and says so."""
    if draft.saved:
        return None
    draft.saved = True
    try:
        await ports.store.save_turn(draft.turn(outcome))
    except StoreUnavailable as error:
        return draft.degrade("store", error)
    return None


async def _save_cut_off(draft: Draft, outcome: Outcome, ports: Ports) -> None:
    """Keep what was said of a turn that did not come to its end, unless its conversation was deleted or claimed."""
    with suppress(ConversationNotFound, Forbidden):
        await _save(draft, outcome, ports)


async def _failed(error: Exception, draft: Draft, ports: Ports) -> Failed:
    """Keep a turn that failed; its last event."""
    failure = error if isinstance(error, LecternError) else InternalError()
    defect = error if isinstance(failure, InternalError) else None
    logger.warning("turn %s failed: %s (%s)", draft.turn_id, failure.code, type(error).__name__, exc_info=defect)
    draft.ended_by = failure.code
    if not isinstance(failure, ConversationNotFound | Forbidden):  # there is no conversation to keep it in
        await _save_cut_off(draft, "failed", ports)
    return Failed.of(failure)
