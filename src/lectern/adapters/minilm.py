"""Embeddings without a provider: all-MiniLM-L6-v2 in this process, encoded in threads of its own.

Nothing is opened before the first use, so it may be made before a fork; the weights are mapped, so workers share them.
"""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread

from lectern.adapters.minilm_model import MiniLM
from lectern.adapters.minilm_tensors import NotTheModel
from lectern.errors import UpstreamUnavailable
from lectern.ports import Part, State, Vector
from lectern.resilience.threads import processor_threads

logger = logging.getLogger(__name__)


class MiniLMEmbeddings:
    """Implements `lectern.ports.Embeddings`.

    Args:
        folder: Holds the model's files.
        model: Its name, which an index keeps beside its vectors.
        threads: Texts encoded at once; each takes about a core.
    """

    def __init__(self, folder: Path, *, model: str, threads: int = 2) -> None:
        self._folder = folder
        self._name = model
        self._limiter = processor_threads(threads)
        self._lock = threading.Lock()
        self._loaded: MiniLM | None = None
        self._state: State = "unknown"
        self._note = ""

    @property
    def model(self) -> str:
        """The model's name."""
        return self._name

    async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
        """Return one vector of unit length a text, in order; this model knows no purposes.

        Raises:
            UpstreamUnavailable: Its files cannot be read, or are of another model.
        """
        del purpose
        if not texts:
            return []
        return await anyio.to_thread.run_sync(self._encode, list(texts), limiter=self._limiter)

    def describe(self) -> Part:
        """The model, and whether it could be loaded."""
        return Part("embeddings", f"{self._name} in this process", self._state, self._note)

    async def warm(self) -> None:
        """Map the weights and encode a word, which reads in every page that a question needs.

        Raises:
            UpstreamUnavailable: As for `embed`.
        """
        await self.embed(["warm"], purpose="query")

    async def close(self) -> None:
        """Let go of the weights. A later call maps them again."""
        with self._lock:
            self._loaded = None

    def _encode(self, texts: list[str]) -> list[Vector]:
        vectors: list[Vector] = self._model().encode(texts).tolist()
        return vectors

    def _model(self) -> MiniLM:
        with self._lock:
            if self._loaded is None:
                try:
                    self._loaded = MiniLM(self._folder)
                except (OSError, NotTheModel) as error:
                    self._state, self._note = "down", "its files cannot be read"
                    logger.exception("The local embedding model cannot be loaded")
                    raise UpstreamUnavailable("The embedding model is not available right now.") from error
                self._state, self._note = "ok", ""
            return self._loaded
