"""Qdrant's own client as a server: it reads our requests with its models and carries them out in its local mode.

A body that its models do not know, or that they understand as something else, fails the test that sent it.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, RootModel
from qdrant_client import AsyncQdrantClient, models

from lectern.adapters.provider import StatusError
from lectern.adapters.qdrant_index.transport import Transport

Body = Mapping[str, Any]
M = TypeVar("M", bound=BaseModel)


class LocalTransport(Transport):
    """Carries each call out in memory. It blocks the loop, so it is for tests only."""

    def __init__(self) -> None:
        super().__init__("http://memory")
        self._engine = AsyncQdrantClient(":memory:")

    async def call(self, method: str, path: str, body: Body | None = None) -> Any:
        """One request, its answer as JSON would be."""
        path = re.fullmatch(r"/collections(.*?)(\?wait=true)?", path)[1]  # type: ignore[index]  # is ours
        name, _, rest = path.removeprefix("/").partition("/")
        try:
            match method, rest:
                case ("GET" | "PUT" | "DELETE", ""):
                    return await self._collection(method, name, body)
                case ("POST", "") if name == "aliases":
                    changes = read(models.ChangeAliasesOperation, body)
                    return await self._engine.update_collection_aliases(changes.actions)
                case ("PUT", "index"):  # the local mode makes none, and warns of it
                    return read(models.CreateFieldIndex, body)
                case ("PUT", _):
                    return await self._write(name, rest, body)
                case _:
                    return written(await getattr(self, f"_{rest.replace('/', '_')}")(name, body))
        except ValueError as error:
            if re.fullmatch(r"Collection \S+ not found", str(error)):
                raise StatusError(404) from error
            if re.fullmatch(r"Collection \S+ already exists", str(error)):
                raise StatusError(409) from error
            raise

    async def close(self) -> None:
        """Leave it open: other openings of the same index share it."""

    async def end(self) -> None:
        """Forget everything."""
        await self._engine.close()

    async def _collection(self, method: str, name: str, body: Body | None) -> Any:
        if not name:
            return written(await self._engine.get_collections())
        if method == "DELETE":
            return await self._engine.delete_collection(name)
        if method == "GET":
            return written(await self._engine.get_collection(name))
        asked = read(models.CreateCollection, body)
        return await self._engine.create_collection(
            name,
            vectors_config=asked.vectors,
            sparse_vectors_config=asked.sparse_vectors,
            shard_number=asked.shard_number,
        )

    async def _write(self, name: str, rest: str, body: Body | None) -> Any:
        if rest == "points":
            return written(await self._engine.upsert(name, read(models.PointsList, body).points))
        return written(await self._engine.update_vectors(name, read(models.UpdateVectors, body).points))

    async def _points_payload(self, name: str, body: Body) -> Any:
        asked = read(models.SetPayload, body)
        assert asked.filter is not None
        return await self._engine.set_payload(name, asked.payload, models.FilterSelector(filter=asked.filter))

    async def _points_delete(self, name: str, body: Body) -> Any:
        return await self._engine.delete(name, read(models.FilterSelector, body))

    async def _points(self, name: str, body: Body) -> Any:
        asked = read(models.PointRequest, body)
        return await self._engine.retrieve(name, asked.ids, asked.with_payload or False)

    async def _points_scroll(self, name: str, body: Body) -> Any:
        asked = read(models.ScrollRequest, body)
        assert asked.limit is not None
        records, following = await self._engine.scroll(
            name,
            asked.filter,
            limit=asked.limit,
            offset=asked.offset,
            with_payload=asked.with_payload or False,
            with_vectors=asked.with_vector or False,
        )
        return {"points": written(records), "next_page_offset": following}

    async def _points_count(self, name: str, body: Body) -> Any:
        asked = read(models.CountRequest, body)
        return await self._engine.count(name, asked.filter, exact=asked.exact or False)

    async def _points_query_batch(self, name: str, body: Body) -> Any:
        return await self._engine.query_batch_points(name, read(models.QueryRequestBatch, body).searches)


def read(model: type[M], body: Body | None) -> M:
    """A body as a model of the client's, which has to hold all of it and nothing else."""
    asked = model.model_validate(body)
    assert asked.model_dump(mode="json", by_alias=True, exclude_unset=True) == body
    return asked


def written(answer: Any) -> Any:
    """An answer as the server would send it."""
    return RootModel[Any](answer).model_dump(mode="json")
