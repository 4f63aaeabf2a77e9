"""Asks an index every question of a set and judges what it finds."""

from collections.abc import Callable, Sequence
from typing import Final

from lectern.evaluation.questions import Question
from lectern.evaluation.scoring import DEPTH, Evaluation, judge, summarise
from lectern.ports import Embeddings, Index, Vector

EMBEDDED_AT_ONCE: Final = 64
"""Questions in one call to the embedding model."""


async def evaluate(
    questions: Sequence[Question],
    index: Index,
    embeddings: Embeddings | None = None,
    *,
    min_confidence: float,
    site: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Search for every question, one after the other, and sum up.

    Args:
        questions: The labelled questions.
        index: Where to look.
        embeddings: Vectors for the questions; None means lexical retrieval only.
        min_confidence: The threshold below which a question counts as refused, 0 to 1.
        site: Look in this site only.
        progress: Called with `(done, total)` after each question.

    Raises:
        IndexUnavailable: The index cannot be read.
        UpstreamTimeout, UpstreamUnavailable, UpstreamRejected: The embedding model failed.
    """
    results = []
    vectors: list[Vector | None] = []
    for number, question in enumerate(questions):
        if embeddings is not None and number == len(vectors):
            batch = [asked.question for asked in questions[number : number + EMBEDDED_AT_ONCE]]
            vectors.extend(await embeddings.embed(batch, purpose="query"))
        vector = vectors[number] if embeddings is not None else None
        hits = await index.search(question.question, vector=vector, limit=DEPTH, site=site)
        results.append(judge(question, hits, min_confidence=min_confidence))
        if progress is not None:
            progress(number + 1, len(questions))
    return summarise(results, min_confidence=min_confidence)
