"""A model that says what a test dictates, when it does, and turns made with it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from tests.scripted import FixedIndex, hits, passage

from lectern.chat.following import Following
from lectern.events import Delta, Event
from lectern.ports import Completion, Part, Ports, Prompt, Store, Usage

FOUND = hits(passage(1, "Reducers are pure."), passage(2, "Stores hold state."))


class Dictation:
    """Says each piece when it is dictated, or raises it; all that was dictated is said before the next wait."""

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []
        self.open = 0
        self.asked = asyncio.Event()
        self._pieces: asyncio.Queue[str | Exception | None] = asyncio.Queue()

    def say(self, *pieces: str | Exception) -> None:
        """Say these next."""
        for piece in pieces:
            self._pieces.put_nowait(piece)

    def end(self) -> None:
        """Have said all."""
        self._pieces.put_nowait(None)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Say what is dictated."""
        self.prompts.append(prompt)
        self.open += 1
        self.asked.set()
        try:
            while (piece := await self._pieces.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
            yield Completion(usage=Usage(prompt_tokens=100, completion_tokens=7))
        finally:
            self.open -= 1

    def describe(self) -> Part:
        """Dictated."""
        return Part("llm", "dictated", "ok", billed=True)

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


def ports(store: Store, llm: Dictation, index: FixedIndex | None = None) -> Ports:
    """Ports of a turn that is dictated."""
    return Ports(store=store, index=index or FixedIndex(FOUND), llm=llm)


async def read(following: Following) -> list[Event]:
    """All that is still to be read."""
    return [event async for _, events in following.batches() for event in events]


def text(events: Sequence[Event]) -> str:
    """The answer."""
    return "".join(event.text for event in events if isinstance(event, Delta))
