"""What retrieval and ingest need from an index.

A *site* has *documents*. A document is cut into *sections* (a heading, its anchor and the text below it, up to the next
heading), a section into *chunks* of 50 to 80 words. Chunks are what is matched; the section around the best one is
what is read.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from lectern.errors import LecternError
from lectern.ports.embeddings import Vector
from lectern.ports.part import Part


def encode_route(path: str) -> str:
    """A path as it stands in a link: percent-encoded as JavaScript's `encodeURI` does, what is encoded already kept."""
    return quote(path, safe=";,/?:@&=+$!*'()#%")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the text below it, up to the next heading of any level.

    Attributes:
        anchor: The fragment that opens it, without `#`; empty for a page's lead.
        heading_path: Headings from the top of the page down to this one, the page's title left out; empty for the lead.
        text: Readable plain text, code included, the heading itself left out.
        chunks: The text in pieces of 50 to 80 words, in order; a piece of code counts by its words too.
    """

    anchor: str
    heading_path: tuple[str, ...]
    text: str
    chunks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One page, as ingest hands it to the index.

    Attributes:
        path: Path below the ingested folder, with `/`; unique in its site.
        title: The page's title.
        route: The page's path on its site, starting with `/`; percent-encoded.
        url: Where the page is read: the site's base URL and the route.
        source: The Markdown as it was written.
        digest: Hash of all that decides this document's rows: content, configuration, format version.
        sections: In reading order; the lead first when it has text.
    """

    path: str
    title: str
    route: str
    url: str
    source: str
    digest: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A document by what it is known by, without its text.

    Attributes:
        site: The site it belongs to.
        path: As in `Document`.
        route: As in `Document`.
        title: As in `Document`.
        url: As in `Document`.
    """

    site: str
    path: str
    route: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A section that retrieval returned, around the chunk that matched.

    Attributes:
        id: Stable as long as the section stays where it is.
        site: The site it belongs to.
        document: The document's path.
        title: The document's title.
        route: The document's route, starting with `/`.
        url: The page's address, without fragment.
        anchor: The section's fragment without `#`; empty for a page's lead.
        heading_path: As in `Section`.
        text: The section's text, or as much of it around the best chunk as a prompt should carry (at most ~400 words).
        quote: The chunk that matched best.
        score: Higher is better; comparable within one result only.
    """

    id: str
    site: str
    document: str
    title: str
    route: str
    url: str
    anchor: str
    heading_path: tuple[str, ...]
    text: str
    quote: str
    score: float

    @property
    def href(self) -> str:
        """The link that opens the very section."""
        return f"{self.url}#{self.anchor}" if self.anchor else self.url

    @property
    def label(self) -> str:
        """Where it stands, for people: `Page › Heading › Subheading`."""
        return " › ".join((self.title, *self.heading_path))


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search found.

    Attributes:
        passages: Distinct sections, best first.
        confidence: 0 to 1, how likely it is that they answer the query; compared with the setting `MIN_CONFIDENCE`.
        degraded: Why another index than the configured one was searched; None when the configured one was.
    """

    passages: tuple[Passage, ...]
    confidence: float
    degraded: LecternError | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a site holds."""

    documents: int = 0
    sections: int = 0
    chunks: int = 0


class IndexUpdate(Protocol):
    """One atomic change of one site; nothing of it is seen before it is committed."""

    @property
    def digests(self) -> Mapping[str, str]:
        """`path → digest` of the documents that the site holds now."""
        ...

    async def put(self, documents: Sequence[Document]) -> None:
        """Add the documents, each in place of the one with its path."""
        ...

    async def remove(self, paths: Sequence[str]) -> None:
        """Take the documents with these paths out."""
        ...

    async def counts(self) -> Counts:
        """How much the site holds now, this update's changes included."""
        ...

    async def unembedded(self, model: str, paths: Sequence[str] | None = None) -> list[tuple[str, str]]:
        """`(key, text)` of the chunks that have no vector of this model yet; of these documents only, when named.

        The key is a hash of the text, so an unchanged or repeated chunk is never embedded twice.
        """
        ...

    async def put_vectors(self, vectors: Mapping[str, Vector], model: str) -> None:
        """Keep vectors under the keys of `unembedded`."""
        ...


class Index(Protocol):
    """Finds the sections that answer a question."""

    async def search(
        self, query: str, *, vector: Vector | None = None, limit: int = 5, site: str | None = None
    ) -> Hits:
        """Find the best sections; of all sites unless one is named.

        Args:
            query: The reader's words, any length, any characters.
            vector: The query's embedding, when there is one.
            limit: How many passages at most.
            site: Look in this site only.

        Raises:
            IndexUnavailable: The index cannot be read.
        """
        ...

    async def document(self, site: str, route: str) -> Document | None:
        """The document behind a route, without its sections' chunks, or None.

        Raises:
            IndexUnavailable: The index cannot be read.
        """
        ...

    async def sites(self) -> dict[str, int]:
        """`site → number of documents`.

        Raises:
            IndexUnavailable: The index cannot be read.
        """
        ...

    async def pages(self, site: str | None = None) -> Sequence[Page]:
        """All documents of a site, or of all, in order of site and path: the very same object until the index changes.

        Raises:
            IndexUnavailable: The index cannot be read.
        """
        ...

    def update(self, site: str) -> AbstractAsyncContextManager[IndexUpdate]:
        """Open one atomic change of a site; leaving the block commits it, an exception discards it.

        Only one update is open at a time, in whatever process; a second one waits.
        An update that changed nothing writes nothing.
        """
        ...

    def describe(self) -> Part:
        """What stands behind this port, from memory."""
        ...

    async def warm(self) -> None:
        """Open the index and read its pages in."""
        ...

    async def close(self) -> None:
        """Give back files and connections."""
        ...
