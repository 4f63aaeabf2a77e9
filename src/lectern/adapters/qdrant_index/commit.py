"""How an update becomes current: written where nobody looks yet, then seen as a whole.

In place, new points belong to the next generation and old ones are marked as gone in it; then the control point names
it. With vectors of another model or length, a new collection is made beside the old one, everything is copied into it,
and the alias is switched. Whatever ends this early leaves the current generation as it was; what it wrote is removed by
the next update.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import anyio.to_thread

from lectern.adapters.lexicon.words import Stemmer
from lectern.adapters.qdrant_index import schema, writes
from lectern.adapters.qdrant_index.connection import QdrantConnection
from lectern.adapters.qdrant_index.control import Control, Lease, SiteCounts, write_control
from lectern.adapters.qdrant_index.points import document_of, points_of
from lectern.adapters.qdrant_index.rest import Condition, Point
from lectern.adapters.qdrant_index.update import NAMED, QdrantUpdate, scroll, vectors_of
from lectern.adapters.qdrant_index.vocabulary import Words, words_of, words_point
from lectern.ports import Document, Vector


class Commit:
    """The commit of one update.

    Args:
        connection: The server.
        alias: The name readers know.
        lease: The right to change what is current.
        update: What to write.
    """

    def __init__(self, connection: QdrantConnection, alias: str, lease: Lease, update: QdrantUpdate) -> None:
        self._connection = connection
        self._alias = alias
        self._lease = lease
        self._update = update
        self._base = update.base
        self._next = update.base.generation + 1
        replaced = update.vectors and (update.model, self._length) != (self._base.model, self._base.dimensions)
        self._replaces = bool(replaced)
        self._collection = self._base.collection

    @property
    def _length(self) -> int:
        return len(next(iter(self._update.vectors.values()), ()))

    async def run(self) -> None:
        """Write it all and make it current.

        Raises:
            IndexUnavailable: Qdrant cannot be written, or the lease was lost; the old generation stays.
        """
        update, connection = self._update, self._connection
        if self._replaces:
            await self._new_collection()
        words = await self._words()
        points = await anyio.to_thread.run_sync(
            _points_of_all, update.site, list(update.documents.values()), self._next
        )
        known = dict(update.vectors)
        if update.documents and not self._replaces:
            keys = _keys(points) - known.keys()
            known |= {key: vector async for key, vector in vectors_of(connection, self._base, keys)}
        await self._put_documents(points, known)
        await self._put_vectors()
        if update.documents or update.gone:
            await self._retire(words)
        control = replace(
            self._base,
            collection=self._collection,
            generation=self._next,
            changed_at=int(time.time()),
            sites=await self._sites(words),
        )
        if self._replaces:
            await self._switch(replace(control, model=update.model, dimensions=self._length))
        else:
            await self._lease.commit(control, self._base.generation)

    async def _put_documents(self, points: Sequence[Point], known: dict[str, Vector]) -> None:
        for point in points:
            payload = point["payload"]
            vector = known.get(payload.get("key", "")) if payload["kind"] == "chunk" else None
            if vector is not None:
                point["vector"] = {**point["vector"], schema.MEANING: _numbers(vector)}
                payload["embedded"] = 1
        await writes.put_points(self._connection, self._collection, points, self._lease)

    async def _put_vectors(self) -> None:
        """Give chunks that are there already their new vectors. A vector says the same in each generation."""
        keys = list(self._update.vectors)
        for start in range(0, len(keys), NAMED):
            named = schema.any_of("key", keys[start : start + NAMED])
            condition = schema.living(self._base.generation, ["chunk"], named)
            vectors: dict[str, dict[str, list[float]]] = {}
            async for record in scroll(self._connection, self._collection, condition, ["key"]):
                vectors[record.id] = {schema.MEANING: _numbers(self._update.vectors[record.payload["key"]])}
            points = list(vectors)
            for first in range(0, len(points), writes.BATCH):
                batch = {point: vectors[point] for point in points[first : first + writes.BATCH]}
                await self._lease.hold()
                await self._connection.write(
                    lambda client, batch=batch: client.update_vectors(self._collection, batch)  # type: ignore[misc]  # bound
                )
                await self._set_payload({"embedded": 1}, schema.every(schema.has_id(batch)))

    async def _words(self) -> Words:
        """The site's vocabulary after the update."""
        update = self._update
        words = Words()
        condition = schema.living(self._base.generation, ["words"], site=update.site)
        async for record in scroll(self._connection, self._base.collection, condition):
            words = words_of(record.payload)
        gone = await self._held(sorted(update.gone))
        await anyio.to_thread.run_sync(_recount, words, gone, list(update.documents.values()))
        return words

    async def _held(self, paths: Sequence[str]) -> list[Document]:
        found: list[Document] = []
        for start in range(0, len(paths), NAMED):
            named = schema.any_of("document", paths[start : start + NAMED])
            condition = schema.living(self._base.generation, ["document"], named, site=self._update.site)
            async for record in scroll(self._connection, self._base.collection, condition):
                found.append(document_of(record.payload))  # noqa: PERF401 - an async comprehension reads worse
        return found

    async def _retire(self, words: Words) -> None:
        """Mark what the update replaces as gone in the next generation, and put the new vocabulary."""
        site, base = self._update.site, self._base
        gone = {"until": self._next}
        paths = sorted(self._update.gone)
        for start in range(0, len(paths), NAMED):
            named = schema.any_of("document", paths[start : start + NAMED])
            kinds = ["document", "chunk"]
            await self._set_payload(gone, schema.living(base.generation, kinds, named, site=site))
        await self._set_payload(gone, schema.living(base.generation, ["words"], site=site))
        if words.sections:
            await writes.put_points(
                self._connection, self._collection, [words_point(site, words, self._next)], self._lease
            )

    async def _sites(self, words: Words) -> dict[str, SiteCounts]:
        """What each site holds in the next generation."""
        counts = await self._update.counts()
        sites = dict(self._base.sites)
        sites[self._update.site] = SiteCounts(counts.documents, words.sections, counts.chunks)
        for site, held in list(sites.items()):
            if not held.documents:
                del sites[site]
                continue
            condition = schema.living(self._next, ["chunk"], schema.equals("embedded", 1), site=site)
            embedded = await self._connection.write(
                lambda client, condition=condition: client.count(self._collection, condition)  # type: ignore[misc]  # bound
            )
            sites[site] = replace(held, embedded=embedded)
        return dict(sorted(sites.items()))

    async def _set_payload(self, payload: dict[str, Any], condition: Condition) -> None:
        await self._lease.hold()
        await self._connection.write(lambda client: client.set_payload(self._collection, payload, condition))

    async def _new_collection(self) -> None:
        """Make a collection for the new vectors beside the old one, and copy into it what lives."""
        number = schema.number_of(self._alias, self._base.collection) or 0
        name = schema.physical_name(self._alias, number + 1)
        await writes.make_collection(self._connection, name, self._length)
        self._collection = name
        kinds = ["document", "words", "chunk"]
        batch: list[Point] = []
        everything = schema.living(self._base.generation, kinds)
        async for record in scroll(
            self._connection, self._base.collection, everything, vectors=(schema.CHUNK, schema.WINDOW)
        ):
            payload = record.payload | ({"embedded": 0} if "embedded" in record.payload else {})
            batch.append(Point(id=record.id, vector=record.vectors, payload=payload))
            if len(batch) >= writes.BATCH:
                await writes.put_points(self._connection, name, batch, self._lease)
                batch = []
        await writes.put_points(self._connection, name, batch, self._lease)

    async def _switch(self, control: Control) -> None:
        """Point the alias at the new collection; readers of the old one keep it for a while."""
        await write_control(self._connection, control)
        await self._lease.renew()
        await writes.point_alias(self._connection, self._alias, self._collection)


def _points_of_all(site: str, documents: Iterable[Document], generation: int) -> list[Point]:
    stemmer = Stemmer()
    try:
        return [point for document in documents for point in points_of(site, document, generation, stemmer)]
    finally:
        stemmer.close()


def _recount(words: Words, gone: Iterable[Document], put: Iterable[Document]) -> None:
    stemmer = Stemmer()
    try:
        words.count(gone, stemmer, -1)
        words.count(put, stemmer)
    finally:
        stemmer.close()


def _keys(points: Iterable[Point]) -> set[str]:
    return {payload["key"] for point in points if (payload := point["payload"])["kind"] == "chunk"}


def _numbers(vector: Vector) -> list[float]:
    """As JSON takes them: an array's own numbers are none of Python's."""
    return list(map(float, vector))
