"""Writes that concern a whole collection: made, named, filled in batches, cleared of what nobody reads."""

import logging
import time
from collections.abc import Sequence
from typing import Final

from lectern.adapters.qdrant_index import schema
from lectern.adapters.qdrant_index.connection import CollectionExists, NoCollection, QdrantConnection
from lectern.adapters.qdrant_index.control import Control, Lease
from lectern.adapters.qdrant_index.rest import Point

log = logging.getLogger(__name__)

BATCH: Final = 64
"""Points in one write: below a megabyte with embeddings of 1,536 numbers."""

GRACE_SECONDS: Final = 30
"""What a reader may still be looking at is left alone this long; one search takes a tenth of it at most."""


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
    await connection.write(lambda client: client.point_alias(alias, collection))


async def put_points(connection: QdrantConnection, collection: str, points: Sequence[Point], lease: Lease) -> None:
    """Write points in batches, and keep the lease while it takes.

    Raises:
        IndexUnavailable: Qdrant refuses, or another update took the lease.
    """
    for start in range(0, len(points), BATCH):
        batch = list(points[start : start + BATCH])
        await lease.hold()
        await connection.write(
            lambda client, batch=batch: client.upsert(collection, batch)  # type: ignore[misc]  # bound
        )


async def tidy(connection: QdrantConnection, alias: str, control: Control) -> None:
    """Remove what killed updates left, and what no reader looks at any more. Needs the lease."""
    collection, generation = control.collection, control.generation
    staged = schema.every(schema.between("since", above=generation))
    await connection.write(lambda client: client.delete(collection, staged))
    condemned = schema.every(schema.between("until", above=generation, at_most=schema.FOREVER - 1))
    await connection.write(lambda client: client.set_payload(collection, {"until": schema.FOREVER}, condemned))
    settled = time.time() - control.changed_at > GRACE_SECONDS
    if settled:
        dead = schema.every(schema.between("until", at_most=generation))
        await connection.write(lambda client: client.delete(collection, dead))
    current = schema.number_of(alias, collection) or 0
    for name in await connection.write(lambda client: client.collections()):
        number = schema.number_of(alias, name)
        # The one before may have readers still; one beyond is what a killed update built.
        if number is not None and number != current and (settled or number > current):
            await connection.write(lambda client, name=name: client.delete_collection(name))  # type: ignore[misc]  # bound
