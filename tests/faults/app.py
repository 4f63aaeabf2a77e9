"""Lectern with a window into each worker, for the fault suite only: `APP_MODULE=tests.faults.app:app`.

Each worker that is warm listens on a Unix socket `$WINDOW/PID`. One line in is a command, one line out its answer:
`state` tells what the process holds · `block S` blocks the event loop · `clock S` moves the wall clock ·
`database N` fails the N-th statement or commit from now, `database -N` that and all later ones, `database 0` none.
What is looked for is found by the collector, so the window knows libraries, and nothing of how Lectern is made.
"""

import asyncio
import gc
import json
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from aiohttp import TCPConnector
from anyio._backends._asyncio import CapacityLimiter, WorkerThread
from fastapi import FastAPI
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool
from starlette.types import Receive, Scope, Send

from lectern.app import create_app
from lectern.chat.deps import ChatConfig
from lectern.ops.health import Readiness

_real_time = time.time


class Watched:
    """The app, and a window that is open as long as it lives."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.state = app.state  # the server's hooks look here
        if stalled := os.environ.get("STALLED_SECONDS"):
            chat: ChatConfig = app.state.chat
            app.state.chat = replace(chat, heartbeat=replace(chat.heartbeat, stalled_seconds=float(stalled)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or live."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        async with _Window(self.state.readiness).opened():
            await self.app(scope, receive, send)


class _FaultyDatabase:
    """Fails the N-th statement or commit, once or from then on."""

    def __init__(self) -> None:
        self.number = 0
        self.fail_at = 0
        event.listen(Engine, "before_cursor_execute", self._count)
        event.listen(Engine, "commit", self._count)

    def set(self, number: int) -> None:
        self.number, self.fail_at = 0, number

    def _count(self, *_: object) -> None:
        self.number += 1
        if self.number == abs(self.fail_at) or (self.fail_at < 0 and self.number > -self.fail_at):
            raise OperationalError("the fault suite", None, OSError("disk I/O error"))


class _Window:
    """What a worker tells and does when it is asked from outside."""

    def __init__(self, readiness: Readiness) -> None:
        self.lag = 0.0
        self._readiness = readiness

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        path = Path(os.environ["WINDOW"]) / str(os.getpid())
        behind_curtains = path.with_suffix(".warming")
        server = await asyncio.start_unix_server(self._answer, behind_curtains)
        watching = asyncio.create_task(self._watch(behind_curtains, path))
        try:
            yield
        finally:
            watching.cancel()
            server.close()
            path.unlink(missing_ok=True)

    async def _watch(self, curtained: Path, path: Path) -> None:
        """Show the window when the worker is warm, then measure by how much the loop is late."""
        loop = asyncio.get_running_loop()
        while not self._readiness.warm:  # noqa: ASYNC110 - the product has no event for it
            await asyncio.sleep(0.01)
        curtained.rename(path)  # noqa: ASYNC240 - in memory, and once
        while True:
            due = loop.time() + 0.02
            await asyncio.sleep(0.02)
            self.lag = max(self.lag, loop.time() - due)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command, _, argument = (await reader.readline()).decode().strip().partition(" ")
        match command:
            case "block":
                writer.write(b"{}\n")
                await writer.drain()
                time.sleep(float(argument))  # noqa: ASYNC251 - blocking the loop is the fault under test
            case "clock":
                seconds = float(argument)
                time.time = lambda: _real_time() + seconds
                writer.write(b"{}\n")
            case "database":
                seen = _database.number
                _database.set(int(argument))
                writer.write(json.dumps({"statements": seen}).encode() + b"\n")
            case _:
                writer.write(json.dumps(self._state()).encode() + b"\n")
        await writer.drain()
        writer.close()

    def _state(self) -> dict[str, Any]:
        lag, self.lag = self.lag, 0.0
        held = gc.get_objects()
        upstream = [connector for connector in held if type(connector) is TCPConnector]
        idle = [kept for connector in upstream for kept, _ in chain.from_iterable(connector._conns.values())]
        threads = threading.enumerate()
        # The loop's own pool, for resolving names, is named after it.
        pooled_threads = sum(isinstance(t, WorkerThread) or t.name.startswith(("uvloop_", "asyncio_")) for t in threads)
        return {
            "tasks": len(asyncio.all_tasks()) - 1,  # but for this answer
            "task_names": sorted(getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks()),
            "lag": lag,
            "idle_upstream": sum(connection.is_connected() for connection in idle),
            "busy_upstream": sum(len(connector._acquired) for connector in upstream),
            "checked_out": sum(pool.checkedout() for pool in held if isinstance(pool, QueuePool)),
            "borrowed": sum(limiter.borrowed_tokens for limiter in held if type(limiter) is CapacityLimiter),
            "pool_threads": pooled_threads,
            "own_threads": len(threads) - pooled_threads,
            "names": sorted(repr(thread) for thread in threads),
        }


_database = _FaultyDatabase()
app = Watched(create_app())
