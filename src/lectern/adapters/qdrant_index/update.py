"""One update of one site: gathered in memory, and written when it is committed.

Memory holds the changed pages and the new vectors only. What the site held is asked for when it is needed.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final

from lectern.adapters.lexicon.pieces import embedded_text, vector_key
from lectern.adapters.qdrant_index import schema
from lectern.adapters.qdrant_index.connection import QdrantConnection
from lectern.adapters.qdrant_index.control import Control
from lectern.adapters.qdrant_index.rest import Condition, Found
from lectern.ports import Counts, Document, Vector

SCROLLED: Final = 256
"""Points fetched in one request."""

NAMED: Final = 128
"""Keys or paths named in one filter."""


class QdrantUpdate:
    """An `IndexUpdate` in memory. `open` makes one.

    Attributes:
        site: The site that is changed.
        base: What was current when it was opened.
        documents: Pages to put, by path.
        gone: Paths held before that are taken out or replaced.
        vectors: New vectors by key.
        model: Their model.
    """

    def __init__(self, connection: QdrantConnection, base: Control, site: str, held: Mapping[str, Any]) -> None:
        self.site = site
        self.base = base
        self.documents: dict[str, Document] = {}
        self.gone: set[str] = set()
        self.vectors: dict[str, Vector] = {}
        self.model = ""
        self._connection = connection
        self._held = held

    @classmethod
    async def open(cls, connection: QdrantConnection, base: Control, site: str) -> "QdrantUpdate":
        """Find out what the site holds.

        Raises:
            IndexUnavailable: Qdrant cannot be asked.
        """
        held: dict[str, Any] = {}
        condition = schema.living(base.generation, ["document"], site=site)
        fields = ["document", "digest", "chunk_count", "section_count"]
        async for record in scroll(connection, base.collection, condition, fields):
            payload = record.payload
            held[payload["document"]] = payload
        return cls(connection, base, site, held)

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.documents or self.gone or self.vectors)

    @property
    def digests(self) -> Mapping[str, str]:
        """See `IndexUpdate.digests`; what this update has put and removed shows at once."""
        held = {path: payload["digest"] for path, payload in self._held.items() if path not in self.gone}
        return held | {path: document.digest for path, document in self.documents.items()}

    async def put(self, documents: Sequence[Document]) -> None:
        """See `IndexUpdate.put`. A document whose digest is the one held stays untouched."""
        for document in documents:
            self.documents.pop(document.path, None)
            held = self._held.get(document.path)
            if held is not None and held["digest"] == document.digest:
                self.gone.discard(document.path)
                continue
            if held is not None:
                self.gone.add(document.path)
            self.documents[document.path] = document

    async def remove(self, paths: Sequence[str]) -> None:
        """See `IndexUpdate.remove`. A path that is not held is passed over."""
        for path in paths:
            self.documents.pop(path, None)
            if path in self._held:
                self.gone.add(path)

    async def counts(self) -> Counts:
        """See `IndexUpdate.counts`."""
        held = [payload for path, payload in self._held.items() if path not in self.gone]
        pages = self.documents.values()
        return Counts(
            documents=len(held) + len(pages),
            sections=sum(page["section_count"] for page in held) + sum(len(page.sections) for page in pages),
            chunks=sum(page["chunk_count"] for page in held)
            + sum(len(section.chunks) for page in pages for section in page.sections),
        )

    async def unembedded(self, model: str) -> list[tuple[str, str]]:
        """See `IndexUpdate.unembedded`; each text says its page and headings first."""
        places: dict[str, tuple[str, list[int], str]] = {}
        conditions = [schema.equals("embedded", 0)] if model == self.base.model else []
        condition = schema.living(self.base.generation, ["chunk"], *conditions, site=self.site)
        fields = ["document", "place", "key", "title", "heading_path", "text"]
        async for record in scroll(self._connection, self.base.collection, condition, fields):
            payload = record.payload
            if payload["document"] not in self.gone:
                text = embedded_text(payload["title"], payload["heading_path"], payload["text"])
                places.setdefault(payload["key"], (payload["document"], payload["place"], text))
        staged = self._staged_texts()
        known = set(self.vectors) if model == self.model else set()
        if model == self.base.model:
            known |= await embedded_keys(self._connection, self.base, staged)
        ordered = sorted((places | staged).items(), key=lambda item: item[1])
        return [(key, text) for key, (_, _, text) in ordered if key not in known]

    async def put_vectors(self, vectors: Mapping[str, Vector], model: str) -> None:
        """See `IndexUpdate.put_vectors`. Vectors of another model go when the update is committed.

        Raises:
            ValueError: The vectors are of uneven length, or a second model is named in one update.
        """
        if not vectors:
            return
        if self.model not in {"", model}:
            raise ValueError("one update keeps the vectors of one model")
        lengths = {len(vector) for vector in (*vectors.values(), *list(self.vectors.values())[:1])}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError("vectors must be of one length")
        self.model = model
        self.vectors.update(vectors)

    def _staged_texts(self) -> dict[str, tuple[str, list[int], str]]:
        """`key → (path, place, text)` of the chunks that are put by this update."""
        staged: dict[str, tuple[str, list[int], str]] = {}
        for path, document in self.documents.items():
            for position, section in enumerate(document.sections):
                for number, chunk in enumerate(section.chunks):
                    text = embedded_text(document.title, section.heading_path, chunk)
                    staged.setdefault(vector_key(text), (path, [position, number], text))
        return staged


async def scroll(
    connection: QdrantConnection,
    collection: str,
    condition: Condition,
    fields: Sequence[str] = (),
    vectors: Sequence[str] = (),
) -> AsyncIterator[Found]:
    """All points that a filter lets through, a page at a time: with these fields, or all, and with these vectors.

    Raises:
        NoCollection: There is no such collection.
        IndexUnavailable: Qdrant cannot be asked.
    """
    offset: str | None = None
    while True:
        start = offset
        records, offset = await connection.write(
            lambda client, start=start: client.scroll(  # type: ignore[misc]  # a default binds the loop's value
                collection, condition, limit=SCROLLED, offset=start, fields=fields, vectors=vectors
            )
        )
        for record in records:
            yield record
        if offset is None:
            return


async def embedded_keys(connection: QdrantConnection, base: Control, keys: Iterable[str]) -> set[str]:
    """Which of these keys have a vector in the current generation, on whatever site."""
    return {key async for key, _ in vectors_of(connection, base, keys, with_vectors=False)}


async def vectors_of(
    connection: QdrantConnection, base: Control, keys: Iterable[str], *, with_vectors: bool = True
) -> AsyncIterator[tuple[str, Vector]]:
    """`(key, vector)` of the keys that have one in the current generation; the vector is empty when not asked for."""
    wanted = list(keys)
    if not base.dimensions:
        return
    for start in range(0, len(wanted), NAMED):
        named = schema.any_of("key", wanted[start : start + NAMED])
        condition = schema.living(base.generation, ["chunk"], named, schema.equals("embedded", 1))
        found = scroll(connection, base.collection, condition, ["key"], [schema.MEANING] if with_vectors else ())
        async for record in found:
            yield record.payload["key"], record.vectors.get(schema.MEANING, ())
