"""From a document to the points that stand for it. Blocks for its stemming; call it in a thread."""

from collections.abc import Iterator
from typing import Any, Final

from lectern.adapters.lexicon.pieces import (
    WINDOW_WORDS,
    around,
    embedded_text,
    passage_id,
    section_weight,
    vector_key,
    windows,
)
from lectern.adapters.lexicon.words import Stemmer
from lectern.adapters.qdrant_index import schema, sparse
from lectern.adapters.qdrant_index.rest import Point, SparseVector
from lectern.ports import Document, Passage, Section

PASSAGE_FIELDS: Final = (
    *("site", "document", "title", "route", "url", "anchor", "heading_path", "section", "text", "around"),
)


def points_of(site: str, document: Document, generation: int, stemmer: Stemmer) -> list[Point]:
    """All points of a document, living from a generation on, without embeddings."""
    life = {"site": site, "document": document.path, "since": generation, "until": schema.FOREVER}
    page = {
        "kind": "document",
        "title": document.title,
        "route": document.route,
        "url": document.url,
        "source": document.source,
        "digest": document.digest,
        "sections": [
            {"anchor": section.anchor, "heading_path": list(section.heading_path), "text": section.text}
            for section in document.sections
        ],
        "section_count": len(document.sections),
        "chunk_count": sum(len(section.chunks) for section in document.sections),
    }
    number = schema.point_id("document", site, document.path, generation)
    points = [Point(id=number, vector={}, payload=life | page)]
    for position in range(len(document.sections)):
        points += _section_points(document, position, life=life, stemmer=stemmer)
    return points


def passage(payload: dict[str, Any], score: float) -> Passage:
    """The passage around a chunk."""
    text = payload["around"] or payload["text"]
    return Passage(
        id=payload["section"],
        site=payload["site"],
        document=payload["document"],
        title=payload["title"],
        route=payload["route"],
        url=payload["url"],
        anchor=payload["anchor"],
        heading_path=tuple(payload["heading_path"]),
        text=text,
        quote=payload["text"] or text,
        score=score,
    )


def document_of(payload: dict[str, Any]) -> Document:
    """The document a point keeps, its sections without chunks."""
    return Document(
        path=payload["document"],
        title=payload["title"],
        route=payload["route"],
        url=payload["url"],
        source=payload["source"],
        digest=payload["digest"],
        sections=tuple(
            Section(part["anchor"], tuple(part["heading_path"]), part["text"], ()) for part in payload["sections"]
        ),
    )


def _section_points(document: Document, position: int, *, life: dict[str, Any], stemmer: Stemmer) -> Iterator[Point]:
    """One point a chunk, in order; a section without text has none, as there is nothing of it to read."""
    site, section = life["site"], document.sections[position]
    *parents, heading = section.heading_path or ("",)
    fields = {"title": document.title, "parents": " ".join(parents), "heading": heading}
    openings = _window_openings(section)
    long = len(section.text.split()) > WINDOW_WORDS
    for number, chunk in enumerate(section.chunks):
        vectors: dict[str, SparseVector] = {
            schema.CHUNK: sparse.weigh(fields | {"text": chunk}, stemmer, sparse.CHUNK_LENGTH)
        }
        if number in openings:
            window = fields | {"text": openings[number]}
            vectors[schema.WINDOW] = sparse.weigh(window, stemmer, sparse.WINDOW_LENGTH)
        text = around(section.chunks, number) if long else section.text
        # Marks alone make no words, and a vector of nothing is none.
        vectors = {name: vector for name, vector in vectors.items() if vector["indices"]}
        payload = life | {
            "kind": "chunk",
            "title": document.title,
            "route": document.route,
            "url": document.url,
            "anchor": section.anchor,
            "heading_path": list(section.heading_path),
            "section": passage_id(site, document.path, section.anchor),
            "place": [position, number],
            "weight": section_weight(section),
            "text": chunk,
            # Most sections are one chunk: their text is kept once.
            "around": "" if text == chunk else text,
            "key": vector_key(embedded_text(document.title, section.heading_path, chunk)),
            "embedded": 0,
        }
        place = (document.path, section.anchor, position, number, life["since"])
        yield Point(id=schema.point_id("chunk", site, *place), vector=vectors, payload=payload)


def _window_openings(section: Section) -> dict[int, str]:
    """`chunk that opens it → window`, for all windows of a section."""
    openings: dict[int, str] = {}
    chunk = 0
    for window in windows(section.chunks):
        openings[chunk] = window
        text = section.chunks[chunk]
        while len(text) < len(window):
            chunk += 1
            text = "\n\n".join((text, section.chunks[chunk]))
        chunk += 1
    return openings
