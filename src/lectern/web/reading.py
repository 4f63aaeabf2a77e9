"""Work for a reader ends when the reader goes, also before the first byte of the answer.

The framework lets an endpoint run to its end for nobody: a provider would go on answering, and be paid.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from fastapi import Request
from fastapi.responses import Response

Result = TypeVar("Result")

_CLOSED_BY_READER = 499
"""What nginx logs for it; nobody receives it."""


class ReaderLeft(Exception):
    """The reader left before the work was done; the work is cancelled and has cleaned up."""


async def while_reading(request: Request, work: Awaitable[Result]) -> Result:
    """Await `work` in this very task, but only as long as the reader waits. The body must have been read.

    Raises:
        ReaderLeft: The reader went first.
    """
    # Cancels the task once, so that what is awaited in a `finally` is left alone.
    end = asyncio.timeout(None)

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        end.reschedule(0)

    watching = asyncio.create_task(watch())
    try:
        async with end:
            return await work
    except TimeoutError:
        if end.expired():
            raise ReaderLeft from None
        raise
    finally:
        watching.cancel()


async def nobody_reads(_request: Request, _error: Exception) -> Response:
    """Answer nobody; the access line says why."""
    return Response(status_code=_CLOSED_BY_READER)
