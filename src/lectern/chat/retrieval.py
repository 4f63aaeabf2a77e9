"""From words to passages: embed, search, rank. Only the index must be there; what else cannot be used is named."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from lectern.errors import LecternError
from lectern.ports import Hits, Ports, Reranker

CANDIDATES: Final = 20
"""Passages that are judged; measured, the answering section is among the first ten in 9 cases of 10."""

Trouble = Callable[[str, LecternError], object]
"""Told of a part that could not be used, and why."""


async def retrieve(
    query: str,
    ports: Ports,
    *,
    limit: int,
    site: str | None,
    trouble: Trouble,
    asking: Callable[[str], object] = lambda _: None,
) -> Hits:
    """The best passages.

    Without embeddings retrieval goes by words; without a reranker the index's order stands.

    Args:
        query: The words to search for.
        ports: Who is asked.
        limit: Passages at most.
        site: Search this site only; None means all.
        trouble: Told of each part that could not be used.
        asking: Told of each part before it is asked.

    Raises:
        IndexUnavailable: There is nothing to search in.
    """
    vector = None
    if ports.embeddings is not None:
        asking("embeddings")
        try:
            [vector] = await ports.embeddings.embed([query], purpose="query")
        except LecternError as error:
            trouble("embeddings", error)
    count = limit if ports.reranker is None else max(limit, CANDIDATES)
    asking("index")
    hits = await ports.index.search(query, vector=vector, limit=count, site=site)
    if hits.degraded is not None:
        trouble("index", hits.degraded)
    if ports.reranker is not None:
        asking("rerank")
        try:
            hits = await _ranked(hits, ports.reranker, query)
        except LecternError as error:
            trouble("rerank", error)
    return replace(hits, passages=hits.passages[:limit])


async def _ranked(hits: Hits, reranker: Reranker, query: str) -> Hits:
    """The candidates in the reranker's order, with its scores; of equals the index's order stands."""
    scores = await reranker.rerank(query, [f"{passage.label}\n{passage.text}" for passage in hits.passages])
    scored = [replace(passage, score=score) for passage, score in zip(hits.passages, scores, strict=True)]
    scored.sort(key=lambda passage: -passage.score)
    return replace(hits, passages=tuple(scored))
