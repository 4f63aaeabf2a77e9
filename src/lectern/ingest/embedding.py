"""Gives a vector to each chunk that has none; what was embedded before, on whatever site, is never embedded again.

Several batches are under way at once, as many as the embedding model lets in, from the first pages read to the last
batch. What is done is committed as it grows, after the pages themselves, so that an interruption costs little.
"""

import logging
import math
import random
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from lectern.errors import LecternError
from lectern.ports import Embeddings, Index, IndexUpdate, Vector

log = logging.getLogger(__name__)

BATCH: Final = 64
"""Texts handed to the model at once; its adapter may cut them smaller."""

COMMIT: Final = 8 * BATCH
"""Chunks embedded between two commits: what an interruption costs at most, beside the batches under way."""

MOST_KEPT: Final = 8 * COMMIT
"""Vectors kept in memory, when a model is faster than the commits: 200 MB of 1,536 numbers each."""

AT_ONCE: Final = 16
"""Batches under way, unless a provider's limit is known; the model's adapter decides how many of them it works on."""

WAITING: Final = 2
"""Batches under way for each request that a provider works on: the next one is there when a request ends, also while
others wait for a busy provider or for a commit."""

ATTEMPTS: Final = 5
"""How often one batch is tried, if the failure may pass."""

LONGEST_WAIT_SECONDS: Final = 60.0
"""A provider that wants a longer pause ends the run; the next ingest goes on."""

FIRST_WAIT_SECONDS: Final = 1.0
"""Pause before the second attempt when the provider names none; each later one is twice as long."""

