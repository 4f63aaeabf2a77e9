"""Keys with which programs ask: each integration has one of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key; what it is itself nobody keeps.

    Attributes:
        id: UUID, as text; its principal is `integration:<id>`.
        name: What the owner calls the integration.
        hint: The key's last characters, by which its owner knows it.
        limits: How often it may ask, as one rate of `LIMITS` (`60/minute`); empty for what accounts may.
        created_at: UTC.
        expires_at: From when on it is worth nothing, UTC; None never.
        revoked_at: When it was revoked, UTC; None while it holds.
    """

    id: str
    name: str
    hint: str
    limits: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class ApiKeys(Protocol):
    """One short transaction a verb. Every verb raises `StoreUnavailable` when it cannot be done now."""

    async def add(self, key: ApiKey, digest: str) -> None:
        """Keep a new key under the digest of what it is."""
        ...

    async def by_digest(self, digest: str) -> ApiKey | None:
        """The key with this digest, also one that holds no more."""
        ...

    async def all(self) -> Sequence[ApiKey]:
        """Every key, newest first."""
        ...

    async def revoke(self, key_id: str) -> bool:
        """Make a key worth nothing from now on; False when there is none, whatever text the id is."""
        ...
