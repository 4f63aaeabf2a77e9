"""What a site's words are and how telling each is: counted when an update is published, asked by every search."""

import json
import math
import sqlite3
from collections import Counter
from collections.abc import Collection
from typing import Final

from lectern.adapters.local_index.words import Stemmer, split_words

_DOCUMENT_FREQUENCIES: Final = (
    "SELECT stem, sum(sections) FROM stems WHERE stem IN (SELECT value FROM json_each(:stems)) "
    "AND (:site IS NULL OR site = :site) GROUP BY stem"
)


def count_words(connection: sqlite3.Connection, site: str) -> None:
    """Count anew, for one site, in how many sections each word and each stem stands."""
    words: Counter[str] = Counter()
    stems: Counter[str] = Counter()
    stemmer = Stemmer()
    rows = connection.execute(
        "SELECT d.title, s.heading_path, s.text FROM documents d JOIN sections s ON s.document = d.id WHERE d.site = ?",
        (site,),
    )
    for title, heading_path, text in rows:
        found = set(split_words(" ".join((title, *json.loads(heading_path), text))))
        words.update(found)
        stems.update(set(stemmer.stems(found).values()))
    stemmer.close()
    for table, counts in (("words", words), ("stems", stems)):
        connection.execute(_DELETE[table], (site,))
        connection.executemany(_INSERT[table], ((site, word, count) for word, count in sorted(counts.items())))


_DELETE: Final = {"words": "DELETE FROM words WHERE site = ?", "stems": "DELETE FROM stems WHERE site = ?"}
_INSERT: Final = {"words": "INSERT INTO words VALUES (?, ?, ?)", "stems": "INSERT INTO stems VALUES (?, ?, ?)"}


def document_frequencies(connection: sqlite3.Connection, stems: Collection[str], site: str | None) -> dict[str, int]:
    """In how many sections each stem stands; stems that stand nowhere are left out."""
    return dict(connection.execute(_DOCUMENT_FREQUENCIES, {"stems": json.dumps(sorted(stems)), "site": site}))


def idf(sections: int, containing: int) -> float:
    """How telling a stem is: BM25's inverse document frequency, never below 0 (Robertson and Zaragoza 2009, eq. 3.3).

    Args:
        sections: Number of sections searched.
        containing: Number of them that hold the stem.
    """
    return math.log1p((sections - containing + 0.5) / (containing + 0.5))
