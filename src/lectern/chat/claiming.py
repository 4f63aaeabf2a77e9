"""One turn for one idempotency key: of the workers that get it at once, one begins it, and the others follow."""

from dataclasses import dataclass
from typing import Final

from lectern.chat.journaling import LEASE_SECONDS
from lectern.chat.presence import Presence
from lectern.errors import IdempotencyMismatch, StoreUnavailable, TurnNotFound, TurnRunning
from lectern.ports import Journal, JournalHead, Store

HEAD_ONLY: Final = 2**31 - 1
"""A batch number that none has, for who reads a turn's head and wants no events."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims turns.

    Attributes:
        store: Where they are when they are over.
        journal: Where a claim is seen by all.
        presence: Where it is seen in this container, while the database is away.
    """

    store: Store
    journal: Journal
    presence: Presence

    async def claim(self, head: JournalHead) -> bool:
        """Make a turn the caller's, whose presence has noted it; False when it is under way elsewhere or over.

        Raises:
            IdempotencyMismatch: The key was used for another question.
            TurnRunning: The database is away, and another worker has the turn under way.
        """
        try:
            mine = await self.journal.claim(head, seconds=LEASE_SECONDS)
        except StoreUnavailable:
            return await self._without_database(head)
        if mine:
            # Whoever had it saved it before giving it up: this look cannot come in between.
            try:
                over = await self._is_over(head)
            except StoreUnavailable:
                over = False
            except IdempotencyMismatch:
                await self.journal.delete(head.turn_id)
                raise
            if over:
                await self.journal.delete(head.turn_id)
            return not over
        page = await self.journal.read(head.turn_id, after=HEAD_ONLY)
        if page is not None and page.head.digest != head.digest:
            raise IdempotencyMismatch
        return False

    async def _without_database(self, head: JournalHead) -> bool:
        """Of several workers that begin at once each sees the others here, so that no two of them go on."""
        if not self.presence.is_alone(head.turn_id):
            raise TurnRunning(retry_after_seconds=1)
        try:
            return not await self._is_over(head)
        except StoreUnavailable:
            return True

    async def _is_over(self, head: JournalHead) -> bool:
        """Whether the turn is saved.

        Raises:
            IdempotencyMismatch: It answers another question.
        """
        try:
            turn = await self.store.turn(head.turn_id, principal_id=head.principal_id)
        except TurnNotFound:
            return False
        if turn.question != head.question:
            raise IdempotencyMismatch
        return True
