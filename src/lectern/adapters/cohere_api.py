"""Cohere's embeddings and its reranking, over its REST API (https://docs.cohere.com/reference/embed and /rerank, v2).

What comes back is checked before anybody uses it.
"""

import asyncio
import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Final, Literal

import anyio
import numpy as np

from lectern.adapters.no_answer import NoAnswer
from lectern.adapters.provider import Provider
from lectern.adapters.provider_outcome import Outcome
from lectern.adapters.vectors import batches, unit_rows
from lectern.ports import Part, Vector

MOST_TEXTS: Final = 96
"""Cohere embeds no more texts in one request."""

_INPUT_TYPES: Final = {"document": "search_document", "query": "search_query"}


class CohereEmbeddings:
    """Implements `lectern.ports.Embeddings`; a query and a document have vectors of their own kind.

    Args:
        provider: Whom to ask.
        model: Its name there, of version 3 or later.
        batch: Texts in one request, at most 96.
        batch_tokens: Tokens in one request, by estimate.
        requests: Requests for documents under way at once; questions do not wait for them.
        timeout_seconds: For one request.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        model: str,
        batch: int = 64,
        batch_tokens: int = 50_000,
        requests: int = 4,
        timeout_seconds: float = 20,
    ) -> None:
        self._provider = provider
        self._model = model
        self._batch = min(batch, MOST_TEXTS)
        self._batch_tokens = batch_tokens
        self._limiter = anyio.CapacityLimiter(requests)
        self._timeout_seconds = timeout_seconds
        self._outcome = Outcome("embeddings", "embedding model", f"Cohere {model}")

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model

    async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
        """Return one vector of unit length a text, in order."""
        if not texts:
            return []
        matrices = []
        with self._outcome.translated():
            for batch in batches(texts, most=self._batch, tokens=self._batch_tokens):
                async with nullcontext() if purpose == "query" else self._limiter:
                    matrices.append(await self._ask(batch, purpose))
            vectors: list[Vector] = np.concatenate(matrices).tolist()
        return vectors

    def describe(self) -> Part:
        """The model, and how the last call went."""
        return self._outcome.describe()

    async def warm(self) -> None:
        """Nothing: a connection is opened by the first call."""

    async def close(self) -> None:
        """Close all connections."""
        await self._provider.close()

    async def _ask(self, texts: Sequence[str], purpose: Literal["document", "query"]) -> np.ndarray[Any, Any]:
        body = {
            "model": self._model,
            # An empty text is refused; a space stands for it.
            "texts": [text or " " for text in texts],
            "input_type": _INPUT_TYPES[purpose],
            "embedding_types": ["float"],
            "truncate": "END",
        }
        async with asyncio.timeout(self._timeout_seconds):
            answer = await self._provider.post("/v2/embed", body)
        return unit_rows(answer["embeddings"]["float"], len(texts))


class CohereReranker:
    """Implements `lectern.ports.Reranker`.

    Args:
        provider: Whom to ask.
        model: Its name there.
        timeout_seconds: For one request; short, as the reader waits and the order without it is fair.
    """

    def __init__(self, provider: Provider, *, model: str, timeout_seconds: float = 3) -> None:
        self._provider = provider
        self._model = model
        self._timeout_seconds = timeout_seconds
        self._outcome = Outcome("rerank", "reranking model", f"Cohere {model}")

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return one relevance a text, 0 to 1, in the order of the texts."""
        if not texts:
            return []
        body = {"model": self._model, "query": query or " ", "documents": [text or " " for text in texts]}
        with self._outcome.translated():
            async with asyncio.timeout(self._timeout_seconds):
                answer = await self._provider.post("/v2/rerank", body)
            found = {result["index"]: float(result["relevance_score"]) for result in answer["results"]}
            if sorted(found) != list(range(len(texts))) or not all(map(math.isfinite, found.values())):
                raise NoAnswer("not one score a text")
        return [found[place] for place in range(len(texts))]

    def describe(self) -> Part:
        """The model, and how the last call went."""
        return self._outcome.describe()

    async def warm(self) -> None:
        """Nothing: a connection is opened by the first call."""

    async def close(self) -> None:
        """Close all connections."""
        await self._provider.close()
