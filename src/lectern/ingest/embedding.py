"""Gives a vector to each chunk that has none; what was embedded before, on whatever site, is never embedded again.

Several batches are under way at once, as many as the embedding model lets in, and what is done is committed as it
grows, so that an interruption costs little.
"""

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import anyio

from lectern.errors import LecternError
from lectern.ports import Embeddings, Index, Vector

log = logging.getLogger(__name__)

BATCH: Final = 64
"""Texts handed to the model at once; its adapter may cut them smaller."""

COMMIT: Final = 8 * BATCH
"""Chunks embedded between two commits: what an interruption costs at most, beside the batches under way."""

AT_ONCE: Final = 16
"""Batches under way; the model's adapter decides how many of them it works on."""

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
    index: Index, site: str, embeddings: Embeddings, progress: Callable[[str, int, int], None]
) -> Embedded:
    """Embed a site's chunks that have no vector of this model.

    No update is open while the model is asked, so another ingest never waits for a provider. A failure of the model
    ends the run and is part of the result: the lexical index stands without vectors.

    Raises:
        IndexUnavailable: The index cannot be read or written; what was committed before stands.
    """
    async with index.update(site) as update:
        pending = await update.unembedded(embeddings.model)
    if not pending:
        return Embedded()
    run = _Run(index, site, embeddings, progress, len(pending))
    progress("embedding", 0, len(pending))
    batches = _batches(pending)
    try:
        async with anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(run.work, batches)
    except ExceptionGroup as failures:
        raise _first(failures) from None
    await run.commit()
    if run.failure is not None:
        log.warning("The embedding stopped: %s", run.failure.message)
    return Embedded(run.done, len(pending) - run.done, run.failure)


@dataclass(slots=True)
class _Run:
    """One embedding of one site, shared by the tasks that work on it."""

    index: Index
    site: str
    embeddings: Embeddings
    progress: Callable[[str, int, int], None]
    total: int
    done: int = 0
    failure: LecternError | None = None
    vectors: dict[str, Vector] = field(default_factory=dict)
    committing: anyio.Lock = field(default_factory=anyio.Lock)

    async def work(self, batches: Iterator[Pending]) -> None:
        """Embed batch after batch until there is none, or until one has failed for good."""
        for batch in batches:
            try:
                found = await self._embed([text for _, text in batch])
            except LecternError as failure:
                self.failure = self.failure or failure
            else:
                self.vectors |= {key: vector for (key, _), vector in zip(batch, found, strict=True)}
                self.done += len(batch)
                self.progress("embedding", self.done, self.total)
                if len(self.vectors) >= COMMIT:
                    await self.commit()
            if self.failure is not None:
                return

    async def commit(self) -> None:
        """Put what is done into the index, while the others work on."""
        async with self.committing:
            vectors, self.vectors = self.vectors, {}
            if vectors:
                async with self.index.update(self.site) as update:
                    await update.put_vectors(vectors, self.embeddings.model)

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
