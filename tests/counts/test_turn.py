"""What a turn does besides its work: hops to threads, tasks, connections, writes and log lines. A cap on each."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import anyio.to_thread
import pytest
from tests.counts.service import TOKENS, Service

from lectern.serving.protocol import GuardedProtocol

ON_DISK = {"search": 1, "save": 1, "history": 1}
"""Hops to a thread: SQLite blocks, and so does the local index."""

MOST_TASKS = 8
"""Of a streamed turn: the request's, two that watch whether the reader leaves, two that are waited for while a part may
sleep; the rest is room for what a client library does."""


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts what is done in threads."""
    seen: Counter[str] = Counter()
    original = anyio.to_thread.run_sync

    async def counted(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        seen[f"{function!r}"] += 1
        return await original(function, *args, **options)

    monkeypatch.setattr(anyio.to_thread, "run_sync", counted)
    monkeypatch.setattr(asyncio, "to_thread", None)  # nothing on the serving path may go around the counter
    return seen


@pytest.fixture
async def tasks() -> Counter[str]:
    """Counts the loop's tasks."""
    seen: Counter[str] = Counter()
    factory = asyncio.Task

    def counted(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
        seen[getattr(work, "__qualname__", "?")] += 1
        return factory(work, loop=loop, **options)

    asyncio.get_running_loop().set_task_factory(counted)  # type: ignore[arg-type] # typeshed wants a generic one
    return seen


async def test_a_turn_hops_to_a_thread_for_the_search_and_for_the_save(service: Service, hops: Counter[str]) -> None:
    """A first turn leaves the loop twice, a follow-up three times: nothing else on the way may block."""
    session = await service.streamed()
    assert hops.total() <= ON_DISK["search"] + ON_DISK["save"], hops
    hops.clear()
    await service.streamed(session=session)
    assert hops.total() <= sum(ON_DISK.values()), hops


async def test_health_and_search_stay_on_the_loop_as_far_as_they_can(service: Service, hops: Counter[str]) -> None:
    """The answer to whether it lives needs no thread, a search one."""
    await service.health()
    assert hops.total() == 0
    await service.search()
    assert hops.total() <= ON_DISK["search"], hops


async def test_a_turn_makes_few_tasks_and_a_token_none(service: Service, tasks: Counter[str]) -> None:
    """Ten times the tokens make no task more."""
    await service.streamed()
    tasks.clear()
    await service.streamed()
    once, first = tasks.total(), dict(tasks)
    assert once <= MOST_TASKS, tasks
    tasks.clear()
    await service.streamed(tokens=10 * TOKENS)
    assert tasks.total() == once, (tasks, first)


async def test_a_token_is_one_write_when_nothing_waits(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each token of a quiet stream leaves at once and by itself; the frames around them are a handful more."""
    writes: list[int] = []
    send = asyncio.selector_events._SelectorSocketTransport.write  # type: ignore[attr-defined] # asyncio's own

    def counted(transport: asyncio.Transport, data: bytes) -> None:
        if isinstance(transport.get_protocol(), GuardedProtocol):
            writes.append(len(data))
        send(transport, data)

    monkeypatch.setattr(asyncio.selector_events._SelectorSocketTransport, "write", counted)  # type: ignore[attr-defined]
    await service.streamed()
    around = len(writes) - TOKENS
    assert 1 <= around <= 6
    writes.clear()
    await service.streamed(tokens=10 * TOKENS)
    assert len(writes) - 10 * TOKENS == around


async def test_a_turn_opens_no_connection(service: Service) -> None:
    """The provider is asked twice a turn, over the connections that are there."""
    before = service.provider.connections
    await service.streamed()
    await service.whole()
    assert service.provider.connections == before


async def test_a_request_is_one_access_line(service: Service) -> None:
    """Nothing else is logged for what goes well, at the level that a server runs with."""
    seen: list[str] = []

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.name)

    noting = Noting()
    logging.getLogger().addHandler(noting)
    try:
        for ask in (service.health, service.search, service.streamed, service.whole):
            seen.clear()
            await ask()
            assert seen == ["lectern.access"], ask
    finally:
        logging.getLogger().removeHandler(noting)
