"""Work that ends when its reader leaves."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.types import Message

from lectern.web.reading import ReaderLeft, while_reading


def request(leaves: asyncio.Event) -> Request:
    """A request whose reader leaves when told to."""

    async def receive() -> Message:
        await leaves.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


async def test_work_for_a_reader_who_stays_is_untouched() -> None:
    """Its result and its own errors, a timeout of its own among them, come through."""

    async def fail() -> None:
        raise TimeoutError("its own")

    stays = asyncio.Event()
    before = len(asyncio.all_tasks())
    assert await while_reading(request(stays), asyncio.sleep(0, "done")) == "done"
    with pytest.raises(TimeoutError, match="its own"):
        await while_reading(request(stays), fail())
    await asyncio.sleep(0)  # what was cancelled ends
    assert len(asyncio.all_tasks()) == before


async def test_work_for_a_reader_who_leaves_ends_and_cleans_up() -> None:
    """It is cancelled once, so that what it awaits in its `finally` is awaited."""
    leaves = asyncio.Event()
    cleaned = []

    async def work() -> None:
        leaves.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(True)

    with pytest.raises(ReaderLeft):
        await while_reading(request(leaves), work())
    assert cleaned == [True]
