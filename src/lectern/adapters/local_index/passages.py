"""From section numbers to passages and documents."""

import json
import sqlite3
from collections.abc import Collection, Sequence

from lectern.adapters.lexicon.pieces import WINDOW_WORDS, around, passage_id
from lectern.ports import Document, Passage, Section


def section_weights(connection: sqlite3.Connection, sections: Collection[int]) -> list[tuple[int, float]]:
    """`(section, weight)`, in the order of reading."""
    return connection.execute(
        "SELECT id, weight FROM sections WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(list(sections)),),
    ).fetchall()


def read_passages(connection: sqlite3.Connection, best: Sequence[tuple[int, int | None, float]]) -> tuple[Passage, ...]:
    """Passages of `(section, its best chunk or None, score)`, in the same order."""
    return tuple(_passage(connection, section, chunk, score) for section, chunk, score in best)


def read_document(connection: sqlite3.Connection, site: str, route: str) -> Document | None:
    """The document behind a route, its sections without chunks."""
    row = connection.execute(
        "SELECT id, path, title, url, source, digest FROM documents WHERE site = ? AND route = ? ORDER BY path",
        (site, route),
    ).fetchone()
    if row is None:
        return None
    number, path, title, url, source, digest = row
    sections = connection.execute(
        "SELECT anchor, heading_path, text FROM sections WHERE document = ? ORDER BY position", (number,)
    )
    return Document(
        path=path,
        title=title,
        route=route,
        url=url,
        source=source,
        digest=digest,
        sections=tuple(
            Section(anchor, tuple(json.loads(heading_path)), text, ()) for anchor, heading_path, text in sections
        ),
    )


def _passage(connection: sqlite3.Connection, section: int, chunk: int | None, score: float) -> Passage:
    site, path, title, route, url, anchor, heading_path, text = connection.execute(
        "SELECT d.site, d.path, d.title, d.route, d.url, s.anchor, s.heading_path, s.text "
        "FROM sections s JOIN documents d ON d.id = s.document WHERE s.id = ?",
        (section,),
    ).fetchone()
    chunks = connection.execute(
        "SELECT id, text FROM chunks WHERE section = ? ORDER BY position", (section,)
    ).fetchall()
    best = next((place for place, (number, _) in enumerate(chunks) if number == chunk), 0)
    if len(text.split()) > WINDOW_WORDS and chunks:
        text = around([piece for _, piece in chunks], best)
    return Passage(
        id=passage_id(site, path, anchor),
        site=site,
        document=path,
        title=title,
        route=route,
        url=url,
        anchor=anchor,
        heading_path=tuple(json.loads(heading_path)),
        text=text,
        quote=chunks[best][1] if chunks else text,
        score=score,
    )
