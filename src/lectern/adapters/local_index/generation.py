"""One published generation, open for reading: its connections, counts, spelling and matrix. Shared by threads."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lectern.adapters.lexicon.pages import PagesBySite, by_site
from lectern.adapters.lexicon.spelling import Spelling
from lectern.adapters.lexicon.words import Stemmer
from lectern.adapters.local_index import matrix, schema
from lectern.adapters.local_index.dense import Dense, load_dense
from lectern.adapters.local_index.postings import Postings
from lectern.ports import Page


@dataclass(frozen=True, slots=True)
class Reader:
    """What one thread searches with."""

    connection: sqlite3.Connection
    stemmer: Stemmer

    def close(self) -> None:
        """Give back the file and the memory."""
        self.connection.close()
        self.stemmer.close()


class Generation:
    """A generation that is open.

    Args:
        folder: Its folder.

    Raises:
        sqlite3.Error: It is gone or is no database.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._idle: list[Reader] = []
        self._retired = False
        self._pages: PagesBySite | None = None
        self._spelling: dict[str | None, Spelling] = {}
        self._dense: Dense | None = None
        self._dense_loaded = False
        self._postings: Postings | None = None
        # Documents, sections and different words by site.
        self.documents: dict[str, int] = {}
        self.sections: dict[str, int] = {}
        self.words: dict[str, int] = {}
        # Whose vectors it holds; None when it holds none.
        self.model: str | None = None
        self.readable = False
        connection = schema.open_read_only(folder)
        self._idle.append(Reader(connection, Stemmer()))
        try:
            self._count(connection)
        except sqlite3.Error:
            self.retire()
            raise

    def _count(self, connection: sqlite3.Connection) -> None:
        self.readable = schema.format_of(connection) == schema.FORMAT
        if self.readable:
            self.documents = dict(connection.execute("SELECT site, count(*) FROM documents GROUP BY site ORDER BY 1"))
            self.sections = dict(
                connection.execute(
                    "SELECT d.site, count(*) FROM sections s JOIN documents d ON d.id = s.document GROUP BY d.site"
                )
            )
            self.words = dict(connection.execute("SELECT site, count(*) FROM words GROUP BY site"))
            self.model = matrix.model_of(connection)

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A connection of this thread's own for the length of the block."""
        with self._lock:
            reader = self._idle.pop() if self._idle else None
        if reader is None:
            reader = Reader(schema.open_read_only(self.folder), Stemmer())
        try:
            yield reader
        finally:
            with self._lock:
                keep = not self._retired
                if keep:
                    self._idle.append(reader)
            if not keep:
                reader.close()

    def pages(self, connection: sqlite3.Connection, site: str | None) -> tuple[Page, ...]:
        """The pages of a site, or of all; read when they are asked for first."""
        with self._lock:
            if self._pages is None:
                rows = connection.execute("SELECT site, path, route, title, url FROM documents ORDER BY site, path")
                self._pages = by_site([Page(*row) for row in rows])
            return self._pages.get(site, ())

    def spelling(self, connection: sqlite3.Connection, site: str | None) -> Spelling:
        """The words of a site, or of all; read at the first question with an unknown word."""
        with self._lock:
            found = self._spelling.get(site)
        if found is None:
            found = Spelling(
                connection.execute(
                    "SELECT word, sum(sections) FROM words WHERE :site IS NULL OR site = :site GROUP BY word",
                    {"site": site},
                )
            )
            with self._lock:
                self._spelling[site] = found
        return found

    def dense(self, connection: sqlite3.Connection) -> Dense | None:
        """The vectors, or None when there are none; mapped at the first question that brings a vector."""
        with self._lock:
            if not self._dense_loaded:
                self._dense = load_dense(connection, self.folder)
                self._dense_loaded = True
            return self._dense

    def postings(self, connection: sqlite3.Connection) -> Postings:
        """The words by what they are said of; empty until a question brings a vector."""
        with self._lock:
            if self._postings is None:
                self._postings = Postings.of(connection)
            return self._postings

    def page_in(self) -> None:
        """Read the files once, so that the first search finds them in memory."""
        for file in self.folder.iterdir():
            with file.open("rb") as opened:
                while opened.read(1 << 20):
                    pass

    def retire(self) -> None:
        """Close what is idle now and the rest when it comes back."""
        with self._lock:
            self._retired = True
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.close()


def holds_pages(folder: Path) -> bool:
    """Whether a generation is of our format and holds a page. A look that opens nothing for good.

    Raises:
        sqlite3.Error: It is gone or is no database.
    """
    with closing(schema.open_read_only(folder)) as connection:
        return (
            schema.format_of(connection) == schema.FORMAT
            and connection.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is not None
        )
