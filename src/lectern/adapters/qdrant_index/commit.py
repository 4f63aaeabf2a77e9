"""How an update becomes current: written where nobody looks yet, then seen as a whole.

In place, new points belong to the next generation and old ones are marked as gone in it; then the control point names
it. With vectors of another model or length, a new collection is made beside the old one, everything is copied into it,
and the alias is switched. Whatever ends this early leaves the current generation as it was; what it wrote is removed by
the next update.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import anyio.to_thread
from qdrant_client import models

from lectern.adapters.lexicon.words import Stemmer
from lectern.adapters.qdrant_index import schema
from lectern.adapters.qdrant_index.connection import CollectionExists, NoCollection, QdrantConnection
from lectern.adapters.qdrant_index.control import Control, Lease, SiteCounts, write_control
from lectern.adapters.qdrant_index.points import document_of, points_of
from lectern.adapters.qdrant_index.update import NAMED, QdrantUpdate, scroll, vectors_of
from lectern.adapters.qdrant_index.vocabulary import Words, words_of, words_point
from lectern.errors import IndexUnavailable
from lectern.ports import Document, Vector

log = logging.getLogger(__name__)

BATCH: Final = 64
"""Points in one write: below a megabyte with embeddings of 1,536 numbers."""

GRACE_SECONDS: Final = 30
"""What a reader may still be looking at is left alone this long; one search takes a tenth of it at most."""


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
        known = dict(update.vectors)
        if update.documents and not self._replaces:
            keys = {key for page in await self._points() for key in _keys([page]) if key not in known}
            known |= {key: vector async for key, vector in vectors_of(connection, self._base, keys)}
        await self._put_documents(known)
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

    async def _points(self) -> list[models.PointStruct]:
        documents = list(self._update.documents.values())
        return await anyio.to_thread.run_sync(_points_of_all, self._update.site, documents, self._next)

    async def _put_documents(self, known: dict[str, Vector]) -> None:
        points = await self._points()
        for point in points:
            payload = point.payload or {}
            vector = known.get(payload.get("key", "")) if payload["kind"] == "chunk" else None
            if vector is not None:
                point.vector = _with_meaning(point.vector, vector)
                payload["embedded"] = 1
        await put_points(self._connection, self._collection, points, self._lease)

    async def _put_vectors(self) -> None:
        """Give chunks that are there already their new vectors. A vector says the same in each generation."""
        keys = list(self._update.vectors)
        for start in range(0, len(keys), NAMED):
            named = schema.any_of("key", keys[start : start + NAMED])
            condition = schema.living(self._base.generation, ["chunk"], named)
            points = []
            async for record in scroll(self._connection, self._collection, condition, ["key"]):
                vector = list(self._update.vectors[(record.payload or {})["key"]])
                points.append(models.PointVectors(id=record.id, vector={schema.MEANING: vector}))
            await self._lease.take()
            for first in range(0, len(points), BATCH):
                batch = points[first : first + BATCH]
                await self._connection.write(
                    lambda client, batch=batch: client.update_vectors(self._collection, batch, wait=True)  # type: ignore[misc]  # bound
                )
                ids = [point.id for point in batch]
                await self._set_payload({"embedded": 1}, models.Filter(must=[models.HasIdCondition(has_id=ids)]))

    async def _words(self) -> Words:
        """The site's vocabulary after the update."""
        update = self._update
        words = Words()
        condition = schema.living(self._base.generation, ["words"], site=update.site)
        async for record in scroll(self._connection, self._base.collection, condition):
            words = words_of(record.payload or {})
        gone = await self._held(sorted(update.gone))
        await anyio.to_thread.run_sync(_recount, words, gone, list(update.documents.values()))
        return words

    async def _held(self, paths: Sequence[str]) -> list[Document]:
        found: list[Document] = []
        for start in range(0, len(paths), NAMED):
            named = schema.any_of("document", paths[start : start + NAMED])
            condition = schema.living(self._base.generation, ["document"], named, site=self._update.site)
            async for record in scroll(self._connection, self._base.collection, condition):
                found.append(document_of(record.payload or {}))  # noqa: PERF401 - an async comprehension reads worse
        return found

    async def _retire(self, words: Words) -> None:
        """Mark what the update replaces as gone in the next generation, and put the new vocabulary."""
        site, base = self._update.site, self._base
        gone = {"until": self._next}
        paths = sorted(self._update.gone)
        for start in range(0, len(paths), NAMED):
            named = schema.any_of("document", paths[start : start + NAMED])
            kinds = ["document", *schema.SEARCHED]
            await self._set_payload(gone, schema.living(base.generation, kinds, named, site=site))
        await self._set_payload(gone, schema.living(base.generation, ["words"], site=site))
        if words.sections:
            await put_points(self._connection, self._collection, [words_point(site, words, self._next)], self._lease)

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
            found = await self._connection.write(
                lambda client, condition=condition: client.count(self._collection, condition, exact=True)  # type: ignore[misc]  # bound
            )
            sites[site] = replace(held, embedded=found.count)
        return dict(sorted(sites.items()))

    async def _set_payload(self, payload: dict[str, Any], condition: models.Filter) -> None:
        await self._connection.write(
            lambda client: client.set_payload(
                self._collection, payload, points=models.FilterSelector(filter=condition), wait=True
            )
        )

    async def _new_collection(self) -> None:
        """Make a collection for the new vectors beside the old one, and copy into it what lives."""
        number = schema.number_of(self._alias, self._base.collection) or 0
        name = schema.physical_name(self._alias, number + 1)
        await make_collection(self._connection, name, self._length)
        self._collection = name
        kinds = ["document", "words", *schema.SEARCHED]
        batch: list[models.PointStruct] = []
        everything = schema.living(self._base.generation, kinds)
        async for record in scroll(
            self._connection, self._base.collection, everything, vectors=(schema.CHUNK, schema.WINDOW)
        ):
            payload = dict(record.payload or {})
            if "embedded" in payload:
                payload["embedded"] = 0
            batch.append(models.PointStruct(id=record.id, vector=_copied(record.vector), payload=payload))
            if len(batch) >= BATCH:
                await put_points(self._connection, name, batch, self._lease)
                batch = []
        await put_points(self._connection, name, batch, self._lease)

    async def _switch(self, control: Control) -> None:
        """Point the alias at the new collection; readers of the old one keep it for a while."""
        await write_control(self._connection, control)
        if not await self._lease.take():
            raise lost()
        await point_alias(self._connection, self._alias, self._collection)


