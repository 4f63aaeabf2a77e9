"""How an update comes to the lease, on a collection that may have to be made first."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

import anyio

from lectern.adapters.qdrant_index import schema, writes
from lectern.adapters.qdrant_index.connection import CollectionExists, NoCollection, QdrantConnection
from lectern.adapters.qdrant_index.control import LEASE_SECONDS, Control, Lease, read_control, write_control
from lectern.errors import IndexUnavailable

log = logging.getLogger(__name__)

LEASE_POLL_SECONDS: Final = 0.2
"""How often a waiting update looks whether the one before has ended."""

RELEASE_SECONDS: Final = 5
"""How long an update that ends waits for the server to take its lease back."""

MAKING_SECONDS: Final = 10
"""How long a collection without a control point is taken for one that another process is making."""


async def acquire(connection: QdrantConnection, alias: str) -> tuple[Lease, Control]:
    """The right to change what is current, and what that is; waits while another has it.

    Raises:
        IndexUnavailable: Qdrant cannot be asked or written, or the collection was not made by this version of Lectern.
    """
    while True:
        control = await _current(connection, alias)
        lease = Lease(connection, control.collection)
        try:
            if await lease.take():
                # It may have been replaced since it was looked up.
                now = await _current(connection, alias)
                if now.collection == control.collection:
                    return lease, now
                await lease.release()
        except BaseException:
            # Also one whose taking was cancelled before the answer came.
            await give_back(lease)
            raise
        await anyio.sleep(LEASE_POLL_SECONDS)


async def give_back(lease: Lease) -> None:
    """Release a lease at the end of an update, however it ends; one that cannot be released runs out."""
    with anyio.move_on_after(RELEASE_SECONDS, shield=True), suppress(IndexUnavailable, NoCollection):
        await lease.release()


async def keep(lease: Lease) -> None:
    """Renew a lease for as long as the update is open."""
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        with suppress(IndexUnavailable, NoCollection):
            await lease.renew()


async def _current(connection: QdrantConnection, alias: str) -> Control:
    """What is current; made, and empty, when there is nothing."""
    try:
        return await read_control(connection, alias)
    except NoCollection:
        log.info("There is no Qdrant collection %s yet", alias)
    first = schema.physical_name(alias, 1)
    try:
        await connection.write(lambda client: schema.create(client, first, None))
    except CollectionExists:
        await _wait_until_made(connection, first)
    else:
        await connection.write(lambda client: schema.create_indexes(client, first))
        await write_control(connection, Control(first))
    await writes.point_alias(connection, alias, first)
    return await read_control(connection, alias)


async def _wait_until_made(connection: QdrantConnection, name: str) -> None:
    """Another process makes the same collection; when it died over that, make the rest."""
    with anyio.move_on_after(MAKING_SECONDS):
        while True:
            with suppress(IndexUnavailable):
                await read_control(connection, name)
                return
            await anyio.sleep(LEASE_POLL_SECONDS)
    await writes.make_collection(connection, name, None)
    await write_control(connection, Control(name))
