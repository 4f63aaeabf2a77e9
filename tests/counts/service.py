"""The whole app, its provider and its reader in one process and on one loop: nothing depends on who is scheduled when.

The app is the real one, with SQLite, the local index and the provider's adapters over loopback sockets, behind the
protocol and the proxy middleware that a worker serves it with.
"""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from tests.counts.pages import MODEL, QUESTION
from tests.counts.provider import CONTENT, Provider
from tests.counts.reader import DELTA, Reader, request
from uvicorn import Config
from uvicorn.server import Server

from lectern.app import create_app
from lectern.config import Settings
from lectern.serving.protocol import GuardedProtocol
from lectern.wiring import build_ports

TOKENS: Final = 40
"""Of an answer, unless another length is asked for."""

_LONG_SECONDS: Final = 600.0
_NOT_HERE: Final = ("database_url", "neon_api_key", "qdrant_url", "cohere_api_key", "openai_fallback_model")


@dataclass(frozen=True, slots=True)
class Service:
    """A running service.

    Attributes:
        app: The app.
        provider: Whom it asks.
        reader: A reader of it.
        peer: The same reader, connected to the provider: what the two cost without Lectern between them.
    """

    app: FastAPI
    provider: Provider
    reader: Reader
    peer: Reader

    async def health(self) -> None:
        """Ask whether it lives."""
        await self.reader.ask(_HEALTH)

    async def search(self) -> None:
        """Search, with the question's vector."""
        await self.reader.ask(_SEARCH)

    async def streamed(self, *, tokens: int = TOKENS, session: str | None = None) -> str:
        """A whole streamed turn in lockstep, kept at its end; its conversation's id."""
        self.provider.tokens, self.provider.lockstep = tokens, True
        body = {"message": QUESTION} | ({"session_id": session} if session else {})
        before = self.reader.tokens
        answer = await self.reader.ask(request("POST", "/chat", body, stream=True))
        assert self.reader.tokens - before == tokens, answer
        assert b"event: done" in answer
        assert b"event: degraded" not in answer
        started = answer.partition(b"data: ")[2].partition(b"\n")[0]
        return str(json.loads(started)["conversation_id"])

    async def whole(self) -> None:
        """A turn as one JSON object."""
        self.provider.tokens, self.provider.lockstep = TOKENS, False
        answer = await self.reader.ask(_WHOLE)
        assert b'"degraded":{}' in answer

    async def beside(self, *, tokens: int = TOKENS) -> None:
        """What a turn asks the provider, asked by the reader itself."""
        self.provider.tokens, self.provider.lockstep = tokens, True
        await self.peer.ask(_EMBED)
        await self.peer.ask(_COMPLETE)


def settings_for(folder: Path, provider: str = "http://127.0.0.1:9/v1", **more: Any) -> Settings:
    """Settings of a service with its data in this folder, whatever the environment says; no wait ends in valgrind."""
    given: dict[str, Any] = {
        "data_dir": folder,
        "openai_base_url": provider,
        "openai_api_key": "sk-counts",
        "embedding_model": MODEL,
        "min_confidence": 0,
        "log_format": "json",
    } | dict.fromkeys(_NOT_HERE)
    seconds = ("waking", "request_timeout", "first_token_timeout", "token_timeout", "answer_timeout")
    fields = Settings.model_fields
    given |= {f"{name}_seconds": _LONG_SECONDS for name in seconds if f"{name}_seconds" in fields}
    return Settings(_env_file=None, **(given | more))


@asynccontextmanager
async def running(folder: Path, **more: Any) -> AsyncGenerator[Service, None]:
    """Serve from a folder that `make_site` has filled, until the block ends."""
    provider = Provider()
    url = await provider.start()
    settings = settings_for(folder, url, **more)
    app = create_app(settings, build_ports(settings, database_connections=5, search_threads=1))
    server = await _serve(app)
    reader = await Reader.connect(server.servers[0].sockets[0].getsockname()[1], DELTA, provider.release)
    peer = await Reader.connect(int(url.rpartition(":")[2].partition("/")[0]), CONTENT, provider.release)
    while not app.state.readiness.warm:  # noqa: ASYNC110 - a flag, not an event
        await asyncio.sleep(0.01)
    try:
        yield Service(app, provider, reader, peer)
    finally:
        reader.close()
        peer.close()
        await asyncio.sleep(0)
        await server.shutdown()
        provider.stop()


async def _serve(app: FastAPI) -> Server:
    """A server as a worker has it, without the loop that only looks whether to stop."""
    config = Config(
        app,
        http=GuardedProtocol.with_timeout(_LONG_SECONDS),
        ws="none",
        server_header=False,
        proxy_headers=False,
        log_config=None,
        access_log=False,
        timeout_keep_alive=int(_LONG_SECONDS),
    )
    config.load()
    server = Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[socket.create_server(("127.0.0.1", 0))])
    await server.on_tick(0)  # the date among the headers
    return server


_HEALTH: Final = request("GET", "/health")
_SEARCH: Final = request("POST", "/search", {"query": QUESTION})
_WHOLE: Final = request("POST", "/chat", {"message": QUESTION})
_EMBED: Final = request("POST", "/v1/embeddings", {"model": MODEL, "input": [QUESTION], "encoding_format": "base64"})
_COMPLETE: Final = request("POST", "/v1/chat/completions", {"model": "gpt-4o-mini", "stream": True})
