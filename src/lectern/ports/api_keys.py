"""Keys with which programs ask: each integration has one of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from lectern.rate import Rate

MOST_KEYS: Final = 1000
"""Keys that hold at once: each worker has all of them in memory, at some 500 bytes each."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key; what it is itself nobody keeps.

    Attributes:
        id: UUID, as text; its principal is `integration:<id>`.
        name: What the operator calls the integration.
        hint: The key's last characters, by which its owner knows it.
        rate: How often it may ask; None for what accounts may.
        created_at: UTC.
        expires_at: From when on it is worth nothing, UTC; None never.
        revoked_at: When it was revoked, UTC; None while it holds.
    """

    id: str
    name: str
    hint: str
    rate: Rate | None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class ApiKeys(Protocol):
    """One short transaction a verb. Every verb raises `StoreUnavailable` when it cannot be done now."""

    async def add(self, key: ApiKey, digest: str) -> None:
        """Keep a new key under the digest of what it is.

        Raises:
            TooManyKeys: `MOST_KEYS` hold already.
        """
        ...

    async def holding(self) -> Mapping[str, ApiKey]:
        """The keys that hold now, by their digests: neither revoked nor expired."""
        ...

    async def all(self) -> Sequence[ApiKey]:
        """The newest `MOST_KEYS` keys, newest first, also those that hold no more."""
        ...

    async def revoke(self, key_id: str) -> bool:
        """Make a key worth nothing from now on; False when there is none, whatever text the id is.

        One that is worth nothing already stays as it is.
        """
        ...
