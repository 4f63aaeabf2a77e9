"""Ports that sleep until a test wakes them, each in its own way of going on; everything in memory, nothing timed."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tests.scripted import FailingEmbeddings, FailingStore, FixedIndex, ScriptedLLM, hits, passage

from lectern.errors import LecternError
from lectern.ports import LLM, Completion, Hits, Part, Ports, Prompt, Turn, Vector

PARTS = ("store", "embeddings", "index", "rerank", "llm")
FOUND = hits(passage(1, "Reducers are pure."), passage(2, "Stores hold state."))


@dataclass(frozen=True, slots=True)
class Sleep:
    """How a part is found.

    Attributes:
        asleep: Whether it has to be woken; else it answers at once.
        error: How it fails, once it is awake.
    """

    asleep: bool = False
    error: Exception | None = None


@dataclass(slots=True)
class Bed:
    """Where parts sleep; a part that is awake stays awake.

    Attributes:
        asked: The parts that were asked, in order.
        cleaned_up: Those that were cancelled asleep, and had to await something to clean up.
    """

    sleeps: Mapping[str, Sleep]
    gates: dict[str, asyncio.Event] = field(default_factory=lambda: {part: asyncio.Event() for part in PARTS})
    asked: list[str] = field(default_factory=list)
    cleaned_up: list[str] = field(default_factory=list)

    async def ask(self, part: str) -> None:
        """Be this part: sleep, then fail or go on."""
        self.asked.append(part)
        sleep = self.sleeps.get(part, Sleep())
        if sleep.asleep:
            try:
                await self.gates[part].wait()
            except asyncio.CancelledError:
                await asyncio.sleep(0)
                self.cleaned_up.append(part)
                raise
        if sleep.error is not None:
            raise sleep.error

    def wake(self, part: str) -> None:
        """Wake a part."""
        self.gates[part].set()


class SleepyStore(FailingStore):
    """Conversations in memory."""

    def __init__(self, bed: Bed, *turns: Turn) -> None:
        self.bed = bed
        self.turns = list(turns)

    async def history(self, conversation_id: str, *, limit: int, principal_id: str | None = None) -> list[Turn]:
        """Sleep, then tell."""
        await self.bed.ask("store")
        return [turn for turn in self.turns if turn.conversation_id == conversation_id][-limit:]

    async def save_turn(self, turn: Turn) -> None:
        """Keep it."""
        self.turns.append(turn)


class SleepyEmbeddings(FailingEmbeddings):
    """One vector for everything."""

    def __init__(self, bed: Bed) -> None:
        self.bed = bed

    async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
        """Sleep, then embed."""
        await self.bed.ask("embeddings")
        return [(1.0, 0.0) for _ in texts]


class SleepyIndex(FixedIndex):
    """Finds always the same."""

    def __init__(self, bed: Bed) -> None:
        super().__init__(FOUND)
        self.bed = bed

    async def search(
        self, query: str, *, vector: Vector | None = None, limit: int = 5, site: str | None = None
    ) -> Hits:
        """Sleep, then find."""
        await self.bed.ask("index")
        return await super().search(query, vector=vector, limit=limit, site=site)


class SleepyReranker:
    """Keeps the order."""

    def __init__(self, bed: Bed) -> None:
        self.bed = bed

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """Sleep, then judge."""
        await self.bed.ask("rerank")
        return [1.0 for _ in texts]

    def describe(self) -> Part:
        """Scripted."""
        return Part("rerank", "scripted", "ok")

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


class SleepyLLM(ScriptedLLM):
    """Sleeps before its first word."""

    def __init__(self, bed: Bed, *pieces: str | Exception, hold: asyncio.Event | None = None) -> None:
        super().__init__(*pieces, hold=hold)
        self.bed = bed

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Sleep, then play the script."""
        await self.bed.ask("llm")
        async for item in super().stream(prompt):
            yield item


def sleepy_ports(
    bed: Bed, *turns: Turn, fallbacks: Sequence[LLM] = (), pieces: Sequence[str | Exception] = ()
) -> Ports:
    """Every part, as the bed has it; these turns are kept."""
    return Ports(
        store=SleepyStore(bed, *turns),
        index=SleepyIndex(bed),
        llm=SleepyLLM(bed, *(pieces or ("Reducers ", "are pure [1]."))),
        fallback_llms=tuple(fallbacks),
        embeddings=SleepyEmbeddings(bed),
        reranker=SleepyReranker(bed),
    )


def failing(error: LecternError) -> Sleep:
    """A part that fails at once."""
    return Sleep(error=error)
