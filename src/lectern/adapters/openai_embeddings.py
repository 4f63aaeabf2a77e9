"""An embedding model behind an OpenAI-shaped API.

What comes back is checked before anybody compares it: one vector a text, in their order, all of one length, every
number finite, and then made unit length.
"""

import asyncio
import base64
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Literal

import anyio
import numpy as np
from numpy.typing import NDArray

from lectern.adapters.no_answer import NoAnswer
from lectern.adapters.openai_api import REFUSED, kind_of
from lectern.adapters.provider import Provider, StatusError
from lectern.adapters.provider_outcome import Outcome
from lectern.adapters.vectors import batches, unit_rows
from lectern.ports import Part, Vector

_BASE64 = {"encoding_format": "base64"}
"""A quarter of the bytes, and of the work, of numbers in JSON."""

_BASE64_WORDS = ("encoding_format", "base64")
_NUMBERS = {"encoding_format": "float"}
"""For servers that know no base64."""


class OpenAIEmbeddings:
    """Implements `lectern.ports.Embeddings`.

    Args:
        provider: Whom to ask.
        model: The model's name there.
        batch: Texts in one request.
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
        self._batch = batch
        self._batch_tokens = batch_tokens
        self._limiter = anyio.CapacityLimiter(requests)
        self._timeout_seconds = timeout_seconds
        self._outcome = Outcome("embeddings", "embedding model", kind_of(provider, model))
        self._options = _BASE64

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model

    async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
        """Return one vector of unit length a text, in order; these models know no purposes."""
        if not texts:
            return []
        matrices = []
        with self._outcome.translated():
            for batch in batches(texts, most=self._batch, tokens=self._batch_tokens):
                async with (
                    nullcontext() if purpose == "query" else self._limiter,
                    asyncio.timeout(self._timeout_seconds),
                ):
                    answer = await self._ask(batch)
                matrices.append(unit_vectors(answer, len(batch)))  # the next request is under way meanwhile
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

    async def _ask(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - JSON
        """The answer to one request. An empty text, which the API refuses, is embedded as a space."""
        body = {"model": self._model, "input": [text or " " for text in texts]}
        try:
            return await self._provider.post("/embeddings", body | self._options)
        except StatusError as error:
            knows_no_base64 = error.status in REFUSED and any(word in error.complaint for word in _BASE64_WORDS)
            if self._options == _NUMBERS or not knows_no_base64:
                raise
            self._options = _NUMBERS
            return await self._provider.post("/embeddings", body | self._options)


def unit_vectors(answer: Any, count: int) -> NDArray[np.float32]:  # noqa: ANN401 - whatever the provider sent
    """The rows of an answer, in the order of the texts, made unit length.

    In the answer each is a list of numbers, or little-endian 32-bit floats in base64.

    Raises:
        NoAnswer, ValueError, TypeError, AttributeError, LookupError: They are not `count` rows of one length, with
            finite numbers that are not all zero.
    """
    data = sorted(answer["data"], key=lambda item: item["index"])
    if [item["index"] for item in data] != list(range(count)):
        raise NoAnswer("not one vector a text")
    return unit_rows([_numbers(item["embedding"]) for item in data], count)


def _numbers(embedding: Any) -> Any:  # noqa: ANN401 - a row as `unit_rows` takes and checks it
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")
    return embedding
