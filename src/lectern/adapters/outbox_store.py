"""A store whose turns are safe while its database sleeps, restarts or is away: they wait on this machine's disk.

A turn is kept in the database or in the outbox before it is acknowledged, also when its caller leaves meanwhile. While
the database is down, only the tender asks it; readers wait for it as long as it may be waking, and no longer. Writing a
turn twice is the same as once, so a worker may be killed at any moment.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from lectern.adapters.outbox_files import Entry, NotReadable, OutboxFiles, OutboxFull
from lectern.adapters.outbox_tender import Tender
from lectern.errors import ConversationNotFound, StoreUnavailable
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
        del principal_id
        # Looked for first: what is written meanwhile is then seen twice, never not at all.
        waiting = await self._waiting_of(conversation_id, limit)
        known: list[Turn] = []
        ends_at = time.monotonic() + self._patience
        await self._tender.wake(self._patience)
        try:
            known = await self._ask(
                self._database.history(conversation_id, limit=limit), max(0, ends_at - time.monotonic())
            )
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

    async def delete_conversation(self, conversation_id: str, *, principal_id: str | None = None) -> None:
        """Delete a conversation and all its turns, also those that wait."""
        del principal_id
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
                await self._tender.on_disk(self._files.remove, entry)

    async def delete_conversations_of(self, principal_id: str) -> int:
        """Delete all conversations of a principal for good."""
        return await self._database.delete_conversations_of(principal_id)

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

    async def _waiting_of(self, conversation_id: str, limit: int) -> list[Turn]:
        """The last of the conversation's turns that wait; one at least, which tells that the conversation is known."""
        turns = []
        for entry in (await self._entries_of(conversation_id))[-max(1, limit) :]:
            try:
                turns.append(await self._tender.on_disk(self._files.read, entry))
            except NotReadable:  # set aside and told when it is its turn to be written
                continue
        return [turn for turn in turns if turn is not None]

    async def _entries_of(self, conversation_id: str) -> list[Entry]:
        try:
            conversation = UUID(conversation_id)
        except ValueError:
            return []
        return [entry for entry in await self._tender.entries() if entry.conversation == conversation]
