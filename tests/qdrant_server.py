"""Qdrant's REST calls, as far as Lectern makes them, answered by the real engine in this process.

The engine knows points, filters and vectors; collections and aliases are kept here. A server can be told to
fail: see `QdrantServer`.

    python -m tests.qdrant_server        # for load tests: the first line is the address; ends with SIGTERM
"""

import json
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import qdrant_edge as edge
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from tests.qdrant_words import SCHEMAS, filter_in, payload_in, vector_in, vectors_in, vectors_out

Body = dict[str, Any]


class Refused(Exception):
    """A status other than 200."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers


class Cut(Exception):
    """The connection breaks in the middle of the answer."""


class QdrantServer:
    """A running server.

    Attributes:
        url: Its address.
        key: The key it wants; empty for none.
        calls: How often each verb was called: `upsert`, `query`, `scroll` and so on.
        fault: Called with a verb before it is carried out; may raise `Refused` or `Cut`, or wait.
        after: The same, when it was carried out and before it is answered.
    """

    def __init__(self, folder: Path) -> None:
        self.url = ""
        self.key = ""
        self.calls: Counter[str] = Counter()
        self.fault: Callable[[str], None] | None = None
        self.after: Callable[[str], None] | None = None
        self._folder = folder
        self._lock = threading.Lock()
        self.collections: dict[str, edge.EdgeShard] = {}
        self.aliases: dict[str, str] = {}
        self._vectors_of: dict[str, Body] = {}

    def fresh_name(self) -> str:
        """A collection name nobody uses."""
        return f"test-{uuid.uuid4().hex[:12]}"

    def forget(self, name: str) -> None:
        """Delete an alias and all collections behind it."""
        with self._lock:
            self.aliases.pop(name, None)
            for collection in [found for found in self.collections if found.startswith(name)]:
                self._delete(collection)

    def carry_out(self, verb: str, name: str, body: Body, headers: dict[str, str]) -> Any:
        """One call, in a thread; the engine is asked by one thread at a time."""
        self.calls[verb] += 1
        if self.key and headers.get("api-key") != self.key:
            raise Refused(401, "Must provide an API key")
        if self.fault is not None:
            self.fault(verb)
        with self._lock:
            result = getattr(self, f"_{verb}")(name, body)
        if self.after is not None:
            self.after(verb)
        return result

    def _shard(self, name: str) -> edge.EdgeShard:
        found = self.collections.get(self.aliases.get(name, name))
        if found is None:
            raise Refused(404, f"Not found: Collection `{name}` doesn't exist!")
        return found

    def _list(self, _name: str, _body: Body) -> Any:
        return {"collections": [{"name": name} for name in self.collections]}

    def _create(self, name: str, body: Body) -> bool:
        if name in self.collections or name in self.aliases:
            raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
        vectors = {
            key: edge.EdgeVectorParams(size=value["size"], distance=getattr(edge.Distance, value["distance"]))
            for key, value in (body.get("vectors") or {}).items()
        }
        sparse = {key: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf) for key in body["sparse_vectors"]}
        path = self._folder / uuid.uuid4().hex
        path.mkdir()
        config = edge.EdgeConfig(vectors=vectors, sparse_vectors=sparse, wal_enabled=False)
        self.collections[name] = edge.EdgeShard.create(str(path), config)
        self._vectors_of[name] = body.get("vectors") or {}
        return True

    def _info(self, name: str, _body: Body) -> Body:
        """What a collection was made as, in the shape of `GET /collections/{name}`; the rest are Qdrant's defaults."""
        shard = self._shard(name)
        points = shard.count(edge.CountRequest(exact=True, filter=None))
        return {
            "status": "green",
            "optimizer_status": "ok",
            "segments_count": 1,
            "points_count": points,
            "config": {
                "params": {"vectors": self._vectors_of[self.aliases.get(name, name)]},
                "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000},
                "optimizer_config": {"default_segment_number": 0, "flush_interval_sec": 5},
            },
            "payload_schema": {},
        }

    def _delete_collection(self, name: str, _body: Body) -> bool:
        return self._delete(name)

    def _delete(self, name: str) -> bool:
        shard = self.collections.pop(name, None)
        if shard is not None:
            shard.close()
        return shard is not None

    def _alias(self, _name: str, body: Body) -> bool:
        for action in body["actions"]:
            if "delete_alias" in action:
                self.aliases.pop(action["delete_alias"]["alias_name"], None)
            else:
                made = action["create_alias"]
                if made["alias_name"] in self.collections:
                    raise Refused(409, "Wrong input: a collection has this name")
                self._shard(made["collection_name"])
                self.aliases[made["alias_name"]] = made["collection_name"]
        return True

    def _index(self, name: str, body: Body) -> Body:
        schema = SCHEMAS[body["field_schema"]]
        return self._update(name, edge.UpdateOperation.create_field_index(body["field_name"], schema))

    def _upsert(self, name: str, body: Body) -> Body:
        points = [edge.Point(point["id"], vectors_in(point["vector"]), point["payload"]) for point in body["points"]]
        return self._update(name, edge.UpdateOperation.upsert_points(points))

    def _vectors(self, name: str, body: Body) -> Body:
        points = [edge.PointVectors(point["id"], vectors_in(point["vector"])) for point in body["points"]]
        return self._update(name, edge.UpdateOperation.update_vectors(points))

    def _payload(self, name: str, body: Body) -> Body:
        operation = edge.UpdateOperation.set_payload_by_filter(filter_in(body["filter"]), body["payload"])
        return self._update(name, operation)

    def _remove(self, name: str, body: Body) -> Body:
        return self._update(name, edge.UpdateOperation.delete_points_by_filter(filter_in(body["filter"])))

    def _update(self, name: str, operation: edge.UpdateOperation) -> Body:
        self._shard(name).update(operation)
        return {"operation_id": 1, "status": "completed"}

    def _retrieve(self, name: str, body: Body) -> Any:
        found = self._shard(name).retrieve(body["ids"], payload_in(body.get("with_payload", True)), False)
        return [{"id": str(record.id), "payload": record.payload} for record in found]

    def _scroll(self, name: str, body: Body) -> Any:
        records, following = self._shard(name).scroll(
            edge.ScrollRequest(
                offset=body.get("offset"),
                limit=body["limit"],
                filter=filter_in(body["filter"]),
                with_payload=payload_in(body["with_payload"]),
                with_vector=body["with_vector"],
            )
        )
        points = [
            {"id": str(record.id), "payload": record.payload, "vector": vectors_out(record.vector)}
            for record in records
        ]
        return {"points": points, "next_page_offset": None if following is None else str(following)}

    def _count(self, name: str, body: Body) -> Body:
        return {"count": self._shard(name).count(edge.CountRequest(exact=True, filter=filter_in(body["filter"])))}

    def _query(self, name: str, body: Body) -> Any:
        shard = self._shard(name)
        return [{"points": self._ask(shard, search)} for search in body["searches"]]

    def _ask(self, shard: edge.EdgeShard, search: Body) -> list[Body]:
        request = edge.QueryRequest(
            limit=search["limit"],
            query=edge.Query.Nearest(vector_in(search["query"]["nearest"]), using=search["using"]),
            filter=filter_in(search["filter"]),
            with_payload=payload_in(search["with_payload"]),
        )
        return [
            {"id": str(point.id), "version": 0, "score": point.score, "payload": point.payload}
            for point in shard.query(request)
        ]


