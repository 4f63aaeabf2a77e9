"""Deletes what has been kept for long enough, beside the server: little at a time, and never for long.

One worker of all that share DATA_DIR sees to it, and is in charge as long as it lives. Servers that share only a
database do it twice, which is the same as once.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from lectern.config import Settings
from lectern.database_address import is_postgres
from lectern.errors import StoreUnavailable
from lectern.lifecycle.charge import in_charge
from lectern.ports import Retention

logger = logging.getLogger(__name__)

TASK_KEYS_KEPT: Final = timedelta(hours=24)
"""How long a task's write, turn or question is remembered at least: as long as common APIs keep idempotency keys
(https://docs.stripe.com/api/idempotent_requests)."""

LIVE_TURNS_KEPT: Final = timedelta(hours=24)
"""How long a turn whose worker died can be read after it: who comes back the next morning is told what became of it."""

API_KEYS_KEPT: Final = timedelta(days=90)
"""How long a key that is worth nothing any more is listed, for who wonders why an integration stopped."""

BATCH: Final = 500
"""Conversations of one transaction: some tens of milliseconds on a small machine."""

MOST_BATCHES: Final = 20
"""Of one run: ten thousand conversations, say; what is left waits for the next."""

AGAIN_SECONDS: Final = 3600.0
"""Between two runs."""

AGAIN_ON_SERVER_SECONDS: Final = 86_400.0
"""Between two runs on a server over the network: each wakes a database that would sleep, and days are what is kept."""

_JITTER_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Expired:
    """What a run has deleted; `is_all` says that nothing old is left."""

    conversations: int = 0
    logins: int = 0
    rewrites: int = 0
    task_keys: int = 0
    live_turns: int = 0
    api_keys: int = 0
    is_all: bool = True


async def retain(settings: Settings, retention: Retention) -> None:
    """See to it, until cancelled, if no other worker does."""
    async with in_charge(settings.data_dir / "RETENTION.lock", "Nothing is deleted for its age") as mine:
        if not mine:
            return
        usual = AGAIN_ON_SERVER_SECONDS if is_postgres(settings.sqlalchemy_url) else AGAIN_SECONDS
        pause = random.uniform(0, _JITTER_SECONDS)  # noqa: S311 - not a secret: servers that start at once take turns
        while True:
            await asyncio.sleep(pause)
            done = await expire(settings, retention)
            pause = usual if done is not None and done.is_all else AGAIN_SECONDS


async def expire(
    settings: Settings,
    retention: Retention,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause_seconds: float = _PAUSE_SECONDS,
) -> Expired | None:
    """One run: delete what is old, and say so in one line of the log.

    Args:
        settings: How long what is kept.
        retention: Deletes it.
        now: The time, UTC.
        pause_seconds: Between two transactions, for those of readers.

    Returns:
        What was deleted; None when the database could not be used to the end.
    """
    deleted: Counter[str] = Counter()
    room = MOST_BATCHES
    try:
        for name, delete_oldest in _piles(settings, retention, now()):
            while room:
                room -= 1
                count = await delete_oldest()
                deleted[name] += count
                if count < BATCH:
                    break
                await asyncio.sleep(pause_seconds)
        deleted["logins"] = await retention.expire_logins(now())
        await retention.scrub()
    except StoreUnavailable:  # the adapter has logged its cause
        _tell(deleted, "the database is down, and the rest waits")
        return None
    _tell(deleted, "" if room else "more wait for the next run")
    return Expired(**deleted, is_all=room > 0)


def _piles(
    settings: Settings, retention: Retention, now: datetime
) -> Iterator[tuple[str, Callable[[], Awaitable[int]]]]:
    """What gets old, each with what deletes a batch of its oldest; not what is kept for ever."""
    for anonymous, days in ((True, settings.retention_days), (False, settings.account_retention_days)):
        if days:
            before = now - timedelta(days=days)
            yield (
                "conversations",
                partial(retention.expire_conversations, before, anonymous=anonymous, most=BATCH),
            )
    if settings.rewrite_retention_days:
        before = now - timedelta(days=settings.rewrite_retention_days)
        yield "rewrites", partial(retention.expire_rewrites, before, most=BATCH)
    yield "task_keys", partial(retention.expire_task_keys, now - TASK_KEYS_KEPT, most=BATCH)
    yield "live_turns", partial(retention.expire_live_turns, now - LIVE_TURNS_KEPT, most=BATCH)
    yield "api_keys", partial(retention.expire_api_keys, now - API_KEYS_KEPT, most=BATCH)


def _tell(deleted: Counter[str], note: str) -> None:
    if deleted.total() or note:
        logger.info(
            "Retention deleted %d conversations, %d ended logins, %d rewrites, %d task keys, %d lost turns and "
            "%d ended API keys%s",
            *(deleted[name] for name in ("conversations", "logins", "rewrites", "task_keys", "live_turns", "api_keys")),
            f"; {note}" if note else "",
        )