async def make_collection(connection: QdrantConnection, name: str, dimensions: int | None) -> None:
    """Make a collection in place of a leftover of its name.

    Raises:
        IndexUnavailable: Qdrant refuses.
    """
    try:
        await connection.write(lambda client: client.delete_collection(name))
    except NoCollection:
        log.debug("There was no leftover of %s", name)
    try:
        await connection.write(lambda client: schema.create(client, name, dimensions))
    except CollectionExists:
        # A repetition of a request whose answer was lost.
        log.info("%s was there already", name)
    await connection.write(lambda client: schema.create_indexes(client, name))


async def point_alias(connection: QdrantConnection, alias: str, collection: str) -> None:
    """Let the alias name a collection, in one step."""
    forget = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
    name = models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=collection, alias_name=alias))
    await connection.write(lambda client: client.update_collection_aliases([forget, name]))


async def put_points(
    connection: QdrantConnection, collection: str, points: Sequence[models.PointStruct], lease: Lease
) -> None:
    """Write points in batches, and keep the lease while it takes.

    Raises:
        IndexUnavailable: Qdrant refuses, or another update took the lease.
    """
    for start in range(0, len(points), BATCH):
        batch = list(points[start : start + BATCH])
        await connection.write(
            lambda client, batch=batch: client.upsert(collection, batch, wait=True)  # type: ignore[misc]  # bound
        )
    if points and not await lease.take():
        raise lost()


async def tidy(connection: QdrantConnection, alias: str, control: Control) -> None:
    """Remove what killed updates left, and what no reader looks at any more. Needs the lease."""
    collection, generation = control.collection, control.generation

    def selected(*conditions: models.FieldCondition) -> models.FilterSelector:
        return models.FilterSelector(filter=models.Filter(must=list(conditions)))

    staged = selected(schema.between("since", above=generation))
    await connection.write(lambda client: client.delete(collection, staged, wait=True))
    condemned = schema.between("until", above=generation, at_most=schema.FOREVER - 1)
    await connection.write(
        lambda client: client.set_payload(collection, {"until": schema.FOREVER}, points=selected(condemned), wait=True)
    )
    settled = time.time() - control.changed_at > GRACE_SECONDS
    if settled:
        dead = selected(schema.between("until", at_most=generation))
        await connection.write(lambda client: client.delete(collection, dead, wait=True))
    current = schema.number_of(alias, collection) or 0
    listed = await connection.write(lambda client: client.get_collections())
    for name in [found.name for found in listed.collections]:
        number = schema.number_of(alias, name)
        # The one before may have readers still; one beyond is what a killed update built.
        if number is not None and number != current and (settled or number > current):
            await connection.write(lambda client, name=name: client.delete_collection(name))  # type: ignore[misc]  # bound


def lost() -> IndexUnavailable:
    """What ends an update whose lease another has taken."""
    return IndexUnavailable("Another update took this one's place; run it again.")


def _points_of_all(site: str, documents: Iterable[Document], generation: int) -> list[models.PointStruct]:
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


def _keys(points: Iterable[models.PointStruct]) -> list[str]:
    return [payload["key"] for point in points if (payload := point.payload or {})["kind"] == "chunk"]


def _with_meaning(vectors: Any, meaning: Vector) -> Any:  # noqa: ANN401 - the client's type is a union of nine
    return {**vectors, schema.MEANING: list(meaning)}


def _copied(vectors: Any) -> Any:  # noqa: ANN401 - as above
    return vectors if isinstance(vectors, dict) else {}
