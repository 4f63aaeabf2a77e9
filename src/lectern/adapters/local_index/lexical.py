"""BM25 over chunks and windows: which sections hold the question's words. What decides where there are no vectors."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lectern.adapters.lexicon.question import Query

COLUMN_WEIGHTS: Final = {"title": 1.0, "parents": 2.0, "heading": 6.0}
"""A word in the page's title, in a heading above, in the section's own heading counts as often as these in the text."""

STOP_WORD_SHARE: Final = 0.4
"""Weight of a stop word's score; dropping them loses "how", "why" and "where", which headings of FAQs open with."""

CHUNK_SHARE: Final = 0.5
"""Share of the chunk's score in a section's; the window has the rest."""

MATCHED_CHUNKS: Final = 120
MATCHED_WINDOWS: Final = 80
"""How deep each table is read when words alone decide; enough for the ten best sections of either."""

_MATCHES: Final = """
SELECT p.section, p.id, m.score FROM (
    SELECT rowid AS id, -bm25({words}, :title, :parents, :heading, 1.0) AS score FROM {words} WHERE {words} MATCH :match
    {of_site} ORDER BY score DESC LIMIT :limit
) m JOIN {pieces} p ON p.id = m.id
"""
# The + keeps SQLite from asking the full-text table once for each row of the site.
_OF_SITE: Final = """AND +rowid IN (
        SELECT x.id FROM documents d JOIN sections s ON s.document = d.id JOIN {pieces} x ON x.section = s.id
        WHERE d.site = :site
    )"""


def _statement(pieces: str, words: str, *, of_site: bool) -> str:
    return _MATCHES.format(pieces=pieces, words=words, of_site=_OF_SITE.format(pieces=pieces) if of_site else "")


_CHUNKS: Final = {of_site: _statement("chunks", "chunk_words", of_site=of_site) for of_site in (False, True)}
_WINDOWS: Final = {of_site: _statement("windows", "window_words", of_site=of_site) for of_site in (False, True)}


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
    asked = COLUMN_WEIGHTS | {"site": site}

    def rows(statement: str, match: str, limit: int) -> Iterable[tuple[int, int, float]]:
        return connection.execute(statement, asked | {"match": match, "limit": limit})

    any_term = _any(term.word for term in query.looked_up)
    any_term_and_stop_word = f"({any_term}) AND ({_any(query.stop_words)})"
    chunks, windows = _CHUNKS[site is not None], _WINDOWS[site is not None]
    mass = query.mass
    for section, chunk, score in rows(chunks, any_term, MATCHED_CHUNKS):  # best first
        if section not in found:
            found[section] = Match(chunk, score / mass)
    together = rows(windows, any_term_and_stop_word, MATCHED_WINDOWS) if query.stop_words else ()
    with_stop_words = {window: score for _, window, score in together}
    for section, window, score in rows(windows, any_term, MATCHED_WINDOWS):
        match = found.get(section)
        if match is None:
            match = found[section] = Match()
        stop_words = with_stop_words.get(window, score) - score
        window_score = (score + STOP_WORD_SHARE * stop_words) / mass
        match.window_score = max(match.window_score, window_score)
    return found


def _any(words: Iterable[str]) -> str:
    """Matches rows that hold any of the words, in the syntax of the full-text tables."""
    # A word has nothing but letters and digits, so quoted it is never read as syntax.
    return " OR ".join(f'"{word}"' for word in words)
