"""Who asks a database that is down, and writes what waits for it: one task a worker.

While the database is down nobody else asks it. When it is back, whichever worker is first writes what waits, oldest
first. A database that is up and has everything is left alone, so that it may fall asleep.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar, TypeVarTuple
from uuid import UUID

import anyio.to_thread
from anyio import CapacityLimiter
from sqlalchemy.exc import DataError, IntegrityError

from lectern.adapters.outbox_entries import Entry
from lectern.adapters.outbox_files import NotReadable, OutboxFiles
from lectern.errors import ConversationNotFound, Forbidden, StoreUnavailable
from lectern.ports import Store

logger = logging.getLogger(__name__)

IDLE_SECONDS = 5.0
"""How often a worker looks for turns that others have left. It costs a look into a folder, never a query."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
"""Between two questions to a database that is down; the pause doubles."""

MIGRATION_PAUSE_SECONDS = 15.0
"""Between two migrations that did not help: each is a process of half a second."""


_DISK_THREADS = 4
"""A disk that stalls holds up no more threads than these."""

Result = TypeVar("Result")
Given = TypeVarTuple("Given")


class Tender:
    """Tends the outbox of one database.

    Args:
        database: Where turns belong.
        files: Where they wait.
        migrate: Brings the schema up to date, elsewhere than in this process; None leaves that to others.
        needs_migration: Whether the database turned out to have no schema or an older one.

    Attributes:
        waiting: How many turns wait, as far as this worker has seen.
    """

    def __init__(
        self,
        database: Store,
        files: OutboxFiles,
        migrate: Callable[[], Awaitable[None]] | None,
        needs_migration: Callable[[], bool],
    ) -> None:
        self.waiting = 0
        self._database = database
        self._files = files
        self._migrate = migrate
        self._needs_migration = needs_migration
        self._migrated_at = float("-inf")
        self._disk = CapacityLimiter(_DISK_THREADS)
        self._pause = 0.0
        self._missed_at = float("-inf")
        self._back = asyncio.Event()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def down(self) -> bool:
        """Whether the database was missed and has not been seen since."""
        return self._pause > 0

    def start(self) -> None:
        """Tend from now on; what a former start has left is written at once."""
        if self._task is None or self._task.done():
            self._news = asyncio.Event()
            self._news.set()
            self._task = asyncio.create_task(self._tend_for_ever())

    def missed(self, asked_at: float) -> None:
        """Take the database for down from now on, and ask it at once whether it is.

        Args:
            asked_at: When it was asked, in monotonic seconds.
        """
        if not self.down:
            self._pause = FIRST_PAUSE_SECONDS
            self._missed_at = asked_at
            self._back.clear()
            self.start()
            self._news.set()

    async def wake(self, seconds: float) -> None:
        """Return when the database is there, or was missed this long ago: then it does not sleep, it is down.

        Args:
            seconds: How long it may take to wake.
        """
        left = self._missed_at + seconds - time.monotonic()
        if self.down and left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._back.wait()

    async def stop(self) -> None:
        """Tend no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def on_disk(self, work: Callable[[*Given], Result], *given: *Given) -> Result:
        """Do in a thread what reads or writes files."""
        return await anyio.to_thread.run_sync(work, *given, limiter=self._disk)

    async def entries(self) -> list[Entry]:
        """The turns that wait."""
        entries = await self.on_disk(self._files.entries)
        self.waiting = len(entries)
        return entries

    async def _tend_for_ever(self) -> None:
        while True:
            pause = self._pause or IDLE_SECONDS
            try:
                async with asyncio.timeout(pause * random.uniform(0.8, 1.2)):  # noqa: S311 - spreads workers, no secret
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            try:
                await self._tend()
                self._pause = 0
                self._back.set()
            except (StoreUnavailable, OSError):
                self._pause = min(LONGEST_PAUSE_SECONDS, max(FIRST_PAUSE_SECONDS, self._pause * 2))
            except Exception:
                logger.exception("The outbox could not be tended")
                self._pause = LONGEST_PAUSE_SECONDS

    async def _tend(self) -> None:
        if self.down or self._database.describe().state == "down":
            await self._look()
        if await self.entries():
            with self._files.alone() as alone:
                if alone:
                    await self._write_all()

    async def _look(self) -> None:
        """See whether the database is there and what it should be; have its schema made if that is all it lacks."""
        try:
            await self._database.warm()
        except StoreUnavailable:
            again = time.monotonic() - self._migrated_at > MIGRATION_PAUSE_SECONDS
            if not (self._needs_migration() and self._migrate and again):
                raise
        else:
            return
        with self._files.alone() as alone:  # one of the workers is enough
            if alone:
                self._migrated_at = time.monotonic()
                await self._migrate()
        await self._database.warm()

    async def _write_all(self) -> None:
        """Write what waits, oldest first.

        Raises:
            StoreUnavailable: The database is not there; what is left goes on waiting.
        """
        written, left = 0, set[UUID]()
        for entry in await self.entries():
            try:
                turn = await self.on_disk(self._files.read, entry)
                if turn is not None:
                    await self._database.save_turn(turn)
                    written += 1
            except (NotReadable, ValueError, Forbidden) as error:
                await self._set_aside(entry, error)
            except ConversationNotFound:
                if entry.conversation in left:  # which may make it the next time
                    continue
                logger.info("Turn %s, which waited, is dropped: its conversation was deleted", entry.turn)
                await self.on_disk(self._files.remove, entry)
            except StoreUnavailable as error:
                if not isinstance(error.__cause__, DataError | IntegrityError):
                    await self._database.warm()  # if it is there, only this turn waits for the next time
                    left.add(entry.conversation)
                    continue
                await self._set_aside(entry, error.__cause__)
            else:
                await self.on_disk(self._files.remove, entry)
            self.waiting -= 1
        if written:
            logger.info("The database is back: %d turns that waited are written", written)

    async def _set_aside(self, entry: Entry, error: Exception) -> None:
        place = await self.on_disk(self._files.set_aside, entry)
        logger.error("A turn that waited cannot be written and is kept in %s: %s", place, type(error).__name__)
