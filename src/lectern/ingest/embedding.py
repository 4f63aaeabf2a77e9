"""Gives a vector to each chunk that has none; what was embedded before is never embedded again."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lectern.errors import LecternError
from lectern.ports import Embeddings, Index, Vector

log = logging.getLogger(__name__)

BATCH: Final = 64
"""Texts handed to the model at once; its adapter may cut them smaller."""

COMMIT: Final = 8 * BATCH
"""Chunks embedded between two commits: what an interruption costs at most."""


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
    done = 0
    while done < len(pending):
        vectors: dict[str, Vector] = {}
        failure = await _embed(pending[done : done + COMMIT], embeddings, vectors)
        if vectors:
            async with index.update(site) as update:
                await update.put_vectors(vectors, embeddings.model)
        done += len(vectors)
        progress("embedding", done, len(pending))
        if failure is not None:
            log.warning("The embedding stopped: %s", failure.message)
            return Embedded(done, len(pending) - done, failure)
    return Embedded(done)


async def _embed(
    chunks: Sequence[tuple[str, str]], embeddings: Embeddings, vectors: dict[str, Vector]
) -> LecternError | None:
    """Fill `vectors` batch by batch; return the failure that ended it early."""
    for start in range(0, len(chunks), BATCH):
        batch = chunks[start : start + BATCH]
        try:
            found = await embeddings.embed([text for _, text in batch], purpose="document")
        except LecternError as failure:
            return failure
        vectors |= {key: vector for (key, _), vector in zip(batch, found, strict=True)}
    return None
