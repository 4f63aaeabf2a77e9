"""The SDK's server in one worker: made when the first request comes, ended with the worker.

It keeps no session, so that any worker answers any request, and answers with JSON only: no stream is open longer than
its request.
"""

import asyncio
import importlib
import logging
from contextvars import Context
from typing import TYPE_CHECKING

from fastapi.responses import Response
from starlette.types import Message, Receive, Scope

from lectern.mcp.asker import Toolboxes

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

logger = logging.getLogger(__name__)


class McpService:
    """Answers requests of the protocol. Making one does nothing; the first request imports the SDK, in a thread.

    Args:
        toolboxes: Who has tasks; None where none are kept.
    """

    def __init__(self, toolboxes: Toolboxes | None = None) -> None:
        self.toolboxes = toolboxes
        self._running: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[StreamableHTTPSessionManager] | None = None

    async def answer(self, scope: Scope, body: bytes) -> Response:
        """What the SDK answers to one request.

        Args:
            scope: The request's; tools find in `scope["state"]` what `endpoints` has put there.
            body: The whole of it.
        """
        manager = await self._manager()
        answer = _Answer()
        await manager.handle_request(scope, _whole(body), answer.take)
        return answer.response()

    async def close(self) -> None:
        """End what was begun; no request may be under way any more."""
        running, self._running, self._opened = self._running, None, None
        if running is not None:
            running.cancel()
            await asyncio.wait({running})

    async def _manager(self) -> "StreamableHTTPSessionManager":
        if self._opened is None:
            self._opened = asyncio.get_running_loop().create_future()
            # Not in the context of the request that happens to be first: this goes on when that one has ended.
            self._running = asyncio.create_task(self._run(self._opened), context=Context())
        return await asyncio.shield(self._opened)  # who leaves while it is made, leaves it to the others

    async def _run(self, opened: "asyncio.Future[StreamableHTTPSessionManager]") -> None:
        """Enter and leave what the SDK keeps its tasks in, both in this one task, as it must be."""
        try:
            server = await asyncio.to_thread(importlib.import_module, "lectern.mcp.server")
            manager: StreamableHTTPSessionManager = server.build_manager()
            async with manager.run():
                opened.set_result(manager)
                await asyncio.Event().wait()
        except Exception as error:
            if opened.done():
                logger.exception("/mcp broke off")
            else:
                opened.set_exception(error)
        finally:
            if self._opened is opened:
                self._opened = None  # the next request begins anew


class _Answer:
    """Takes what the SDK sends, so that it becomes the endpoint's response or, when the reader has left, nothing."""

    def __init__(self) -> None:
        self._start: Message = {}
        self._body = bytearray()

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._body += message.get("body", b"")

    def response(self) -> Response:
        response = Response(bytes(self._body), self._start["status"])
        response.raw_headers += [header for header in self._start["headers"] if header[0] != b"content-length"]
        return response


def _whole(body: bytes) -> Receive:
    """A body that is there at once, then nothing: that the reader leaves is for the endpoint to see."""
    rest = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        for message in rest:
            return message
        forever: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await forever

    return receive
