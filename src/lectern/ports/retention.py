"""What has been kept for long enough, and how it goes."""

from datetime import datetime
from typing import Protocol


class Retention(Protocol):
    """Deletes what is old, for good. One short transaction a verb, safe to do twice and by several at once.

    Every verb raises `StoreUnavailable` when it cannot be done now.
    """

    async def expire_conversations(self, before: datetime, *, anonymous: bool, most: int) -> int:
        """Delete conversations whose last question came before then, the oldest first, with all their turns.

        Args:
            before: When.
            anonymous: Those of visitors and of nobody; else those of accounts and users.
            most: How many at once.

        Returns:
            How many; fewer than `most` means that no more are left.
        """
        ...

    async def expire_logins(self, before: datetime) -> int:
        """Delete the logins that ended before then; returns how many."""
        ...

    async def expire_rewrites(self, before: datetime, *, most: int) -> int:
        """Delete rewritten pieces that were used before then and not since, the longest unused first.

        Args:
            before: When.
            most: How many at once.

        Returns:
            How many; fewer than `most` means that no more are left.
        """
        ...

    async def expire_task_keys(self, before: datetime, *, most: int) -> int:
        """Delete what is remembered of writes, turns and questions of the task assistant that came before then.

        Args:
            before: When.
            most: How many of each kind at once, the oldest first.

        Returns:
            How many in all; fewer than `most` means that no more are left.
        """
        ...

    async def expire_live_turns(self, before: datetime, *, most: int) -> int:
        """Delete what the journal has of turns whose owners were last alive before then, the oldest first.

        Args:
            before: When.
            most: How many at once.

        Returns:
            How many; fewer than `most` means that no more are left.
        """
        ...

    async def expire_api_keys(self, before: datetime, *, most: int) -> int:
        """Delete keys of integrations that were revoked, or worth nothing any more, before then; as above."""
        ...

    async def scrub(self) -> None:
        """Take what was deleted so far out of the database's files, where that is ours to do."""
        ...
