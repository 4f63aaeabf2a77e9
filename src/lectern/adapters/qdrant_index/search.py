"""One search: read the question, ask for chunks, windows and meaning in one request, fuse, fetch the best passages.

All in one generation of one collection. Scores are fused here and not by Qdrant's rank fusion: the confidence needs
them, and absolute scores fuse better than ranks do.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import anyio.to_thread

from lectern.adapters.lexicon.confidence import Figures, confidence
from lectern.adapters.lexicon.question import Query, Term, read_question
from lectern.adapters.lexicon.words import split_words
from lectern.adapters.qdrant_index import points, rest, schema, sparse
from lectern.adapters.qdrant_index.connection import QdrantConnection
from lectern.adapters.qdrant_index.view import View
from lectern.ports import Hits, Passage, Vector

Place = tuple[str, str, int]
"""A section: its site, document and position; two may share an anchor."""

DENSE_SHARE: Final = 0.6
"""Share of the cosine in a fused score; the lexical score has the rest. Measured: flat between 0.5 and 0.7."""

STOP_WORD_SHARE: Final = 0.4
"""Weight of a stop word's score."""

CHUNK_SHARE: Final = 0.5
"""Share of the chunk's score in a section's; the window has the rest."""

MATCHED_CHUNKS: Final = 120
MATCHED_WINDOWS: Final = 80
MATCHED_MEANINGS: Final = 200
"""How many of each are looked at; enough for the ten best sections. Only ids and weights are sent of them."""

MARGIN_RANK: Final = 10
"""The place that the best section's margin is measured to."""


@dataclass(slots=True)
class Found:
    """A section on its way into a result.

    Attributes:
        point: The chunk that matches best, or one that opens a window.
        weight: The factor on its scores.
        place: Where it stands; of equals the first is shown first.
        chunk: BM25 of the best chunk.
        window: BM25 of the best window.
        cosine: Of the nearest chunk, None when it is not among the nearest.
    """

    point: str
    weight: float
    place: Place
    chunk: float = 0.0
    window: float = 0.0
    cosine: float | None = None
    lexical: float = 0.0
    score: float = 0.0


@dataclass(slots=True)
class Asked:
    """A question, read: its figures and what is asked of Qdrant for it."""

    query: Query
    site: str | None
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)


def read(view: View, text: str, vector: Vector | None, site: str | None) -> Asked:
    """Read a question; blocks, so call it in a thread."""
    stemmer = view.stemmer()
    try:
        asked = Asked(read_question(text, stemmer, view.words(site)), site)
        terms = [(stem, 1.0) for stem in stemmer.stems(term.word for term in asked.query.looked_up).values()]
        if terms:
            asked.requests["chunks"] = _request(view, site, schema.CHUNK, sparse.ask(terms), MATCHED_CHUNKS)
            asked.requests["windows"] = _request(view, site, schema.WINDOW, sparse.ask(terms), MATCHED_WINDOWS)
            stop_words = [(stem, STOP_WORD_SHARE) for stem in stemmer.stems(asked.query.stop_words).values()]
            if stop_words:
                question = sparse.ask([*stop_words, *terms])
                asked.requests["together"] = _request(view, site, schema.WINDOW, question, MATCHED_WINDOWS)
    finally:
        view.give_back(stemmer)
    if vector is not None and view.compares(site, len(vector)) and all(map(math.isfinite, vector)):
        nearest = list(map(float, vector))
        asked.requests["meanings"] = _request(view, site, schema.MEANING, nearest, MATCHED_MEANINGS)
    return asked


async def run(connection: QdrantConnection, view: View, asked: Asked, limit: int) -> Hits:
    """Answer a question that was read.

    Raises:
        NoCollection: The collection was replaced in the meantime.
        IndexUnavailable: Qdrant cannot be asked.
    """
    if not asked.requests:
        return Hits((), 0.0)
    responses = await connection.read(
        lambda client: client.query(view.control.collection, list(asked.requests.values()))
    )
    answers = dict(zip(asked.requests, responses, strict=True))
    ranked = _rank(answers, asked.query)
    passages = await _passages(connection, view, ranked[: max(limit, 1)])
    if not passages:
        return Hits((), 0.0)
    shown = passages[: max(limit, 0)]
    figures = await anyio.to_thread.run_sync(_figures, view, asked.query, ranked, passages[0])
    return Hits(shown, confidence(figures))


def _request(
    view: View, site: str | None, using: str, vector: rest.SparseVector | list[float], limit: int
) -> dict[str, Any]:
    return rest.search(
        vector,
        using=using,
        condition=schema.living(view.control.generation, ["chunk"], site=site),
        limit=limit,
        fields=["site", "document", "place", "weight"],
    )


def _rank(answers: dict[str, list[rest.Found]], query: Query) -> list[Found]:
    """All sections that match, best first."""
    found: dict[Place, Found] = {}
    with_stop_words = {point.id: point.score for point in answers.get("together", ())}
    for point in answers.get("chunks", ()):
        section = _section(found, point)
        if point.score > section.chunk:
            section.point, section.chunk = point.id, point.score
    for point in answers.get("windows", ()):
        section = _section(found, point)
        section.window = max(section.window, with_stop_words.get(point.id, point.score))
    for point in answers.get("meanings", ()):
        section = _section(found, point)
        if section.cosine is None or point.score > section.cosine:
            section.point, section.cosine = point.id, point.score
    # A section outside the nearest is at most as near as the last of them.
    farthest = min((point.score for point in answers.get("meanings", ())), default=None)
    for section in found.values():
        bm25 = CHUNK_SHARE * section.chunk + (1 - CHUNK_SHARE) * section.window
        section.lexical = section.score = section.weight * bm25 / query.mass if query.mass else 0.0
        if farthest is not None:
            cosine = farthest if section.cosine is None else section.cosine
            section.score = DENSE_SHARE * section.weight * cosine + (1 - DENSE_SHARE) * section.lexical
    return sorted(found.values(), key=lambda section: (-section.score, section.place))


def _section(found: dict[Place, Found], point: rest.Found) -> Found:
    payload = point.payload
    place = (payload["site"], payload["document"], payload["place"][0])
    return found.setdefault(place, Found(point.id, payload["weight"], place))


async def _passages(connection: QdrantConnection, view: View, best: Sequence[Found]) -> tuple[Passage, ...]:
    ids = [section.point for section in best]
    records = await connection.read(lambda client: client.retrieve(view.control.collection, ids, points.PASSAGE_FIELDS))
    payloads = {record.id: record.payload for record in records}
    return tuple(
        points.passage(payloads[section.point], section.score) for section in best if section.point in payloads
    )


def _figures(view: View, query: Query, ranked: Sequence[Found], best: Passage) -> Figures:
    """The figures behind a result's confidence; those of the local index, whose scores these are by construction."""
    tenth = ranked[MARGIN_RANK - 1].score if len(ranked) >= MARGIN_RANK else 0.0
    top = ranked[0]
    stemmer = view.stemmer()
    try:
        words = split_words(" ".join((best.title, *best.heading_path, best.text)))
        stems = stemmer.stems([*words, *(term.word for term in query.known)])
    finally:
        view.give_back(stemmer)
    held = {stems[word] for word in words if word in stems}
    holds: list[Term] = [term for term in query.known if stems.get(term.word) in held]
    return Figures(
        coverage=query.share(holds),
        strength=top.lexical,
        known=query.share(query.known),
        margin=(top.score - tenth) / top.score if top.score > 0 else 0.0,
    )
