"""Ports that do what a test tells them; for what the real parts cannot be made to do on demand."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Literal, TypeVar

from sqlalchemy import Connection

from lectern.errors import LecternError, StoreUnavailable
from lectern.ports import Completion, Document, Hits, IndexUpdate, Page, Part, Passage, Prompt, Turn, Usage, Vector

Result = TypeVar("Result")


class ScriptedLLM:
    """Says the given pieces, or raises at the given place; remembers what it was asked.

    Args:
        pieces: What it says, piece by piece; an exception among them is raised in its turn.
        hold: When given, it waits for this event before its second piece.
    """

    def __init__(self, *pieces: str | Exception, hold: asyncio.Event | None = None) -> None:
        self.pieces = pieces
        self.hold = hold
        self.prompts: list[Prompt] = []
        self.open = 0

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Play the script."""
        self.prompts.append(prompt)
        self.open += 1
        try:
            for number, piece in enumerate(self.pieces):
                if number == 1 and self.hold:
                    await self.hold.wait()
                if isinstance(piece, Exception):
                    raise piece
                yield piece
            yield Completion(usage=Usage(prompt_tokens=100, completion_tokens=len(self.pieces)))
        finally:
            self.open -= 1

    def describe(self) -> Part:
        """Scripted."""
        return Part("llm", "scripted", "ok", billed=True)

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


class FailingEmbeddings:
    """Embeddings that cannot be had."""

    model = "failing"

    def __init__(self, error: LecternError) -> None:
        self.error = error

    async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
        """Fail."""
        raise self.error

    def describe(self) -> Part:
        """Down."""
        return Part("embeddings", "failing", "down")

    async def warm(self) -> None:
        """Fail."""
        raise self.error

    async def close(self) -> None:
        """Nothing to do."""


class FixedIndex:
    """Finds always the same; remembers what was searched for."""

    def __init__(self, found: Hits | Exception) -> None:
        self.found = found
        self.queries: list[str] = []
        self.vectors: list[Vector | None] = []

    async def search(
        self, query: str, *, vector: Vector | None = None, limit: int = 5, site: str | None = None
    ) -> Hits:
        """Return what it was made with."""
        self.queries.append(query)
        self.vectors.append(vector)
        if isinstance(self.found, Exception):
            raise self.found
        return replace(self.found, passages=self.found.passages[:limit])

    async def document(self, site: str, route: str) -> Document | None:
        """It keeps no documents."""
        return None

    async def sites(self) -> dict[str, int]:
        """One site."""
        return {"docs": 1}

    async def pages(self, site: str | None = None) -> Sequence[Page]:
        """It keeps no documents."""
        return ()

    def update(self, site: str) -> AbstractAsyncContextManager[IndexUpdate]:
        """It cannot be changed."""
        raise AssertionError(site)

    def describe(self) -> Part:
        """Fixed."""
        return Part("index", "fixed", "ok")

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


class FailingStore:
    """A store that can be neither read nor written."""

    async def history(self, conversation_id: str, *, limit: int, principal_id: str | None = None) -> list[Turn]:
        """Fail."""
        raise StoreUnavailable

    async def turn(self, turn_id: str, *, principal_id: str | None = None) -> Turn:
        """Fail."""
        raise StoreUnavailable

    async def save_turn(self, turn: Turn) -> None:
        """Fail."""
        raise StoreUnavailable

    async def delete_conversation(self, conversation_id: str, *, principal_id: str | None = None) -> None:
        """Fail."""
        raise StoreUnavailable

    async def delete_conversations_of(self, principal_id: str) -> int:
        """Fail."""
        raise StoreUnavailable

    def describe(self) -> Part:
        """Down."""
        return Part("store", "failing", "down")

    def forget_connections(self) -> None:
        """Nothing to do."""

    async def warm(self) -> None:
        """Fail."""
        raise StoreUnavailable

    async def close(self) -> None:
        """Nothing to do."""


class FailingDatabase:
    """A database that cannot be used."""

    dialect = "sqlite"

    async def run(
        self, work: Callable[[Connection], Result], *, writes: bool = False, again: bool = False, hint: str = ""
    ) -> Result:
        """Fail."""
        raise StoreUnavailable

    def describe(self) -> Part:
        """Down."""
        return Part("store", "failing", "down")

    def forget_connections(self) -> None:
        """Nothing to do."""

    async def warm(self) -> None:
        """Fail."""
        raise StoreUnavailable

    async def close(self) -> None:
        """Nothing to do."""


def passage(number: int, text: str = "Some text.") -> Passage:
    """A passage of a page of its own."""
    return Passage(
        id=f"id{number}",
        site="docs",
        document=f"page-{number}.md",
        title=f"Page {number}",
        route=f"/page-{number}",
        url=f"https://docs.example/page-{number}",
        anchor="part",
        heading_path=("Part",),
        text=text,
        quote=text,
        score=1.0,
    )


def hits(*passages: Passage, confidence: float = 0.9) -> Hits:
    """A search result."""
    return Hits(passages, confidence)
