"""A turn under way is written down, for who follows it elsewhere and for what is left of it when its worker dies."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Protocol

from lectern.chat.batches import written
from lectern.chat.presence import Wishable
from lectern.errors import StoreUnavailable
from lectern.events import Done, Event, Failed
from lectern.ports import Journal, JournalHead
from lectern.resilience import deadline

logger = logging.getLogger(__name__)

BATCH_SECONDS: Final = 0.5
"""How often what came meanwhile is written, and so how far a follower elsewhere is behind."""

BEAT_SECONDS: Final = 1.0
"""How long the owner is silent at most when nothing comes: what others wish it hears when it writes."""

LEASE_SECONDS: Final = 8.0
"""How long the owner promises to live at each word: several beats, and longer than a slow database takes for one."""

_DELETE_SECONDS: Final = 30.0
"""How long deleting is tried again while the database is away; then the retention deletes it."""


class Owner(Wishable, Protocol):
    """Whoever has a turn that is written down, as those see it who wish something of it."""

    def lose(self) -> None:
        """The turn is another's, or was deleted: whatever it comes to is not kept."""
        ...


class Journaling:
    """Writes one turn down from when it is told to until the turn is saved, and deletes it then.

    Args:
        journal: Where to.
        head: Which turn.
        events: All that happens in it, in order; grows.
        owner: Is told what others wish.
    """

    def __init__(self, journal: Journal, head: JournalHead, events: Sequence[Event], owner: Owner) -> None:
        self._journal = journal
        self._head = head
        self._events = events
        self._owner = owner
        self._taken = 0
        self._number = 1
        self._unwritten: list[Any] = []
        self._spoke_at = 0.0
        self._followed_at: datetime | None = None
        self._lost = False
        self._over = asyncio.Event()
        self._task = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Write no more and delete what is written: the turn is saved, or there is nothing of it to keep."""
        self._over.set()
        await asyncio.wait({self._task})  # a batch under way would come after the deletion
        if not self._task.cancelled() and (defect := self._task.exception()):
            logger.error("turn %s was not written down to its end", self._head.turn_id, exc_info=defect)
        if self._lost:
            return
        with deadline.lifted():
            until = time.monotonic() + _DELETE_SECONDS
            while time.monotonic() < until:
                try:
                    await self._journal.delete(self._head.turn_id)
                except StoreUnavailable:
                    await asyncio.sleep(BEAT_SECONDS)
                else:
                    return
        logger.warning("turn %s is saved, but what was written down of it could not be deleted", self._head.turn_id)

    async def _write(self) -> None:
        with deadline.lifted():  # it has to go on until the turn is saved, however late that is
            while not self._over.is_set() and not self._lost:
                await self._batch()
                with suppress(TimeoutError):
                    async with asyncio.timeout(BATCH_SECONDS):
                        await self._over.wait()

    async def _batch(self) -> None:
        """Write what came since the last batch; when the database is away, the same once more the next time."""
        now = time.monotonic()
        if not self._unwritten:
            # What was tried stays as it is: it may be there although nobody could tell, and is then not written again.
            new, self._taken = self._events[self._taken :], len(self._events)
            self._unwritten = written(event for event in new if not isinstance(event, Done | Failed))
        if not self._unwritten and now - self._spoke_at < BEAT_SECONDS:
            return
        try:
            wishes = await self._journal.append(self._head, self._number, self._unwritten, seconds=LEASE_SECONDS)
        except StoreUnavailable:
            return
        self._spoke_at = now
        self._number += bool(self._unwritten)
        self._unwritten = []
        if wishes.lost:
            self._lost = True
            self._owner.lose()
        elif wishes.stop:
            self._owner.stop()
        elif wishes.followed_at != self._followed_at:
            self._followed_at = wishes.followed_at
            self._owner.want()
