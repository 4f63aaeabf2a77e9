"""What one worker of all that share DATA_DIR does for the rest, as long as it lives."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from lectern.ops.file_lock import try_lock, unlock

logger = logging.getLogger(__name__)


@asynccontextmanager
async def in_charge(lock: Path, otherwise: str) -> AsyncGenerator[bool]:
    """Whether this worker is in charge; if so, no other one is until the block ends.

    Args:
        lock: A file in DATA_DIR, which is made.
        otherwise: What is to be said when DATA_DIR cannot be written, and so nobody is in charge.
    """
    try:
        await asyncio.to_thread(lock.parent.mkdir, parents=True, exist_ok=True)
        held = await asyncio.to_thread(try_lock, lock)
    except OSError as error:
        logger.warning("%s: DATA_DIR %s cannot be written (%s)", otherwise, lock.parent, error.strerror or error)
        held = None
    try:
        yield held is not None
    finally:
        if held is not None:
            unlock(held)
