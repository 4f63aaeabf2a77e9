"""What has to be there before the first request: the schema of a SQLite file, and an index with a page in it.

A look tells whether they are (under a millisecond, in a thread). Only if not, the command `prepare` runs, in a process
of its own, and is waited for, so that the first answer is right. Workers and hosts that start at once do it once. A
Postgres database is not waited for: its outbox brings it up to date in the background. Nothing here ends a start.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from lectern.config import Settings
from lectern.ops.file_lock import alone
from lectern.ops.side_process import run_beside
from lectern.wiring import has_pages, has_schema

logger = logging.getLogger(__name__)

PREPARE_SECONDS: Final = 120.0
"""The first request waits no longer; a site of a thousand pages takes ten seconds. A refresh does what is left."""


async def prepare(settings: Settings) -> None:
    """Make what is missing on this machine, or say in the log why it cannot be made."""
    try:
        if not await asyncio.to_thread(missing, settings):
            return
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        async with alone(settings.data_dir / "PREPARE.lock"):
            if arguments := await asyncio.to_thread(missing, settings):
                await _run(arguments)
    except OSError as error:
        cause = error.strerror or error
        logger.error("Nothing can be prepared: DATA_DIR %s cannot be written (%s)", settings.data_dir, cause)  # noqa: TRY400


def missing(settings: Settings) -> Sequence[str]:
    """Which parts are missing, as arguments of `prepare`: none, `schema`, `index`."""
    parts = (("schema", has_schema), ("index", has_pages))
    return [name for name, is_there in parts if not is_there(settings)]


async def _run(parts: Sequence[str]) -> None:
    logger.info("Preparing before the first request: %s", ", ".join(parts))
    try:
        code = await run_beside("lectern.cli", "prepare", *parts, "--beside", log=logger, seconds=PREPARE_SECONDS)
    except TimeoutError:
        logger.error("The preparation took over %g s; serving without it", PREPARE_SECONDS)  # noqa: TRY400
    else:
        if code:
            logger.error("The preparation failed with exit code %d; serving without it", code)