Pending = Sequence[tuple[str, str]]
"""Chunks without a vector, as `(key, text)`."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """What an embedding did.

    Attributes:
        done: Chunks that got a vector.
        left: Chunks that still have none.
        failure: Why it stopped before the end; the next run resumes there.
    """

    done: int = 0
    left: int = 0
    failure: LecternError | None = None


async def embed_missing(
    index: Index,
    site: str,
    embeddings: Embeddings,
    progress: Callable[[str, int, int], None],
    *,
    requests: int | None = None,
) -> Embedded:
    """Embed a site's chunks that have no vector of this model.

    No update is open while the model is asked, so another ingest never waits for a provider. A failure of the model
    ends the run and is part of the result: the lexical index stands without vectors.

    Args:
        index: Where the chunks are, and the vectors go.
        site: The site's name.
        embeddings: Gives vectors.
        progress: Told how far it is.
        requests: Requests that a provider works on at once; None for a model in this process.

    Raises:
        IndexUnavailable: The index cannot be read or written; what was committed before stands.
    """
    async with embedding(index, site, embeddings, progress, requests=requests) as run:
        await run.feed_rest()
    return run.result


@asynccontextmanager
async def embedding(
    index: Index,
    site: str,
    embeddings: Embeddings,
    progress: Callable[[str, int, int], None],
    *,
    requests: int | None = None,
) -> AsyncGenerator["Embedding"]:
    """An embedding that is fed in the block, and over when the block is left. For the arguments see `embed_missing`.

    Raises:
        IndexUnavailable: As for `embed_missing`.
    """
    run = Embedding(index, site, embeddings, progress)
    send, batches = anyio.create_memory_object_stream[Pending](math.inf)
    run.send = send.send_nowait
    try:
        with batches:
            async with anyio.create_task_group() as group:
                for _ in range(WAITING * requests if requests else AT_ONCE):
                    group.start_soon(run.work, batches)
                with send:
                    yield run
                    run.flush()
    except ExceptionGroup as failures:
        raise _first(failures) from None
    await run.commit()
    if run.failure is not None:
        log.warning("The embedding stopped: %s", run.failure.message)


@dataclass(slots=True)
class Embedding:
    """One embedding of one site, shared by the tasks that work on it."""

    index: Index
    site: str
    embeddings: Embeddings
    progress: Callable[[str, int, int], None]
    total: int = 0
    done: int = 0
    failure: LecternError | None = None
    send: Callable[[Pending], None] = field(default=lambda _: None)
    vectors: dict[str, Vector] = field(default_factory=dict)
    _fed: set[str] = field(default_factory=set)
    _short: list[tuple[str, str]] = field(default_factory=list)
    _pages_are_in: anyio.Event = field(default_factory=anyio.Event)
    _committing: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def result(self) -> Embedded:
        """What came of it so far."""
        return Embedded(self.done, self.total - self.done, self.failure)

    async def feed(self, update: IndexUpdate, paths: Sequence[str]) -> None:
        """Hand over what the pages just put are missing; their vectors wait until the update is committed."""
        if self.failure is None:
            self._take(await update.unembedded(self.embeddings.model, paths))

    async def feed_rest(self) -> None:
        """Hand over what else the site is missing. Called when its pages are committed, as no update may be open."""
        self._pages_are_in.set()
        async with self.index.update(self.site) as update:
            self._take(await update.unembedded(self.embeddings.model))
        if self.total:
            self.progress("embedding", self.done, self.total)

    def flush(self) -> None:
        """Hand over what was kept back to fill a commit."""
        for batch in _batches(self._short):
            self.send(batch)
        self._short = []

    async def work(self, batches: MemoryObjectReceiveStream[Pending]) -> None:
        """Embed batch after batch until there is none, or until one has failed for good."""
        async for batch in batches:
            if self.failure is not None:
                return
            try:
                found = await self._embed([text for _, text in batch])
            except LecternError as failure:
                self.failure = self.failure or failure
                return
            self.vectors |= {key: vector for (key, _), vector in zip(batch, found, strict=True)}
            self.done += len(batch)
            await self._settle()

    async def commit(self) -> None:
        """Put what is done into the index, while the others work on."""
        async with self._committing:
            vectors, self.vectors = self.vectors, {}
            if vectors:
                async with self.index.update(self.site) as update:
                    await update.put_vectors(vectors, self.embeddings.model)

    def _take(self, pending: Pending) -> None:
        new = [(key, text) for key, text in pending if key not in self._fed]
        self._fed.update(key for key, _ in new)
        self.total += len(new)
        self._short += new
        if len(self._short) >= COMMIT:
            self.flush()

    async def _settle(self) -> None:
        """Commit, when it is time and nobody does: the others go on asking the model meanwhile."""
        if len(self.vectors) >= MOST_KEPT:
            await self._pages_are_in.wait()
            await self.commit()
        if not self._pages_are_in.is_set():
            return
        self.progress("embedding", self.done, self.total)
        if len(self.vectors) >= COMMIT and not self._committing.locked():
            await self.commit()

    async def _embed(self, texts: Sequence[str]) -> list[Vector]:
        """One batch; what may pass is tried again after the pause that the provider asks for.

        Raises:
            LecternError: It failed for good, or another batch did.
        """
        attempt = 1
        while True:
            try:
                return await self.embeddings.embed(texts, purpose="document")
            except LecternError as failure:
                asked = failure.retry_after_seconds
                pause = asked if asked is not None else FIRST_WAIT_SECONDS * 2 ** (attempt - 1)
                hopeless = not failure.retryable or attempt == ATTEMPTS or pause > LONGEST_WAIT_SECONDS
                if hopeless or self.failure is not None:
                    raise
                log.info("Embedding waits %.1f s: %s", pause, failure.message)
            # Apart, so that the batches under way do not come back in one moment.
            await anyio.sleep(pause * random.uniform(1, 1.2))  # noqa: S311 - no secret hangs on it
            attempt += 1


def _batches(pending: Pending) -> Iterator[Pending]:
    """Batches of texts of like length, which cost a model least, in commits' worth, in reading order."""
    for start in range(0, len(pending), COMMIT):
        near = sorted(pending[start : start + COMMIT], key=lambda chunk: len(chunk[1]))
        for first in range(0, len(near), BATCH):
            yield near[first : first + BATCH]


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    """The first single failure of a group."""
    failure = failures.exceptions[0]
    return _first(failure) if isinstance(failure, ExceptionGroup) else failure
