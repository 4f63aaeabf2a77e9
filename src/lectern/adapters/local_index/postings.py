"""The words of a generation with vectors, in memory: which chunks and windows hold a word, and how well.

BM25 of several words is the sum of what each of them says (Robertson and Zaragoza 2009, eq. 3.15), so what SQLite once
said of a word serves every later question that has it. A search adds arrays up, where it would read a thousand rows one
by one and give the interpreter away at each: a third of a turn's processor time. numpy is there already where there are
vectors; without them the words are matched in SQL (`lexical.py`), to the same scores.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lectern.adapters.lexicon.question import Query
from lectern.adapters.local_index.lexical import COLUMN_WEIGHTS, STOP_WORD_SHARE, Match

if TYPE_CHECKING:
    from numpy.typing import NDArray

MATCHED_CHUNKS: Final = 400
MATCHED_WINDOWS: Final = 300
"""How many of the best are looked at: a section that is near, but was not read to, would count as holding no word.
Measured: 9 points of section@5 against the depth that is enough for words alone; deeper gains nothing."""

MOST_POSTINGS: Final = 500_000
"""How many a table keeps, 12 bytes each; words that were not asked for longest go first. A site of a thousand sections
has 150,000 of both tables together."""

_SCORES: Final = "SELECT rowid, -bm25({words}, :title, :parents, :heading, 1.0) FROM {words} WHERE {words} MATCH :match"
_PIECES: Final = (
    "SELECT p.id, p.section, d.site FROM {pieces} p JOIN sections s ON s.id = p.section "
    "JOIN documents d ON d.id = s.document"
)


class Table:
    """One full-text table and the pieces of text that its rows are of. Shared by threads.

    Args:
        connection: The generation.
        words: The full-text table.
        pieces: The table of the pieces.
    """

    def __init__(self, connection: sqlite3.Connection, words: str, pieces: str) -> None:
        import numpy as np  # noqa: PLC0415 - start-up does not pay for vectors it does not have

        rows = connection.execute(_PIECES.format(pieces=pieces)).fetchall()
        names = sorted({site for *_, site in rows})
        numbers = {site: number for number, site in enumerate(names)}
        self._sites = numbers
        self._sql = _SCORES.format(words=words)
        self._most = max((row for row, *_ in rows), default=0) + 1
        self.sections = np.full(self._most, -1, dtype=np.int64)
        self._site_of = np.full(self._most, -1, dtype=np.int32)
        for row, section, site in rows:
            self.sections[row], self._site_of[row] = section, numbers[site]
        self._postings: OrderedDict[str, tuple[NDArray[Any], NDArray[Any]]] = OrderedDict()
        self._kept = 0
        self._lock = threading.Lock()

    def scores(self, connection: sqlite3.Connection, words: Iterable[str], site: str | None) -> NDArray[Any]:
        """The BM25 score of each row, by its id; 0 for a row that holds none of the words, or is of another site."""
        import numpy as np  # noqa: PLC0415 - as above

        scores = np.zeros(self._most)
        for word in words:
            rows, told = self._posting(connection, word)
            scores[rows] += told
        if site is not None:
            scores[self._site_of != self._sites.get(site, -2)] = 0
        return scores

    def _posting(self, connection: sqlite3.Connection, word: str) -> tuple[NDArray[Any], NDArray[Any]]:
        with self._lock:
            found = self._postings.get(word)
            if found is not None:
                self._postings.move_to_end(word)
                return found
        found = self._read(connection, word)
        with self._lock:
            if word not in self._postings:
                self._postings[word] = found
                self._kept += len(found[0])
            while self._kept > MOST_POSTINGS and len(self._postings) > 1:
                _, (rows, _) = self._postings.popitem(last=False)
                self._kept -= len(rows)
        return found

    def _read(self, connection: sqlite3.Connection, word: str) -> tuple[NDArray[Any], NDArray[Any]]:
        import numpy as np  # noqa: PLC0415 - as above

        # A word has nothing but letters and digits, so quoted it is never read as syntax.
        found = connection.execute(self._sql, COLUMN_WEIGHTS | {"match": f'"{word}"'}).fetchall()
        return np.array([row for row, _ in found], dtype=np.int32), np.array([score for _, score in found], dtype=float)


@dataclass(frozen=True, slots=True)
class Postings:
    """Both full-text tables of a generation."""

    chunks: Table
    windows: Table

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> Postings:
        """Those of a generation; words are read when they are asked for."""
        return cls(Table(connection, "chunk_words", "chunks"), Table(connection, "window_words", "windows"))

    def matches(self, connection: sqlite3.Connection, query: Query, site: str | None) -> dict[int, Match]:
        """As `lexical_matches`, deeper."""
        found: dict[int, Match] = {}
        if not query.known:
            return found
        mass = query.mass
        terms = [term.word for term in query.looked_up]
        scores = self.chunks.scores(connection, terms, site)
        best = _best(scores, MATCHED_CHUNKS)
        for section, chunk, score in _rows(self.chunks.sections, best, scores):
            if section not in found:  # the best comes first
                found[section] = Match(chunk, score / mass)
        scores, lifted = self._window_scores(connection, terms, query.stop_words, site)
        best = _best(scores, MATCHED_WINDOWS)
        for section, _, score in _rows(self.windows.sections, best, lifted):
            match = found.get(section)
            if match is None:
                match = found[section] = Match()
            match.window_score = max(match.window_score, score / mass)
        return found

    def _window_scores(
        self, connection: sqlite3.Connection, terms: Collection[str], stop_words: Collection[str], site: str | None
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """The windows' scores by the terms alone, and with what stop words add to those that are then the best."""
        scores = self.windows.scores(connection, terms, site)
        if not stop_words:
            return scores, scores
        stops = self.windows.scores(connection, stop_words, site)
        together = scores + stops
        together[(scores == 0) | (stops == 0)] = 0
        best = _best(together, MATCHED_WINDOWS)
        lifted = scores.copy()
        lifted[best] += STOP_WORD_SHARE * stops[best]
        return scores, lifted


def _best(scores: NDArray[Any], most: int) -> NDArray[Any]:
    """The ids of the rows that score, best first, at most so many; of equals the first."""
    import numpy as np  # noqa: PLC0415 - as above

    (found,) = np.nonzero(scores)
    if len(found) > most:
        found = np.sort(found[np.argpartition(-scores[found], most - 1)[:most]])
    ordered: NDArray[Any] = found[np.argsort(-scores[found], kind="stable")]
    return ordered


def _rows(sections: NDArray[Any], rows: NDArray[Any], scores: NDArray[Any]) -> Iterable[tuple[int, int, float]]:
    """`(section, row, score)`, as Python's own numbers: taking single ones out of an array costs ten times as much."""
    return zip(sections[rows].tolist(), rows.tolist(), scores[rows].tolist(), strict=True)
