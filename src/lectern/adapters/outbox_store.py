"""A store whose turns are safe while its database sleeps, restarts or is away: they wait on this machine's disk.

A turn is kept in the database or in the outbox before it is acknowledged, also when its caller leaves meanwhile. While
the database is down, only the tender asks it; readers wait for it as long as it may be waking, and no longer. Writing a
turn twice is the same as once, so a worker may be killed at any moment.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from lectern.adapters.outbox_entries import Entry, are_anothers, left_by, of_conversation, of_turn, owner_mark, visible
from lectern.adapters.outbox_files import OutboxFiles, OutboxFull
from lectern.adapters.outbox_tender import Tender
from lectern.errors import ConversationNotFound, Forbidden, StoreUnavailable
from lectern.ports import Part, Store, Turn

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

SAVE_SECONDS = 2.0
"""How long the end of an answer waits for the database before the turn goes to the outbox."""

_CLOSING_SECONDS = 4.0


class OutboxStore:
    """Implements `lectern.ports.Store`.

    Args:
        database: Where turns belong.
        files: Where they wait.
        patience_seconds: How long reading a conversation waits for the database, which may have to wake.
        migrate: Brings the schema up to date, elsewhere than in this process.
        needs_migration: Whether the database turned out to have no schema or an older one, so that it is called.
    """

    def __init__(
        self,
        database: Store,
        files: OutboxFiles,
        *,
        patience_seconds: float = 5,
        migrate: Callable[[], Awaitable[None]] | None = None,
        needs_migration: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        self._files = files
        self._patience = patience_seconds
        self._tender = Tender(database, files, migrate, needs_migration)
        self._running: set[asyncio.Task[Any]] = set()

    async def history(self, conversation_id: str, *, limit: int, principal_id: str | None = None) -> list[Turn]:
        """The conversation's last turns, with those that still wait here; only those when the database is down."""
        # Looked for first: what is written meanwhile is then seen twice, never not at all.
        entries, mark = await self._entries_of(conversation_id), owner_mark(principal_id)
        # One at least, which tells that the conversation is known.
        waiting = await self._tender.on_disk(self._files.read_all, visible(entries, mark)[-max(1, limit) :])
        known: list[Turn] = []
        ends_at = time.monotonic() + self._patience
        await self._tender.wake(self._patience)
        try:
            asked = self._database.history(conversation_id, limit=limit, principal_id=principal_id)
            known = await self._ask(asked, max(0, ends_at - time.monotonic()))
        except ConversationNotFound:
            if are_anothers(entries, mark):
                raise Forbidden from None
            if not waiting:
                raise
        except StoreUnavailable:
            if not waiting or are_anothers(entries, mark):  # whose it is, the database may know better
                raise
        turns = {turn.id: turn for turn in (*waiting, *known)}
        latest = sorted(turns.values(), key=lambda turn: (turn.created_at, UUID(turn.id)))
        return latest[max(0, len(latest) - limit) :]

    async def turn(self, turn_id: str, *, principal_id: str | None = None) -> Turn:
        """One turn that was saved: the one that waits here, or else the database's, which may have to wake."""
        waiting = of_turn(await self._tender.entries(), turn_id, owner_mark(principal_id))
        for turn in await self._tender.on_disk(self._files.read_all, waiting):
            return turn
        ends_at = time.monotonic() + self._patience
        await self._tender.wake(self._patience)
        asked = self._database.turn(turn_id, principal_id=principal_id)
        return await self._ask(asked, max(0, ends_at - time.monotonic()))

    async def save_turn(self, turn: Turn) -> None:
        """Keep a turn in the database, or here until it can be written there."""
        # A task of its own, because a caller that leaves in the middle must not take the turn along.
        saving = asyncio.create_task(self._save(turn))
        self._remember(saving)
        await asyncio.shield(saving)

    async def delete_conversation(self, conversation_id: str, *, principal_id: str | None = None) -> None:
        """Delete a conversation and all its turns, also those that wait here or were set aside."""
        mark = owner_mark(principal_id)
        async with self._alone_with(lambda entries: of_conversation(entries, conversation_id)) as entries:
            try:
                await self._database.delete_conversation(conversation_id, principal_id=principal_id)
            except ConversationNotFound:
                if are_anothers(entries, mark):
                    raise Forbidden from None
                if not visible(entries, mark):
                    raise
            await self._tender.on_disk(self._files.remove, *visible(entries, mark))

    async def delete_conversations_of(self, principal_id: str) -> int:
        """Delete all conversations of a principal for good, also what waits here or was set aside of them.

        Returns how many the database had.
        """
        async with self._alone_with(lambda entries: left_by(entries, owner_mark(principal_id))) as entries:
            deleted = await self._database.delete_conversations_of(principal_id)
            await self._tender.on_disk(self._files.remove, *entries)
        return deleted

    def describe(self) -> Part:
        """The database, and how many turns wait for it as far as this worker has seen."""
        part = self._database.describe()
        waiting = self._tender.waiting
        if not waiting:
            return part
        count = f"{waiting} {'turn waits' if waiting == 1 else 'turns wait'} to be written"
        return replace(part, note=f"{part.note}; {count}" if part.note else count)

    def forget_connections(self) -> None:
        """Drop the database's connections without closing their sockets."""
        self._database.forget_connections()

    async def warm(self) -> None:
        """Connect and check the schema; from here on the outbox is tended."""
        self._tender.start()
        asked_at = time.monotonic()
        try:
            await self._database.warm()
        except StoreUnavailable:
            self._tender.missed(asked_at)
            raise

    async def close(self) -> None:
        """Finish the saves that run, stop tending, give back connections."""
        if self._running:
            await asyncio.wait(self._running, timeout=_CLOSING_SECONDS)
        await self._tender.stop()
        await self._database.close()

    async def _save(self, turn: Turn) -> None:
        # Behind those of its conversation that wait: the first of them makes it, or settles whose it is.
        if self._tender.waiting and await self._entries_of(turn.conversation_id):
            await self._put(turn)
            return
        try:
            await self._ask(self._database.save_turn(turn), SAVE_SECONDS)
        except StoreUnavailable:
            await self._put(turn)

    async def _put(self, turn: Turn) -> None:
        try:
            await self._tender.on_disk(self._files.put, turn)
        except (OutboxFull, OSError) as error:
            logger.error("Turn %s is not kept: the database is down, and the outbox: %s", turn.id, error)  # noqa: TRY400
            raise StoreUnavailable from error
        self._tender.waiting += 1
        if self._tender.waiting == 1:  # once an outage
            logger.warning("The database is down: turns wait in %s", self._files.folder)

    async def _ask(self, asked: Coroutine[Any, Any, Result], seconds: float) -> Result:
        """Ask the database, unless it is known to be down; what takes too long goes on by itself.

        Raises:
            StoreUnavailable: It is down, or has not answered in time.
        """
        if self._tender.down:
            asked.close()
            raise StoreUnavailable
        asked_at = time.monotonic()
        asking = asyncio.create_task(asked)
        self._remember(asking)
        done, _ = await asyncio.wait({asking}, timeout=seconds)
        if not done or isinstance(asking.exception(), StoreUnavailable):
            self._tender.missed(asked_at)
        if not done:
            raise StoreUnavailable
        return asking.result()

    def _remember(self, task: asyncio.Task[Any]) -> None:
        """Keep a task from being collected, and its error from being reported as unseen."""
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _entries_of(self, conversation_id: str) -> list[Entry]:
        return of_conversation(await self._tender.entries(), conversation_id)

    @asynccontextmanager
    async def _alone_with(self, choose: Callable[[list[Entry]], list[Entry]]) -> AsyncGenerator[list[Entry], None]:
        """What is chosen of all that is on the disk, while nobody writes it to the database.

        Raises:
            StoreUnavailable: Somebody does so now, and would bring back what is deleted.
        """
        if not choose(await self._tender.on_disk(self._files.all_entries)):
            yield []
            return
        with self._files.alone() as alone:
            if not alone:
                raise StoreUnavailable(retry_after_seconds=1)
            yield choose(await self._tender.on_disk(self._files.all_entries))
