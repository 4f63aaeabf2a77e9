"""One turn: history → retrieve → prompt → generate → persist, as one async generator of events.

Retrieval is done before the first event. Nothing is held while tokens flow. The turn is saved before its last event,
also when it fails or the reader leaves. After the first event a failure is an event.
"""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import anyio

from lectern.chat.citations import CitationFilter
from lectern.chat.draft import Draft, Question
from lectern.chat.followup import search_query
from lectern.chat.prompt import build_prompt
from lectern.chat.retrieval import retrieve
from lectern.errors import InternalError, LecternError, StoreUnavailable, UpstreamUnavailable
from lectern.events import Degraded, Delta, Done, Event, Failed, Sources, Started
from lectern.ports import LLM, Completion, Hits, Outcome, Passage, Ports, Prompt, Turn

logger = logging.getLogger(__name__)

_NEAREST = 3
_SAVE_SECONDS = 5
"""How long the saving of a turn that was cut off may take; a stopping worker waits for it."""


@dataclass(frozen=True, slots=True)
class Knobs:
    """The pipeline's settings; `config/` has their units, defaults and reasons."""

    passages: int
    history_turns: int
    prompt_tokens: int
    min_confidence: float
    rules: str


async def answer(question: Question, ports: Ports, knobs: Knobs) -> AsyncGenerator[Event, None]:
    """Answer a question; yields the events of `lectern.events` in their order.

    Raises:
        ConversationNotFound: The conversation does not exist. Like the next, only before the first event.
        IndexUnavailable: There is nothing to answer from.
    """
    draft = Draft(question)
    troubles: list[Degraded] = []
    history = await _history(draft, ports, knobs, troubles)
    query = search_query(question.text, context=question.context, history=history)
    hits = await retrieve(
        query,
        ports,
        limit=knobs.passages,
        site=question.site,
        trouble=lambda part, error: troubles.append(draft.degrade(part, error)),
    )
    draft.show(hits.passages)
    try:
        yield Started(draft.conversation_id, draft.turn_id)
        yield Sources(draft.sources)
        for trouble in troubles:
            yield trouble
        completion = Completion()
        async with aclosing(_respond(hits, history, draft, ports, knobs)) as items:
            async for item in items:
                if isinstance(item, Completion):
                    completion = item
                else:
                    yield item
        draft.count(completion.usage)
        outcome = _outcome(hits, knobs)
        if unsaved := await _save(draft, outcome, ports):
            yield unsaved
        yield Done(outcome=outcome, finish=completion.finish, usage=draft.usage, timings=draft.timings)
    except Exception as error:
        failure = error if isinstance(error, LecternError) else InternalError()
        defect = error if isinstance(failure, InternalError) else None
        logger.warning("turn %s failed: %s (%s)", draft.turn_id, failure.code, type(error).__name__, exc_info=defect)
        await _save(draft, "failed", ports)
        yield Failed.of(failure)
    except BaseException:
        # The reader left or the worker stops. What was said is kept: shielded, as this very task is being cancelled.
        with anyio.move_on_after(_SAVE_SECONDS, shield=True):
            await _save(draft, "cancelled", ports)
        raise


def load_rules() -> str:
    """The system message, from `answer.md`."""
    return resources.files("lectern.chat").joinpath("answer.md").read_text(encoding="utf-8").strip()


async def _history(draft: Draft, ports: Ports, knobs: Knobs, troubles: list[Degraded]) -> Sequence[Turn]:
    if draft.question.conversation_id is None:
        return ()
    try:
        return await ports.store.history(draft.conversation_id, limit=knobs.history_turns)
    except StoreUnavailable as error:
        troubles.append(draft.degrade("store", error))
        return ()


def _outcome(hits: Hits, knobs: Knobs) -> Literal["answered", "not_found"]:
    return "answered" if hits.passages and hits.confidence >= knobs.min_confidence else "not_found"


async def _respond(
    hits: Hits, history: Sequence[Turn], draft: Draft, ports: Ports, knobs: Knobs
) -> AsyncGenerator[Delta | Degraded | Completion, None]:
    """The answer, or that there is none; by a stand-in when the model fails before its first word."""
    if _outcome(hits, knobs) == "not_found":
        yield draft.say(not_found(hits.passages))
        return
    question = draft.question
    prompt = build_prompt(
        question.text,
        context=question.context,
        passages=hits.passages,
        history=history,
        rules=knobs.rules,
        budget_tokens=knobs.prompt_tokens,
    )
    async with aclosing(_stand_in(prompt, draft, ports)) as items:
        async for item in items:
            yield item


async def _stand_in(prompt: Prompt, draft: Draft, ports: Ports) -> AsyncGenerator[Delta | Degraded | Completion, None]:
    """The first model's answer that begins; when it is not the model's own, one `degraded` says so before it."""
    failure: LecternError | None = None
    for llm in (ports.llm, *ports.fallback_llms):
        try:
            async with aclosing(_generate(llm, prompt, draft)) as items:
                async for item in items:
                    if failure is not None:
                        yield draft.degrade("llm", failure, used=llm.describe().kind)
                        failure = None
                    yield item
        except LecternError as error:
            if draft.said:
                raise
            failure = failure or error
        else:
            return
    assert failure is not None
    raise failure


async def _generate(llm: LLM, prompt: Prompt, draft: Draft) -> AsyncGenerator[Delta | Completion, None]:
    """One model's answer, with its citations checked."""
    citations = CitationFilter(len(prompt.passages))
    async with aclosing(llm.stream(prompt)) as items:
        async for item in items:
            if isinstance(item, Completion):
                if rest := citations.flush():
                    yield draft.say(rest)
                if not draft.said:
                    raise UpstreamUnavailable("The language model sent an empty answer.")
                yield item
            elif text := citations.feed(item):
                yield draft.say(text)


def not_found(passages: Sequence[Passage]) -> str:
    """What is said when nothing relevant was found: no invention, only the nearest pages."""
    text = "I couldn't find an answer to this on this site."
    if not passages:
        return text
    nearest = [
        f"- [{passage.label}]({passage.href}) [{number}]" for number, passage in enumerate(passages[:_NEAREST], start=1)
    ]
    return "\n".join([f"{text} The nearest pages are:", "", *nearest])


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
