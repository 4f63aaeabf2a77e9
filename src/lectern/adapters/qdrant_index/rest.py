"""Qdrant's REST calls, as far as Lectern makes them (https://api.qdrant.tech/api-reference, 1.10 and later).

Qdrant's own client imports gRPC, numpy and a pydantic model of everything there is: a second of each start and 40 MB in
each service, for fourteen calls. Bodies are plain JSON here; a test holds each against the models of that client.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict
from urllib.parse import quote

from lectern.adapters.qdrant_index.transport import Transport

_WAIT: Final = "?wait=true"
"""A write is answered when it can be seen."""

Condition = dict[str, Any]
"""What a point has to be; as a filter, `{"must": [condition, …]}`."""


class SparseVector(TypedDict):
    """Weights by the numbers of their terms, which ascend."""

    indices: list[int]
    values: list[float]


class Point(TypedDict):
    """A point to write, its vectors by name."""

    id: str
    vector: Mapping[str, SparseVector | list[float]]
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A point that was asked for.

    Attributes:
        id: Its id.
        payload: The fields that were asked for.
        vectors: Those that were asked for, by name.
        score: How well it matches; 0 where nothing was searched.
    """

    id: str
    payload: dict[str, Any]
    vectors: dict[str, Any]
    score: float = 0.0


class QdrantRest:
    """The calls to one server. Each raises what `Transport.call` does, and what comes of reading garbage.

    Args:
        transport: How it is reached.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def close(self) -> None:
        """Close all connections. It can be used again."""
        await self._transport.close()

    async def collections(self) -> list[str]:
        """The names of all collections."""
        return [found["name"] for found in (await self._transport.call("GET", "/collections"))["collections"]]

    async def vector_sizes(self, name: str) -> dict[str, int]:
        """The lengths of a collection's dense vectors by name."""
        vectors = (await self._transport.call("GET", _collection(name)))["config"]["params"].get("vectors") or {}
        # A collection that others made may have one vector without a name.
        named = {"": vectors} if "size" in vectors else vectors
        return {vector: int(params["size"]) for vector, params in named.items()}

    async def create(self, name: str, *, dense: Mapping[str, int], sparse: Sequence[str]) -> None:
        """Make a collection of one shard.

        Args:
            name: Its name.
            dense: Vectors compared by cosine, and their lengths.
            sparse: Vectors whose weights the server multiplies by their terms' IDF.
        """
        body = {
            "vectors": {vector: {"size": size, "distance": "Cosine"} for vector, size in dense.items()},
            "sparse_vectors": {vector: {"modifier": "idf"} for vector in sparse},
            "shard_number": 1,
        }
        await self._transport.call("PUT", _collection(name), body)

    async def delete_collection(self, name: str) -> None:
        """Delete a collection, if it is there."""
        await self._transport.call("DELETE", _collection(name))

    async def point_alias(self, alias: str, name: str) -> None:
        """Let an alias name a collection, and no other, in one step."""
        made = {"create_alias": {"collection_name": name, "alias_name": alias}}
        body = {"actions": [{"delete_alias": {"alias_name": alias}}, made]}
        await self._transport.call("POST", "/collections/aliases", body)

    async def create_index(self, name: str, field: str, kind: str) -> None:
        """Index a field of the payload: `keyword` or `integer`."""
        await self._transport.call(
            "PUT", f"{_collection(name)}/index{_WAIT}", {"field_name": field, "field_schema": kind}
        )

    async def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Write points, in place of those of the same ids."""
        await self._transport.call("PUT", f"{_collection(name)}/points{_WAIT}", {"points": list(points)})

    async def update_vectors(self, name: str, vectors: Mapping[str, Mapping[str, list[float]]]) -> None:
        """Give points, by id, these vectors on top of those they have."""
        points = [{"id": point, "vector": dict(named)} for point, named in vectors.items()]
        await self._transport.call("PUT", f"{_collection(name)}/points/vectors{_WAIT}", {"points": points})

    async def set_payload(self, name: str, payload: Mapping[str, Any], condition: Condition) -> None:
        """Set fields of the points that a filter lets through."""
        body = {"payload": dict(payload), "filter": condition}
        await self._transport.call("POST", f"{_collection(name)}/points/payload{_WAIT}", body)

    async def delete(self, name: str, condition: Condition) -> None:
        """Delete the points that a filter lets through."""
        await self._transport.call("POST", f"{_collection(name)}/points/delete{_WAIT}", {"filter": condition})

    async def retrieve(self, name: str, ids: Sequence[str], fields: Sequence[str] = ()) -> list[Found]:
        """Points by their ids, with these fields or all; those that are not there are left out."""
        body = {"ids": list(ids), "with_payload": list(fields) or True, "with_vector": False}
        return [_found(point) for point in await self._transport.call("POST", f"{_collection(name)}/points", body)]

    async def scroll(
        self,
        name: str,
        condition: Condition,
        *,
        limit: int,
        offset: str | None = None,
        fields: Sequence[str] = (),
        vectors: Sequence[str] = (),
    ) -> tuple[list[Found], str | None]:
        """A page of the points that a filter lets through, and where the next one begins; None after the last.

        Args:
            name: The collection.
            condition: The filter.
            limit: Points on a page.
            offset: Where it begins.
            fields: What of the payload; all when left out.
            vectors: Which vectors; none when left out.
        """
        body = {"filter": condition, "limit": limit, "with_payload": list(fields) or True}
        body["with_vector"] = list(vectors) or False
        if offset is not None:
            body["offset"] = offset
        page = await self._transport.call("POST", f"{_collection(name)}/points/scroll", body)
        return [_found(point) for point in page["points"]], page["next_page_offset"]

    async def count(self, name: str, condition: Condition) -> int:
        """How many points a filter lets through."""
        body = {"filter": condition, "exact": True}
        return int((await self._transport.call("POST", f"{_collection(name)}/points/count", body))["count"])

    async def query(self, name: str, searches: Sequence[Mapping[str, Any]]) -> list[list[Found]]:
        """Several searches in one request, each as `search` makes it: the points of each, best first."""
        body = {"searches": list(searches)}
        answers = await self._transport.call("POST", f"{_collection(name)}/points/query/batch", body)
        return [[_found(point) for point in answer["points"]] for answer in answers]


def search(
    vector: SparseVector | list[float], *, using: str, condition: Condition, limit: int, fields: Sequence[str]
) -> dict[str, Any]:
    """A search for the points nearest to a vector.

    Args:
        vector: What is looked for.
        using: The name of the vector that it is compared with.
        condition: The filter.
        limit: How many points.
        fields: What of their payload.
    """
    asked = {"query": {"nearest": vector}, "using": using}
    return asked | {"filter": condition, "limit": limit, "with_payload": list(fields)}


def _found(point: dict[str, Any]) -> Found:
    vectors = point.get("vector")
    return Found(
        id=str(point["id"]),
        payload=dict(point.get("payload") or {}),
        vectors=dict(vectors) if isinstance(vectors, dict) else {},
        score=float(point.get("score", 0)),
    )


def _collection(name: str) -> str:
    return f"/collections/{quote(name, safe='')}"
