"""BM25 over chunks and windows: which sections hold the question's words."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lectern.adapters.local_index.query import Query

COLUMN_WEIGHTS: Final = (1.0, 2.0, 6.0)
"""A word in the page's title, in a heading above, in the section's own heading counts as often as these in the text."""

STOP_WORD_SHARE: Final = 0.4
"""Weight of a stop word's score; dropping them loses "how", "why" and "where", which headings of FAQs open with."""

CHUNK_SHARE: Final = 0.5
"""Share of the chunk's score in a section's; the window has the rest."""

MATCHED_CHUNKS: Final = 120
MATCHED_WINDOWS: Final = 80
"""How deep each table is read; enough for the ten best sections of either."""

_CHUNKS: Final = """
SELECT c.section, c.id, m.score FROM (
    SELECT rowid AS id, -bm25(chunk_words, ?2, ?3, ?4, 1.0) AS score FROM chunk_words WHERE chunk_words MATCH ?1
    ORDER BY score DESC LIMIT ?5
) m JOIN chunks c ON c.id = m.id
"""
_WINDOWS: Final = """
SELECT w.section, w.id, m.score FROM (
    SELECT rowid AS id, -bm25(window_words, ?2, ?3, ?4, 1.0) AS score FROM window_words WHERE window_words MATCH ?1
    ORDER BY score DESC LIMIT ?5
) m JOIN windows w ON w.id = m.id
"""
# The + keeps SQLite from asking the full-text table once for each row of the site.
_CHUNKS_OF_SITE: Final = """
SELECT c.section, c.id, m.score FROM (
    SELECT rowid AS id, -bm25(chunk_words, ?2, ?3, ?4, 1.0) AS score FROM chunk_words WHERE chunk_words MATCH ?1
    AND +rowid IN (
        SELECT x.id FROM documents d JOIN sections s ON s.document = d.id JOIN chunks x ON x.section = s.id
        WHERE d.site = ?6
    ) ORDER BY score DESC LIMIT ?5
) m JOIN chunks c ON c.id = m.id
"""
_WINDOWS_OF_SITE: Final = """
SELECT w.section, w.id, m.score FROM (
    SELECT rowid AS id, -bm25(window_words, ?2, ?3, ?4, 1.0) AS score FROM window_words WHERE window_words MATCH ?1
    AND +rowid IN (
        SELECT x.id FROM documents d JOIN sections s ON s.document = d.id JOIN windows x ON x.section = s.id
        WHERE d.site = ?6
    ) ORDER BY score DESC LIMIT ?5
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
    of_site = [] if site is None else [site]

    def rows(statement: str, match: str, limit: int) -> Iterable[tuple[int, int, float]]:
        return connection.execute(statement, [match, *COLUMN_WEIGHTS, limit, *of_site])

    chunks = _CHUNKS if site is None else _CHUNKS_OF_SITE
    for section, chunk, score in rows(chunks, query.any_term, MATCHED_CHUNKS):
        match = found.setdefault(section, Match())
        if score / query.mass > match.chunk_score:
            match.chunk, match.chunk_score = chunk, score / query.mass
    windows = _WINDOWS if site is None else _WINDOWS_OF_SITE
    together = rows(windows, query.any_term_and_stop_word, MATCHED_WINDOWS) if query.stop_words else ()
    with_stop_words = {window: score for _, window, score in together}
    for section, window, score in rows(windows, query.any_term, MATCHED_WINDOWS):
        match = found.setdefault(section, Match())
        stop_words = with_stop_words.get(window, score) - score
        match.window_score = max(match.window_score, (score + STOP_WORD_SHARE * stop_words) / query.mass)
    return found
