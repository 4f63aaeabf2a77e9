"""What a site's words are and how telling each is: counted when an update is published, asked by every search."""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from lectern.adapters.lexicon.words import Stemmer, split_words
from lectern.adapters.local_index.generation import Generation

_DOCUMENT_FREQUENCIES: Final = (
    "SELECT stem, sum(sections) FROM stems WHERE stem IN (SELECT value FROM json_each(:stems)) "
    "AND (:site IS NULL OR site = :site) GROUP BY stem"
)

_SECTIONS_AT_ONCE: Final = 256
"""Sections whose new words are stemmed with one question; each costs SQLite a transaction."""


def count_words(connection: sqlite3.Connection, site: str) -> None:
    """Count anew, for one site, in how many sections each word and each stem stands."""
    words: Counter[str] = Counter()
    stems: Counter[str] = Counter()
    stem_of: dict[str, str] = {}
    stemmer = Stemmer()
    rows = connection.execute(
        "SELECT d.title, s.heading_path, s.text FROM documents d JOIN sections s ON s.document = d.id WHERE d.site = ?",
        (site,),
    )
    while batch := rows.fetchmany(_SECTIONS_AT_ONCE):
        sections = [set(split_words(" ".join((title, *json.loads(path), text)))) for title, path, text in batch]
        stem_of |= stemmer.stems(set().union(*sections) - stem_of.keys())
        for found in sections:
            words.update(found)
            stems.update({stem_of[word] for word in found if word in stem_of})
    stemmer.close()
    for table, counts in (("words", words), ("stems", stems)):
        connection.execute(_DELETE[table], (site,))
        connection.executemany(_INSERT[table], ((site, word, count) for word, count in sorted(counts.items())))


_DELETE: Final = {"words": "DELETE FROM words WHERE site = ?", "stems": "DELETE FROM stems WHERE site = ?"}
_INSERT: Final = {"words": "INSERT INTO words VALUES (?, ?, ?)", "stems": "INSERT INTO stems VALUES (?, ?, ?)"}


def document_frequencies(connection: sqlite3.Connection, stems: Collection[str], site: str | None) -> dict[str, int]:
    """In how many sections each stem stands; stems that stand nowhere are left out."""
    return dict(connection.execute(_DOCUMENT_FREQUENCIES, {"stems": json.dumps(sorted(stems)), "site": site}))


@dataclass(frozen=True, slots=True)
class SiteWords:
    """The words of one site, or of all, as a question is read against them.

    Args:
        generation: The generation that is searched.
        connection: A connection to it.
        site: The site's name; None means all.
    """

    generation: Generation
    connection: sqlite3.Connection
    site: str | None

    @property
    def sections(self) -> int:
        """How many sections are searched."""
        counts = self.generation.sections
        return sum(counts.values()) if self.site is None else counts.get(self.site, 0)

    @property
    def words(self) -> int:
        """How many different words they hold."""
        counts = self.generation.words
        return sum(counts.values()) if self.site is None else counts.get(self.site, 0)

    def frequencies(self, stems: Collection[str]) -> dict[str, int]:
        """In how many sections each stem stands; stems that stand nowhere are left out."""
        return document_frequencies(self.connection, stems, self.site)

    def correct(self, word: str) -> str | None:
        """The word of the site that was probably meant, or None."""
        return self.generation.spelling(self.connection, self.site).correct(word)
