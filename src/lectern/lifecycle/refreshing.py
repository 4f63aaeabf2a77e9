"""Brings the index in line with CONTENT_DIR once the server is up, beside it and at the lowest priority.

One worker of all that share DATA_DIR sees to it, and is in charge as long as it lives; when it ends, whoever starts
next goes on from what was committed. A folder that has not changed since costs one look.
"""

import asyncio
import logging
from pathlib import Path

from lectern.config import Settings
from lectern.lifecycle.charge import in_charge
from lectern.lifecycle.content import fingerprint_of
from lectern.ops.side_process import LOWEST_PRIORITY, run_beside
from lectern.wiring import indexed_content

logger = logging.getLogger(__name__)


async def refresh(settings: Settings, model: str | None) -> None:
    """Refresh the index, then stay in charge until cancelled.

    Args:
        settings: Read from the environment.
        model: The embedding model that is at hand; None for none.
    """
    if not settings.content_dir.is_dir():
        return
    async with in_charge(settings.data_dir / "REFRESH.lock", "CONTENT_DIR is not looked at") as mine:
        if not mine:
            return
        if not await asyncio.to_thread(is_fresh, settings, model) and await ingest_content():
            folder = settings.content_dir
            logger.warning("CONTENT_DIR %s is not indexed as it is now; the next start tries again", folder)
        await asyncio.Event().wait()


async def ingest_content(report: Path | None = None) -> int:
    """Bring the index in line with CONTENT_DIR, and make the vectors that are missing; returns an exit code.

    Args:
        report: A file that gets what was done, as JSON.

    Raises:
        OSError: The process could not be started.
    """
    command = ["lectern.cli", "prepare", "content", "--beside", *(("--report", str(report)) if report else ())]
    return await run_beside(*command, log=logger, nice=LOWEST_PRIORITY)


def is_fresh(settings: Settings, model: str | None) -> bool:
    """Whether nothing is to be done: no page in the folder, or the index was made from just these."""
    try:
        now = fingerprint_of(settings.content_dir, site=settings.site_name, base_url=settings.site_base, model=model)
        return now is None or now == indexed_content(settings)
    except OSError:  # the refresh tells what is wrong
        return False
