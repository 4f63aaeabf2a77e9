"""What a running service needs for what it holds: processor, memory, descriptors, connections; what breaks first."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from loadtests import remotes, targets
from loadtests.crowd import Listener, crowd, until
from loadtests.remotes import OBSERVER
from loadtests.services import Service
from loadtests.wire import Target

_COMING_A_SECOND = 60
_PATIENCE_SECONDS = 90
_SETTLE_SECONDS = 1.0
_LOOK_SECONDS = 0.2
_FIRST = 20
_OK = 200
_TOKEN = b"event: delta\n"
_CONNECTIONS: Final = (
    "SELECT count(*), count(*) FILTER (WHERE state <> 'idle') FROM pg_stat_activity"  # noqa: S608 - a constant of ours
    f" WHERE backend_type = 'client backend' AND application_name <> '{OBSERVER}'"
)


@asynccontextmanager
async def talking(lectern: Service, count: int) -> AsyncIterator[Sequence[Listener]]:
    """So many streams, each of which has had its first token."""
    async with crowd(targets.of_lectern(lectern.url), count, count / _COMING_A_SECOND) as listeners:
        await until(lambda: all(_TOKEN in listener.heard for listener in listeners), _PATIENCE_SECONDS)
        yield listeners


async def processor_share(lectern: Service, listeners: Sequence[Listener], window: float) -> float:
    """Processor seconds for each second of each of these streams, over so many seconds.

    Raises:
        RuntimeError: A stream ended meanwhile, so that there is nothing to divide by.
    """
    loop = asyncio.get_running_loop()
    used, began = lectern.cpu_seconds(), loop.time()
    await asyncio.sleep(window)
    used, seconds = lectern.cpu_seconds() - used, loop.time() - began
    if ended := [listener for listener in listeners if not listener.open]:
        why = trouble(bytes(ended[0].heard), still_open=False)
        raise RuntimeError(f"{len(ended)} of {len(listeners)} streams ended while they were watched; the first: {why}")
    return used / (len(listeners) * seconds)


async def database_connections(database: Service, window: float) -> tuple[int, int]:
    """How many connections a database had at most within so many seconds, and how many of them did something."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + window
    most_open = most_busy = 0
    while loop.time() < ends:
        [(held, busy)] = await asyncio.to_thread(remotes.query, database, _CONNECTIONS)
        most_open, most_busy = max(most_open, held), max(most_busy, busy)
        await asyncio.sleep(_LOOK_SECONDS)
    return most_open, most_busy


def descriptors(lectern: Service) -> int:
    """Open file descriptors of all its processes."""
    return sum(process.num_fds() for process in lectern.processes())


@dataclass(frozen=True, slots=True)
class Idle:
    """Bytes by which the service grew for each connection that waits, and for each stream that does."""

    connection_bytes: float
    stream_bytes: float


async def idle(lectern: Service, count: int) -> Idle:
    """Hold so many kept-alive connections, and then, beside them, as many streams that wait for their first token.

    Raises:
        RuntimeError: The service closed one of them.
    """
    seconds = count / _COMING_A_SECOND
    async with crowd(targets.of_lectern(lectern.url), _FIRST, 1) as first:
        await _settled(first, _waits)  # what is made once is made
    await asyncio.sleep(_SETTLE_SECONDS)
    before = lectern.pss_bytes()
    async with crowd(_health(lectern), count, seconds) as connections:
        await _settled(connections, lambda one: one.heard.endswith(b"}"))
        between = lectern.pss_bytes()
        async with crowd(targets.of_lectern(lectern.url), count, seconds) as streams:
            await _settled(streams, _waits)
            after = lectern.pss_bytes()
            if any(not one.open for one in (*connections, *streams)):
                raise RuntimeError("The service closed connections that were to be counted.")
    return Idle((between - before) / count, (after - between) / count)


def _waits(listener: Listener) -> bool:
    return b"event: sources\n" in listener.heard


async def _settled(listeners: Sequence[Listener], there: Callable[[Listener], bool]) -> None:
    await until(lambda: all(there(listener) for listener in listeners), _PATIENCE_SECONDS)
    await asyncio.sleep(_SETTLE_SECONDS)


def _health(lectern: Service) -> Target:
    """`GET /health` on a connection that stays open."""
    target = targets.of_lectern(lectern.url)
    request = f"GET /health HTTP/1.1\r\nHost: {target.host}:{target.port}\r\n\r\n".encode()
    return Target("health", target.host, target.port, request, b"", b"")


async def first_trouble(lectern: Service, most: int, wait_seconds: float) -> tuple[int, dict[str, object]]:
    """Let readers come whom nobody answers, and see who gets something else than a place.

    Returns:
        How many have a place and keep it, and what the first of the others got: see `trouble`.

    Raises:
        RuntimeError: All of them got a place.
    """
    async with crowd(targets.of_lectern(lectern.url), most, most / _COMING_A_SECOND) as listeners:
        await until(lambda: all(_waits(one) or one.status not in {0, _OK} for one in listeners), _PATIENCE_SECONDS)
        await asyncio.sleep(wait_seconds)  # whoever stands in line is told within that
        told = [trouble(bytes(listener.heard), still_open=listener.open) for listener in listeners]
    if first := next(filter(None, told), None):
        return told.count({}), first
    raise RuntimeError(f"{most} readers waited at once and nothing broke; the limit is higher.")


def trouble(heard: bytes, *, still_open: bool) -> dict[str, object]:
    """What a reader got instead of a place, by its own words; empty for one who has a place.

    A refusal has its `status`, `retry_after` and `code`; a stream its `event` (`degraded` or `failed`) and what that
    says; `ended` is a whole answer; `broken` is a connection that ended without any of these.
    """
    head, _, body = heard.partition(b"\r\n\r\n")
    if head and (status := int(head.split(b" ", 2)[1])) != _OK:
        after = re.search(rb"\r\nretry-after: *(\d+)", head, re.IGNORECASE)
        code = re.search(rb'"code": *"(\w+)"', body)
        return {
            "status": status,
            "retry_after": int(after[1]) if after else None,
            "code": code[1].decode() if code else None,
        }
    if event := re.search(rb"event: (degraded|failed)\n(?:id: \d+\n)?data: (\{.*\})\n", body):
        return {"status": 200, "event": event[1].decode()} | dict(json.loads(event[2]))
    if still_open:
        return {}
    return {"ended": "whole"} if b"event: done\n" in body else {"broken": len(heard)}
