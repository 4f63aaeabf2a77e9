"""The control point: which generation of which collection is current, what it holds, and who may change it.

Who may change it is a lease, taken by a write that the server applies only while nobody else has it; a commit is
applied only while the lease is the writer's and the generation the one it started from. So of two updates in whatever
processes one waits, and one that was thought dead cannot overwrite its successor.
"""

import math
import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from lectern.adapters.qdrant_index import schema
from lectern.adapters.qdrant_index.connection import QdrantConnection
from lectern.adapters.qdrant_index.rest import Condition, Point
from lectern.errors import IndexUnavailable

LEASE_SECONDS: Final = 60
"""An update that was killed keeps the next one waiting this long; a living one renews it three times as often."""


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """What one site holds."""

    documents: int = 0
    sections: int = 0
    chunks: int = 0
    embedded: int = 0


@dataclass(frozen=True, slots=True)
class Control:
    """What the control point says.

    Attributes:
        collection: The collection's own name, behind the alias.
        generation: Readers see the points that live in it; 0 is empty.
        changed_at: When it became current, Unix seconds.
        model: The embedding model; empty when there are no vectors.
        dimensions: The vectors' length; 0 when there are none.
        sites: What each site holds.
    """

    collection: str
    generation: int = 0
    changed_at: int = 0
    model: str = ""
    dimensions: int = 0
    sites: dict[str, SiteCounts] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """As it is kept, the lease left out."""
        return asdict(self) | {"kind": "control", "format": schema.FORMAT}


def parse(name: str, payload: dict[str, Any] | None) -> Control:
    """Read a control point.

    Raises:
        IndexUnavailable: It is none, or of another version; the message says the way out.
    """
    if payload is None or payload.get("kind") != "control":
        raise IndexUnavailable(
            f"The Qdrant collection {name!r} was not made by Lectern; name another one in QDRANT_COLLECTION."
        )
    if payload["format"] != schema.FORMAT:
        raise IndexUnavailable(
            f"The Qdrant collection {name!r} was made by another version of Lectern; name another one in "
            "QDRANT_COLLECTION, or delete it, and ingest again."
        )
    return Control(
        collection=payload["collection"],
        generation=payload["generation"],
        changed_at=payload["changed_at"],
        model=payload["model"],
        dimensions=payload["dimensions"],
        sites={site: SiteCounts(**counts) for site, counts in payload["sites"].items()},
    )


async def read_control(connection: QdrantConnection, name: str, *, patient: bool = False) -> Control:
    """What is current behind an alias, or in a collection; `patient` as an update is, not a reader.

    Raises:
        NoCollection: There is none.
        IndexUnavailable: It cannot be read, or was not made by this version of Lectern.
    """
    ask = connection.write if patient else connection.read
    found = await ask(lambda client: client.retrieve(name, [schema.CONTROL_ID]))
    return parse(name, found[0].payload if found else None)


async def write_control(connection: QdrantConnection, control: Control) -> None:
    """Put a control point into a collection that nobody reads yet, with the lease free."""
    payload = control.payload() | {"holder": "", "expires": 0}
    point = Point(id=schema.CONTROL_ID, vector={}, payload=payload)
    await connection.write(lambda client: client.upsert(control.collection, [point]))


class Lease:
    """The right to change one collection.

    Args:
        connection: The server.
        collection: The collection's own name.
    """

    def __init__(self, connection: QdrantConnection, collection: str) -> None:
        self.collection = collection
        self._connection = connection
        self._holder = uuid.uuid4().hex
        self._renewed = 0.0

    async def take(self) -> bool:
        """Try to get it; False when another holds it."""
        self._renewed = time.monotonic()
        payload = {"holder": self._holder, "expires": _end()}
        await self._change(payload, schema.between("expires", at_most=int(time.time())))
        return await self._is_ours()

    async def renew(self) -> None:
        """Keep it for longer, also when it ran out and nobody took it.

        Raises:
            IndexUnavailable: Another took it, and it never comes back.
        """
        started = time.monotonic()
        payload = {"expires": _end()}
        await self._change(payload, schema.equals("holder", self._holder))
        if not await self._is_ours():
            raise _lost()
        self._renewed = started

    async def hold(self) -> None:
        """Make sure that it is ours for the length of the next write; to be called before each.

        Raises:
            IndexUnavailable: Another took it.
        """
        if time.monotonic() - self._renewed > LEASE_SECONDS / 3:
            await self.renew()

    async def commit(self, control: Control, before: int) -> None:
        """Make a generation current.

        Args:
            control: The new state of this collection.
            before: The generation that must be current still.

        Raises:
            IndexUnavailable: The lease was lost, or the write failed; whether it took effect shows at the next read.
        """
        ours = [schema.equals("holder", self._holder), schema.equals("generation", before)]
        await self._change(control.payload(), *ours)
        now = await read_control(self._connection, self.collection, patient=True)
        if now.generation != control.generation or not await self._is_ours():
            raise _lost()

    async def release(self) -> None:
        """Give it back; nothing happens when it was lost."""
        await self._change({"expires": 0}, schema.equals("holder", self._holder))

    async def _change(self, payload: dict[str, Any], *conditions: Condition) -> None:
        control = schema.every(schema.has_id([schema.CONTROL_ID]), *conditions)
        await self._connection.write(lambda client: client.set_payload(self.collection, payload, control))

    async def _is_ours(self) -> bool:
        found = await self._connection.write(
            lambda client: client.retrieve(self.collection, [schema.CONTROL_ID], ["holder", "expires"])
        )
        return bool(found) and found[0].payload.get("holder") == self._holder


def _lost() -> IndexUnavailable:
    return IndexUnavailable("Another update took this one's place; run it again.")


def _end() -> int:
    """When a lease that begins now runs out, Unix seconds: a whole second that is never too early."""
    return math.ceil(time.time()) + LEASE_SECONDS
