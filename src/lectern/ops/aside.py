"""Blocking calls that may hang: each in a thread of its own that is left behind when nobody waits for it any more.

A name that no resolver answers, or a mount whose server is gone, can block for minutes. A thread of a pool would keep
its place, and the process at its end, for as long.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def run_aside(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a blocking function returns or raises; cancelling the wait leaves its thread to end by itself."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type] # the function's own result, None included

    def work() -> None:
        result, raised = None, None
        try:
            result = function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
            raised = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result, raised)

    threading.Thread(target=work, name="aside", daemon=True).start()
    return await future
