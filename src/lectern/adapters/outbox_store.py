"""A store whose turns are safe while its database sleeps, restarts or is away: they wait on this machine's disk.

A turn is kept in the database or in the outbox before it is acknowledged, also when its caller leaves meanwhile. One
task a worker asks the database while it is down, with growing pauses, so that readers need not wait for it; when it is
back, whichever worker is first writes what waits, oldest first. Writing twice is the same as once, so a worker may be
killed at any moment.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, Protocol, TypeVar
from uuid import UUID

import anyio.to_thread
from sqlalchemy.exc import DataError

from lectern.adapters.outbox_files import Entry, NotReadable, OutboxFiles, OutboxFull
from lectern.errors import ConversationNotFound, StoreUnavailable
from lectern.ports import Part, Store, Turn

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

SAVE_SECONDS = 2.0
"""How long the end of an answer waits for the database before the turn goes to the outbox."""

IDLE_SECONDS = 5.0
"""How often a worker looks for turns that others have left. It costs a look into a folder, never a query."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
_CLOSING_SECONDS = 4.0


class Database(Store, Protocol):
    """The store behind: one that knows whether its schema is missing."""

    needs_migration: bool


class OutboxStore:
    """Implements `lectern.ports.Store`.

    Args:
        database: Where turns belong.
        files: Where they wait.
        patience_seconds: How long reading a conversation waits for the database.
        migrate: Brings the schema up to date, elsewhere than in this process; called when the database turns out to
            have none or an older one.
    """

    def __init__(
        self,
        database: Database,
        files: OutboxFiles,
        *,
        patience_seconds: float = 5,
        migrate: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._database = database
        self._files = files
        self._patience = patience_seconds
        self._migrate = migrate
        self._waiting = 0
        self._pause = 0.0
        self._told = False
        self._news = asyncio.Event()
        self._tending: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[Any]] = set()

    async def history(self, conversation_id: str, *, limit: int) -> list[Turn]:
        """The conversation's last turns, with those that still wait here; only those when the database is down."""
        # Looked for first: what is written meanwhile is then seen twice, never not at all.
        waiting = await self._waiting_of(conversation_id)
        known: list[Turn] = []
        try:
            known = await self._ask(self._database.history(conversation_id, limit=limit), self._patience)
        except (ConversationNotFound, StoreUnavailable):
            if not waiting:
                raise
        turns = {turn.id: turn for turn in (*waiting, *known)}
        latest = sorted(turns.values(), key=lambda turn: (turn.created_at, UUID(turn.id)))
        return latest[max(0, len(latest) - limit) :]

    async def save_turn(self, turn: Turn) -> None:
        """Keep a turn in the database, or here until it can be written there."""
        # A task of its own, because a caller that leaves in the middle must not take the turn along.
        saving = asyncio.create_task(self._save(turn))
        self._remember(saving)
        await asyncio.shield(saving)

    async def delete_conversation(self, conversation_id: str) -> None:
        """Delete a conversation and all its turns, also those that wait."""
        if not await self._entries_of(conversation_id):
            await self._database.delete_conversation(conversation_id)
            return
        with self._files.alone() as alone:
            if not alone:  # a turn that is being written now would come back
                raise StoreUnavailable(retry_after_seconds=1)
            entries = await self._entries_of(conversation_id)
            try:
                await self._database.delete_conversation(conversation_id)
            except ConversationNotFound:
                if not entries:
                    raise
            for entry in entries:
                await anyio.to_thread.run_sync(self._files.remove, entry)

    def describe(self) -> Part:
        """The database, and how many turns wait for it as far as this worker has seen."""
        part = self._database.describe()
        if not self._waiting:
            return part
        count = f"{self._waiting} {'turn waits' if self._waiting == 1 else 'turns wait'} to be written"
        return replace(part, note=f"{part.note}; {count}" if part.note else count)

    def forget_connections(self) -> None:
        """Drop the database's connections without closing their sockets."""
        self._database.forget_connections()

    async def warm(self) -> None:
        """Connect and check the schema; from here on the outbox is tended."""
        self._tend()
        try:
            await self._database.warm()
        except StoreUnavailable:
            self._miss()
            raise

    async def close(self) -> None:
        """Finish the saves that run, stop tending, give back connections."""
        if self._running:
            await asyncio.wait(self._running, timeout=_CLOSING_SECONDS)
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.wait({self._tending})
            self._tending = None
        await self._database.close()

    async def _save(self, turn: Turn) -> None:
        try:
            await self._ask(self._database.save_turn(turn), SAVE_SECONDS)
        except StoreUnavailable:
            await self._put(turn)

    async def _put(self, turn: Turn) -> None:
        try:
            await anyio.to_thread.run_sync(self._files.put, turn)
        except (OutboxFull, OSError) as error:
            logger.error("Turn %s is not kept: the database is down, and the outbox: %s", turn.id, error)  # noqa: TRY400
            raise StoreUnavailable from error
        self._waiting += 1
        if not self._told:  # once an outage
            logger.warning("The database is down: turns wait in %s", self._files.folder)
            self._told = True

    async def _ask(self, asked: Coroutine[Any, Any, Result], seconds: float) -> Result:
        """Ask the database, unless it is known to be down; what takes too long goes on by itself.

        Raises:
            StoreUnavailable: It is down, or has not answered in time.
        """
        if self._pause:
            asked.close()
            raise StoreUnavailable
        asking = asyncio.create_task(asked)
        self._remember(asking)
        done, _ = await asyncio.wait({asking}, timeout=seconds)
        if not done or isinstance(asking.exception(), StoreUnavailable):
            self._miss()
        if not done:
            raise StoreUnavailable
        return asking.result()

    def _remember(self, task: asyncio.Task[Any]) -> None:
        """Keep a task from being collected, and its error from being reported as unseen."""
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _waiting_of(self, conversation_id: str) -> list[Turn]:
        turns = []
        for entry in await self._entries_of(conversation_id):
            try:
                turns.append(await anyio.to_thread.run_sync(self._files.read, entry))
            except NotReadable:  # set aside and told when it is its turn to be written
                continue
        return [turn for turn in turns if turn is not None]

    async def _entries_of(self, conversation_id: str) -> list[Entry]:
        try:
            conversation = UUID(conversation_id)
        except ValueError:
            return []
        return [entry for entry in await self._entries() if entry.conversation == conversation]

    async def _entries(self) -> list[Entry]:
        entries = await anyio.to_thread.run_sync(self._files.entries)
        self._waiting = len(entries)
        return entries

    def _miss(self) -> None:
        """Take the database for down from now on, and have it asked at once whether it is."""
        if not self._pause:
            self._pause = FIRST_PAUSE_SECONDS
            self._tend()
            self._news.set()

    def _tend(self) -> None:
        """Have the outbox tended, by one task."""
        if self._tending is None or self._tending.done():
            self._news = asyncio.Event()
            self._news.set()  # what a former start has left is written now
            self._tending = asyncio.create_task(self._tend_for_ever())

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
                await self._tend_once()
                self._pause = 0
            except (StoreUnavailable, OSError):
                self._pause = min(LONGEST_PAUSE_SECONDS, max(FIRST_PAUSE_SECONDS, self._pause * 2))
            except Exception:
                logger.exception("The outbox could not be tended")
                self._pause = LONGEST_PAUSE_SECONDS

    async def _tend_once(self) -> None:
        if self._pause or self._database.describe().state == "down":
            await self._look()
        if await self._entries():
            with self._files.alone() as alone:
                if alone:
                    await self._write_all()

    async def _look(self) -> None:
        """See whether the database is there and what it should be; have its schema made if that is all it lacks."""
        try:
            await self._database.warm()
        except StoreUnavailable:
            if not self._database.needs_migration or self._migrate is None:
                raise
        else:
            return
        with self._files.alone() as alone:  # one of the workers is enough
            if alone:
                await self._migrate()
        await self._database.warm()

    async def _write_all(self) -> None:
        """Write what waits, oldest first.

        Raises:
            StoreUnavailable: The database is not there; what is left goes on waiting.
        """
        written = 0
        for entry in await self._entries():
            try:
                turn = await anyio.to_thread.run_sync(self._files.read, entry)
                if turn is not None:
                    await self._database.save_turn(turn)
                    written += 1
            except NotReadable as error:
                await self._set_aside(entry, error)
            except StoreUnavailable as error:
                if not isinstance(error.__cause__, DataError):
                    raise
                await self._set_aside(entry, error.__cause__)
            else:
                await anyio.to_thread.run_sync(self._files.remove, entry)
                self._waiting -= 1
        logger.info("The database is back: %d turns that waited are written", written)
        self._told = False

    async def _set_aside(self, entry: Entry, error: Exception) -> None:
        place = await anyio.to_thread.run_sync(self._files.set_aside, entry)
        logger.error("A turn that waited cannot be written and is kept in %s: %s", place, type(error).__name__)
