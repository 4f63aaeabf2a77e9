"""Goes on with the day's budgets after a restart, where what was spent is counted in this server's memory."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Final

from lectern.errors import StoreUnavailable
from lectern.limits.budgets import Budgets
from lectern.ports import Records

logger = logging.getLogger(__name__)

MOST_SPENDERS: Final = 1000
"""Principals whose own sums come back; whoever spent less has spent little."""

_PAUSES: Final = (1.0, 5.0, 15.0, 60.0)
"""Seconds between two attempts; the last one repeats."""


async def restore(budgets: Budgets, records: Records) -> None:
    """Add what was spent today before this server began, as soon as the database tells; what it counts itself is apart.

    To be called once a server: all its workers count together.
    """
    attempts = 0
    while True:
        since, _ = budgets.today()
        began = datetime.fromtimestamp(budgets.began, UTC)
        if began <= since:  # a new day
            return
        try:
            spent = await records.spent(since, began, most=MOST_SPENDERS)
        except StoreUnavailable:
            await asyncio.sleep(_PAUSES[min(attempts, len(_PAUSES) - 1)])
            attempts += 1
        else:
            break
    await budgets.restore(spent.most, spent.total)
    tokens = spent.total.prompt_tokens + spent.total.completion_tokens
    logger.info("Today's budgets go on with %d tokens that were spent before this start", tokens)
