"""Tasks that work for a generator, which cannot hold a task group while it yields (https://peps.python.org/pep-0789/)."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio

Result = TypeVar("Result")


@asynccontextmanager
async def running(work: Coroutine[Any, Any, Result]) -> AsyncGenerator[asyncio.Task[Result], None]:
    """A task that does some work, and has ended when the block has: left early, it is cancelled."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await end(task)


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait until it has cleaned up; what it raised is for whoever asks for its result."""
    hurry: asyncio.CancelledError | None = None
    while not task.done():
        task.cancel()
        try:
            with anyio.CancelScope(shield=True):
                await asyncio.wait({task})
        except asyncio.CancelledError as again:  # the clean-up, too, has to end now
            hurry = again
    _ = task.cancelled() or task.exception()  # seen, also when nobody asks for the result any more
    if hurry is not None:
        raise hurry
