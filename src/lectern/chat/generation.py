"""The answer of a turn: said piece by piece, its citations checked; by a stand-in when the model fails at the start."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from lectern.chat.citations import CitationFilter
from lectern.chat.draft import Draft
from lectern.errors import LecternError, UpstreamUnavailable
from lectern.events import Degraded, Delta
from lectern.ports import LLM, Completion, Passage, Prompt

_NEAREST = 3


async def generate(
    prompt: Prompt, draft: Draft, llms: Sequence[LLM], *, failure: LecternError | None = None
) -> AsyncGenerator[Delta | Degraded, None]:
    """The answer of the first model that begins; when it is not the model's own, one `degraded` says so before it.

    Yields something, or raises.

    Args:
        prompt: What is asked.
        draft: Collects the answer.
        llms: Who is asked, in this order.
        failure: Why the model itself is not among them.

    Raises:
        LecternError: No model began, or the one that did failed.
    """
    for llm in llms:
        draft.ask(llm, prompt)
        try:
            async with aclosing(_answer_of(llm, prompt, draft)) as items:
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


async def _answer_of(llm: LLM, prompt: Prompt, draft: Draft) -> AsyncGenerator[Delta, None]:
    """One model's answer, with its citations checked."""
    citations = CitationFilter(len(prompt.passages))
    async with aclosing(llm.stream(prompt)) as items:
        async for item in items:
            if isinstance(item, Completion):
                if rest := citations.flush():
                    yield draft.say(rest)
                if not draft.said:
                    raise UpstreamUnavailable("The language model sent an empty answer.")
                draft.complete(item)
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
