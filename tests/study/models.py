"""Models that rewrite as they are asked to, by a function a test gives; and what tests ask of a rewriter."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from tests.study.urdu import in_urdu

from lectern.limits.budgets import Budgets, Payer
from lectern.ports import Completion, Part, Prompt, Rewrites, Usage
from lectern.study.languages import find_language
from lectern.study.rewriting import Knobs, Purpose, Rewriter, Rewritten, SectionReady
from lectern.study.segments import CutText

_language = find_language("ur")
assert _language is not None
URDU = Purpose("translate", _language)
KNOBS = Knobs(batch_tokens=1000, calls=4, lease_seconds=60)
BLOCK = re.compile(r'<segment id="(\d+)">(.*?)</segment>', re.DOTALL)

Blocks = list[tuple[int, str]]


class RewritingLLM:
    """Implements `lectern.ports.LLM`: answers each block by a function, counted in tokens; remembers what it was asked.

    Args:
        rewrite: What it makes of a segment's text.
    """

    def __init__(self, rewrite: Callable[[str], str] = in_urdu) -> None:
        self.rewrite = rewrite
        self.prompts: list[Prompt] = []
        self.texts: list[str] = []
        self.open = self.most_open = 0

    def reply(self, blocks: Blocks) -> str:
        """The reply to these blocks."""
        return "\n".join(f'<segment id="{number}">{self.rewrite(text)}</segment>' for number, text in blocks)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Answer in two pieces."""
        self.prompts.append(prompt)
        blocks = [(int(number), text) for number, text in BLOCK.findall(prompt.messages[-1].content)]
        self.texts += [text for _, text in blocks]
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(0)
            reply = self.reply(blocks)
            yield reply[: len(reply) // 2]
            yield reply[len(reply) // 2 :]
            yield Completion(usage=Usage(100, 10))
        finally:
            self.open -= 1

    def describe(self) -> Part:
        """A model that costs money."""
        return Part("llm", "rewriting", "ok", billed=True)

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


def rewriter(
    llm: RewritingLLM | None, rewrites: Rewrites | None = None, *, budgets: Budgets | None = None, knobs: Knobs = KNOBS
) -> Rewriter:
    """A rewriter of a process."""
    return Rewriter(llm, rewrites, budgets=budgets, knobs=knobs)


async def read(
    service: Rewriter, *texts: CutText, purpose: Purpose = URDU, payer: Payer | None = None
) -> tuple[Sequence[SectionReady], Rewritten]:
    """All that a rewriter says of some texts: the sections, and the last event."""
    sections: list[SectionReady] = []
    async with aclosing(service.rewrite(texts, purpose, payer=payer)) as events:
        async for event in events:
            if isinstance(event, Rewritten):
                return sections, event
            sections.append(event)
    raise AssertionError("the last event is missing")
