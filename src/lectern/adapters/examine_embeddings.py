"""Whether the embedding model makes vectors, and of which length. Asked once, for all who compare with it."""

import asyncio
import time

from lectern.adapters.examine_openai import Names, refusal
from lectern.errors import LecternError
from lectern.ops.findings import Finding, milliseconds_since
from lectern.ports import Embeddings

_TEXT = "Is anybody there?"


class EmbeddingTrial:
    """One text, embedded at the first wish.

    Args:
        embeddings: The configured model.
        names: The settings that a provider's faults are mended with.
    """

    def __init__(self, embeddings: Embeddings, names: Names) -> None:
        self._embeddings = embeddings
        self._names = names
        self._asked: asyncio.Task[int | LecternError] | None = None

    async def examine(self) -> list[Finding]:
        """Whether there is a vector, and of which length."""
        kind, began = self._embeddings.describe().kind, time.monotonic()
        length = await self._result()
        took = milliseconds_since(began)
        if isinstance(length, LecternError):
            return [refusal(length, part="embeddings", what=kind, names=self._names)]
        return [Finding("embeddings", "ok", f"{kind} makes vectors of {length} dimensions, one in {took} ms")]

    async def dimensions(self) -> int | None:
        """The length of a vector; None when there is none."""
        length = await self._result()
        return None if isinstance(length, LecternError) else length

    async def close(self) -> None:
        """Stop asking, and give back connections."""
        if self._asked is not None:
            self._asked.cancel()
            await asyncio.wait([self._asked])
        await self._embeddings.close()

    async def _result(self) -> int | LecternError:
        if self._asked is None:
            self._asked = asyncio.create_task(self._ask())
        # Whoever stops waiting leaves it to the others.
        return await asyncio.shield(self._asked)

    async def _ask(self) -> int | LecternError:
        try:
            return len((await self._embeddings.embed([_TEXT], purpose="query"))[0])
        except LecternError as error:
            return error
