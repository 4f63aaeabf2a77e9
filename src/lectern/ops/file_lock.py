"""Locks between processes, by flock: the system frees one when its holder dies, so its file stays."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

POLL_SECONDS: Final = 0.05
"""How often a waiter looks whether the lock is free."""


def try_lock(path: Path) -> int | None:
    """The file descriptor that holds the lock, or None when somebody else holds it. `unlock` gives it back.

    Raises:
        OSError: The file cannot be made, or the file system knows no locks.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def unlock(descriptor: int) -> None:
    """Let the next one in. Said outright: a process forked meanwhile holds the descriptor open."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


@asynccontextmanager
async def alone(path: Path) -> AsyncGenerator[None]:
    """Hold a lock for the block, waiting for it as long as it takes.

    Raises:
        OSError: See `try_lock`.
    """
    while (descriptor := await asyncio.to_thread(try_lock, path)) is None:  # noqa: ASYNC110 - no event to wait for
        await asyncio.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        unlock(descriptor)
