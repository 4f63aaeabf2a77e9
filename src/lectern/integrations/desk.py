"""Makes keys, shows which there are, and revokes them: for the operator, by HTTP or by the command line."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from lectern.errors import KeyNotFound
from lectern.integrations.tokens import digest_of, hint_of, new_token
from lectern.ports import ApiKey, ApiKeys
from lectern.rate import Rate

MOST_NAME_CHARACTERS: Final = 100
MOST_DAYS: Final = 3650


class KeyDesk:
    """The operator's hands on the keys.

    Args:
        keys: Where they are kept.
    """

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    async def add(self, name: str, *, rate: Rate | None, days: int | None) -> tuple[ApiKey, str]:
        """Make a key; what it is itself is told now and never again.

        Args:
            name: What to call the integration; kept as one line.
            rate: How often it may ask; None for what accounts may.
            days: How long it holds; None until it is revoked.

        Returns:
            What is kept of it, and the key.

        Raises:
            TooManyKeys: There is no room for another.
            StoreUnavailable: It cannot be kept now; nobody has it then.
        """
        token, now = new_token(), datetime.now(UTC)
        digest = digest_of(token)
        assert digest is not None
        expires_at = now + timedelta(days=days) if days is not None else None
        key = ApiKey(str(uuid4()), " ".join(name.split()), hint_of(token), rate, now, expires_at)
        await self._keys.add(key, digest)
        return key, token

    async def all(self) -> Sequence[ApiKey]:
        """The newest keys, newest first, also those that hold no more.

        Raises:
            StoreUnavailable: They cannot be read now.
        """
        return await self._keys.all()

    async def revoke(self, key_id: str) -> None:
        """Make a key worth nothing; done again it changes nothing.

        Raises:
            KeyNotFound: There is none with this id.
            StoreUnavailable: It cannot be done now.
        """
        if not await self._keys.revoke(key_id):
            raise KeyNotFound
