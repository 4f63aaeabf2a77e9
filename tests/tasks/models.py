"""Models that call tools as a test tells them to."""

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from lectern.ports import Completion, Message, Part, Prompt, ToolCall, Usage

Piece = str | ToolCall | Exception | asyncio.Event
Step = Sequence[Piece] | Callable[[Prompt], Sequence[Piece]]

_ids = itertools.count(1)


def call(name: str, arguments: str | None = None, **given: Any) -> ToolCall:
    """A call with these arguments, or with just this text."""
    return ToolCall(f"call_{next(_ids)}", name, json.dumps(given) if arguments is None else arguments)


class ToolModel:
    """Plays one step each time it is asked; the last one again and again.

    Args:
        steps: What it says and calls; an exception is raised in its turn, an event waited for.
        counts: Whether it tells what it used: 100 tokens to read, 10 to write.
        billed: Whether it costs anything.
    """

    def __init__(self, *steps: Step, counts: bool = True, billed: bool = True) -> None:
        self.steps = steps
        self.counts = counts
        self.billed = billed
        self.prompts: list[Prompt] = []
        self.open = 0

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Play the next step."""
        step = self.steps[min(len(self.prompts), len(self.steps) - 1)]
        self.prompts.append(prompt)
        self.open += 1
        calls = []
        try:
            for piece in step(prompt) if callable(step) else step:
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, asyncio.Event):
                    await piece.wait()
                elif isinstance(piece, ToolCall):
                    calls.append(piece)
                else:
                    yield piece
            yield Completion(usage=Usage(100, 10) if self.counts else None, tool_calls=tuple(calls))
        finally:
            self.open -= 1

    def describe(self) -> Part:
        """Scripted."""
        return Part("llm", "scripted tools", "ok", billed=self.billed)

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    def results(self) -> list[dict[str, Any]]:
        """What its calls came back with, as it read them last."""
        return [json.loads(message.content) for message in self.prompts[-1].messages if message.role == "tool"]


def obeying(prompt: Prompt) -> list[Piece]:
    """Does whatever a task's title tells it: the calls that stand there in JSON after `RUN`; lists tasks first."""
    results = [message for message in prompt.messages if message.role == "tool"]
    if not results:
        return [call("list_tasks")]
    return _ordered(results) if len(results) == 1 else ["All done."]


def _ordered(results: Sequence[Message]) -> list[Piece]:
    titles = [task["title"] for task in json.loads(results[0].content)["tasks"]]
    orders = [json.loads(title.partition("RUN ")[2]) for title in titles if "RUN " in title]
    return [call(name, **arguments) for order in orders for name, arguments in order]
