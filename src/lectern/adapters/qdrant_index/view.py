"""One generation as a reader sees it: its control point and its vocabulary, fetched once and shared by all searches."""

import threading
from typing import Final

from lectern.adapters.lexicon.pages import PagesBySite
from lectern.adapters.lexicon.words import Stemmer
from lectern.adapters.qdrant_index import schema
from lectern.adapters.qdrant_index.connection import QdrantConnection
from lectern.adapters.qdrant_index.control import Control
from lectern.adapters.qdrant_index.vocabulary import Words, together, words_of

MIN_COVERAGE: Final = 0.9
"""Below this share of chunks with a vector, words alone decide: a re-embed is seen when it is all but complete."""

_PAGE: Final = 16


class View:
    """A generation that is open.

    Args:
        control: What the control point said.
        words: The words of each site.

    Attributes:
        control: As given.
        pages: The pages of each site, and of all under None; None until they were asked for.
    """

    def __init__(self, control: Control, words: dict[str, Words]) -> None:
        self.control = control
        self._words: dict[str | None, Words] = dict(words.items())
        self._all = words
        self.pages: PagesBySite | None = None
        self._stemmers: list[Stemmer] = []
        self._lock = threading.Lock()

    def words(self, site: str | None) -> Words:
        """The vocabulary that a question to a site, or to all, is read against."""
        with self._lock:
            if site is None and None not in self._words:
                self._words[None] = together(self._all.values())
            return self._words.get(site) or Words()

    def compares(self, site: str | None, dimensions: int) -> bool:
        """Whether a vector of this length is compared with the chunks' vectors."""
        control = self.control
        searched = [counts for name, counts in control.sites.items() if site in (None, name)]
        chunks = sum(counts.chunks for counts in searched)
        embedded = sum(counts.embedded for counts in searched)
        return control.dimensions == dimensions > 0 and chunks > 0 and embedded >= MIN_COVERAGE * chunks

    def stemmer(self) -> Stemmer:
        """A stemmer for one thread; give it back."""
        with self._lock:
            return self._stemmers.pop() if self._stemmers else Stemmer()

    def give_back(self, stemmer: Stemmer) -> None:
        """Take a stemmer back."""
        with self._lock:
            self._stemmers.append(stemmer)

    def close(self) -> None:
        """Free the stemmers."""
        with self._lock:
            stemmers, self._stemmers = self._stemmers, []
        for stemmer in stemmers:
            stemmer.close()


async def read_view(connection: QdrantConnection, control: Control) -> View:
    """Fetch a generation's vocabulary.

    Raises:
        NoCollection: The collection was replaced in the meantime.
        IndexUnavailable: Qdrant cannot be asked.
    """
    condition = schema.living(control.generation, ["words"])
    words: dict[str, Words] = {}
    offset = None
    while True:
        records, offset = await connection.read(
            lambda client, start=offset: client.scroll(  # type: ignore[misc]  # mypy knows no type for the default
                control.collection, condition, limit=_PAGE, offset=start
            )
        )
        for record in records:
            words[record.payload["site"]] = words_of(record.payload)
        if offset is None:
            return View(control, words)
