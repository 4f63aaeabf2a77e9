"""After the index has found candidates, a model that reads them puts them into order."""

from dataclasses import replace
from typing import Final

from lectern.ports import Hits, Index, Reranker, Vector

CANDIDATES: Final = 20
"""Passages that are judged; measured, the answering section is among the first ten in 9 cases of 10."""


async def find_candidates(
    index: Index, reranker: Reranker | None, query: str, vector: Vector | None, *, limit: int, site: str | None
) -> Hits:
    """What the index finds: as many as are wanted, or as many as a reranker should judge.

    Raises:
        IndexUnavailable: The index cannot be read.
    """
    count = limit if reranker is None else max(limit, CANDIDATES)
    return await index.search(query, vector=vector, limit=count, site=site)


async def rerank(hits: Hits, reranker: Reranker, query: str, *, limit: int) -> Hits:
    """The best of the candidates in the reranker's order, with its scores; of equals the index's order stands.

    Raises:
        UpstreamTimeout, UpstreamUnavailable, UpstreamRejected: It could not judge; the index's order still stands.
    """
    scores = await reranker.rerank(query, [f"{passage.label}\n{passage.text}" for passage in hits.passages])
    scored = [replace(passage, score=score) for passage, score in zip(hits.passages, scores, strict=True)]
    scored.sort(key=lambda passage: -passage.score)
    return Hits(tuple(scored[:limit]), hits.confidence)
