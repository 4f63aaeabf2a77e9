"""The loop of a model that calls tools: asked, its calls done, asked again, until it is done or a bound is reached.

Nothing is held while the model speaks.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from importlib import resources

from lectern.errors import UpstreamTimeout, UpstreamUnavailable
from lectern.limits.budgets import TOKEN_CHARACTERS
from lectern.ports import LLM, Completion, Message, Prompt, ToolCall
from lectern.resilience import deadline
from lectern.tasks import telling
from lectern.tasks.calls import MOST_MISTAKES, Calls
from lectern.tasks.draft import Draft
from lectern.tasks.events import Event
from lectern.tasks.tools import TOOLS


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far one turn goes.

    Attributes:
        steps: How often the model is asked.
        calls: How many tools it may call.
        tokens: How many tokens it may use, prompts included.
        seconds: How long it may take; the request's deadline counts too.
    """

    steps: int
    calls: int
    tokens: int
    seconds: float


class Agent:
    """One turn of one model.

    Args:
        llm: The model.
        calls: Does what it calls for.
        draft: The turn.
        bounds: How far it goes.
    """

    def __init__(self, llm: LLM, calls: Calls, draft: Draft, bounds: Bounds) -> None:
        self._llm = llm
        self._calls = calls
        self._draft = draft
        self._bounds = bounds
        self._wants_gap = False

    async def run(self, messages: Sequence[Message]) -> AsyncGenerator[Event, None]:
        """Let the model act; yields deltas and tools as they come.

        Raises:
            LecternError: The model failed, or tasks cannot be read or written.
        """
        thread = list(messages)
        for _ in range(self._bounds.steps):
            if reached := self._reached():
                yield self._draft.paragraph(reached)
                return
            prompt = Prompt(self._draft.request.text, (), tuple(thread), TOOLS)
            said: list[str] = []
            asked: tuple[ToolCall, ...] = ()
            async with aclosing(self._step(prompt, said)) as items:
                async for item in items:
                    if isinstance(item, Completion):
                        asked = item.tool_calls
                    else:
                        yield item
            if not asked:
                return
            thread.append(Message("assistant", "".join(said), tool_calls=asked))
            for call in asked[: self._bounds.calls - self._calls.count]:
                result, event = await self._calls.call(call)
                yield event
                thread.append(Message("tool", result.text, tool_call_id=call.id))
            if self._calls.unclear:
                return
            self._wants_gap = True
        yield self._draft.paragraph(self._reached() or telling.OUT_OF_STEPS)

    def _reached(self) -> str:
        """What is said of the bound that is reached; nothing when none is."""
        if self._calls.mistakes >= MOST_MISTAKES:
            return telling.MISTAKEN
        if self._left() <= 0:
            return telling.OUT_OF_TIME
        spent = self._draft.tokens >= self._bounds.tokens or self._calls.count >= self._bounds.calls
        return telling.OUT_OF_STEPS if spent else ""

    async def _step(self, prompt: Prompt, said: list[str]) -> AsyncGenerator[Event | Completion, None]:
        """One answer of the model: its text, then how it ended; counted however it ends."""
        room = (self._bounds.tokens - self._draft.tokens) * TOKEN_CHARACTERS
        completion: Completion | None = None
        characters = 0
        try:
            async with aclosing(self._llm.stream(prompt)) as items:
                while completion is None:
                    item = await self._next(items)
                    if isinstance(item, Completion):
                        completion = item
                        continue
                    said.append(item)
                    characters += len(item)
                    if not self._calls.held:  # what is held is asked in words that are not the model's
                        yield self._say(item)
                    if characters > room:
                        completion = Completion("length")
        finally:
            asked = completion.tool_calls if completion else ()
            characters += sum(len(call.name) + len(call.arguments) for call in asked)
            self._draft.spend(self._llm, prompt, characters, completion)
        if not (said or completion.tool_calls or self._draft.acted or self._calls.count):
            raise UpstreamUnavailable("The language model sent an empty answer.")
        yield completion

    def _say(self, text: str) -> Event:
        gap, self._wants_gap = self._wants_gap and bool(self._draft.text), False
        return self._draft.say(f"\n\n{text}" if gap else text)

    async def _next(self, items: AsyncGenerator[str | Completion, None]) -> str | Completion:
        try:
            async with asyncio.timeout(max(0.0, self._left())):
                return await anext(items)
        except TimeoutError:
            raise UpstreamTimeout from None

    def _left(self) -> float:
        """Seconds until this turn has to end."""
        return deadline.within(self._bounds.seconds - self._draft.seconds)


def load_rules() -> str:
    """The system message, from `agent.md`."""
    return resources.files("lectern.tasks").joinpath("agent.md").read_text(encoding="utf-8").strip()
