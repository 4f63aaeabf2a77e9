"""Has a migration done by a process of its own, for a server that came up before its database did."""

import logging

from lectern.ops.side_process import run_beside

logger = logging.getLogger(__name__)


async def migrate_elsewhere(url: str) -> None:
    """Bring a Postgres database's schema up to date; what came of it is in the log, and in the database.

    The process ends with its caller at the latest. It may be killed at any moment: a migration is one transaction.
    """
    await run_beside("lectern.adapters.postgres_migrations", log=logger, environment={"DATABASE_URL": url})