async def half_an_answer() -> AsyncIterator[bytes]:
    """Its first bytes, and then the connection is closed."""
    yield b'{"result": {'
    raise ConnectionAbortedError


def build(server: QdrantServer) -> Starlette:
    """The routes."""

    def route(path: str, method: str, verb: str) -> Route:
        async def endpoint(request: Request) -> Response:
            text = await request.body()
            body = json.loads(text) if text else {}
            name = request.path_params.get("name", "")
            try:
                result = await anyio.to_thread.run_sync(
                    server.carry_out, verb, name, body, dict(request.headers), abandon_on_cancel=True
                )
            except Refused as error:
                answer = {"status": {"error": str(error)}, "time": 0.0}
                return JSONResponse(answer, error.status, headers=error.headers)
            except Cut:
                return StreamingResponse(half_an_answer(), headers={"Content-Length": "100"})
            return JSONResponse({"result": result, "status": "ok", "time": 0.0})

        return Route(path, endpoint, methods=[method])

    async def calls(_: Request) -> Response:
        return JSONResponse(server.calls)

    one = "/collections/{name}"
    return Starlette(
        routes=[
            Route("/calls", calls),  # no call of Qdrant's: for who starts the server as a process
            route("/collections", "GET", "list"),
            route("/collections/aliases", "POST", "alias"),
            route(one, "GET", "info"),
            route(one, "PUT", "create"),
            route(one, "DELETE", "delete_collection"),
            route(f"{one}/index", "PUT", "index"),
            route(f"{one}/points", "PUT", "upsert"),
            route(f"{one}/points", "POST", "retrieve"),
            route(f"{one}/points/vectors", "PUT", "vectors"),
            route(f"{one}/points/payload", "POST", "payload"),
            route(f"{one}/points/delete", "POST", "remove"),
            route(f"{one}/points/scroll", "POST", "scroll"),
            route(f"{one}/points/count", "POST", "count"),
            route(f"{one}/points/query/batch", "POST", "query"),
        ]
    )


@contextmanager
def running_qdrant() -> Iterator[QdrantServer]:
    """Start a server in a thread on a free port, and end it with the block."""
    folder = Path(tempfile.mkdtemp())
    server = QdrantServer(folder)
    listener = socket.create_server(("127.0.0.1", 0))
    server.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    running = uvicorn.Server(
        uvicorn.Config(build(server), log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not running.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield server
    finally:
        running.should_exit = True
        thread.join(10)
        listener.close()
        for name in list(server.collections):
            with suppress(Exception):
                server.forget(name)
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Serve until told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with running_qdrant() as server:
        print(server.url, flush=True)  # noqa: T201 - who starts it reads it
        signal.pause()


if __name__ == "__main__":
    main()
