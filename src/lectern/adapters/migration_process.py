"""Has a migration done by a process of its own, for a server that came up before its database did."""

import asyncio
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

_SOURCES = Path(__file__).parents[2]


async def migrate_elsewhere(url: str) -> None:
    """Bring a Postgres database's schema up to date; what came of it is in the log, and in the database.

    The process ends with its caller at the latest. It may be killed at any moment: a migration is one transaction.
    """
    path = os.pathsep.join(filter(None, (str(_SOURCES), os.environ.get("PYTHONPATH"))))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "lectern.adapters.postgres_migrations",
        env=os.environ | {"DATABASE_URL": url, "PYTHONPATH": path},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself, as a rule
            process.kill()
        await process.wait()
    level = logging.WARNING if process.returncode else logging.INFO
    logger.log(level, "%s", said.decode("utf-8", "replace").strip())
