"""BM25 over chunks and windows: which sections hold the question's words."""

import sqlite3
from dataclasses import dataclass
from typing import Final

from lectern.adapters.local_index.query import Query

TITLE_WEIGHT: Final = 1.0
HEADING_WEIGHT: Final = 4.0
"""A word in a heading counts as often as four in the text (measured between 1 and 8)."""

CHUNK_SHARE: Final = 0.5
"""Share of the chunk's score in a section's; the window has the rest."""

MATCHED_CHUNKS: Final = 200
MATCHED_WINDOWS: Final = 100
"""How deep each table is read; enough for the ten best sections of either."""

_CHUNKS: Final = """
SELECT c.section, c.id, m.score FROM (
    SELECT rowid AS id, -bm25(chunk_words, ?2, ?3, 1.0) AS score FROM chunk_words WHERE chunk_words MATCH ?1
    ORDER BY score DESC LIMIT ?4
) m JOIN chunks c ON c.id = m.id
"""
_WINDOWS: Final = """
SELECT w.section, w.id, m.score FROM (
    SELECT rowid AS id, -bm25(window_words, ?2, ?3, 1.0) AS score FROM window_words WHERE window_words MATCH ?1
    ORDER BY score DESC LIMIT ?4
) m JOIN windows w ON w.id = m.id
"""
# The + keeps SQLite from asking the full-text table once for each row of the site.
_CHUNKS_OF_SITE: Final = """
SELECT c.section, c.id, m.score FROM (
    SELECT rowid AS id, -bm25(chunk_words, ?2, ?3, 1.0) AS score FROM chunk_words WHERE chunk_words MATCH ?1
    AND +rowid IN (
        SELECT x.id FROM documents d JOIN sections s ON s.document = d.id JOIN chunks x ON x.section = s.id
        WHERE d.site = ?5
    ) ORDER BY score DESC LIMIT ?4
) m JOIN chunks c ON c.id = m.id
"""
_WINDOWS_OF_SITE: Final = """
SELECT w.section, w.id, m.score FROM (
    SELECT rowid AS id, -bm25(window_words, ?2, ?3, 1.0) AS score FROM window_words WHERE window_words MATCH ?1
    AND +rowid IN (
        SELECT x.id FROM documents d JOIN sections s ON s.document = d.id JOIN windows x ON x.section = s.id
        WHERE d.site = ?5
    ) ORDER BY score DESC LIMIT ?4
) m JOIN windows w ON w.id = m.id
"""


@dataclass(slots=True)
class Match:
    """What is known of one section.

    Attributes:
        chunk: The chunk that matches best, None when only the window was found.
        chunk_score: Its BM25 score over the query's idf mass.
        window_score: The same for the best window.
    """

    chunk: int | None = None
    chunk_score: float = 0.0
    window_score: float = 0.0

    @property
    def score(self) -> float:
        """The section's score, about 0 to 1.5."""
        return CHUNK_SHARE * self.chunk_score + (1 - CHUNK_SHARE) * self.window_score


def lexical_matches(connection: sqlite3.Connection, query: Query, site: str | None) -> dict[int, Match]:
    """`section → match` for the sections that hold the question's most telling words.

    Args:
        connection: The generation.
        query: The question.
        site: Only this site's sections; None when the index holds no other.
    """
    found: dict[int, Match] = {}
    if not query.known:
        return found
    arguments: list[object] = [query.match, TITLE_WEIGHT, HEADING_WEIGHT]
    of_site = [] if site is None else [site]
    chunks = _CHUNKS if site is None else _CHUNKS_OF_SITE
    for section, chunk, score in connection.execute(chunks, [*arguments, MATCHED_CHUNKS, *of_site]):
        match = found.setdefault(section, Match())
        if score / query.mass > match.chunk_score:
            match.chunk, match.chunk_score = chunk, score / query.mass
    windows = _WINDOWS if site is None else _WINDOWS_OF_SITE
    for section, _, score in connection.execute(windows, [*arguments, MATCHED_WINDOWS, *of_site]):
        match = found.setdefault(section, Match())
        match.window_score = max(match.window_score, score / query.mass)
    return found
