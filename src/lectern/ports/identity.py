"""Who somebody is, by what they carry."""

from collections.abc import Mapping
from typing import Protocol

from lectern.ports.part import Part
from lectern.principal import Principal

MOST_CREDENTIAL_CHARACTERS = 8192
"""Longest token or cookie that is looked at; servers refuse headers of twice that anyway."""


class IdentitySource(Protocol):
    """One kind of credentials: a login server's tokens, its session cookies, own accounts, integrations' keys."""

    async def by_token(self, token: str) -> Principal | None:
        """Who carries this bearer token; None when it is of another kind.

        Raises:
            Unauthorized: It is of this kind, but forged, expired or revoked; the message does not repeat it.
            LoginUnavailable: It cannot be told now.
            StoreUnavailable: It cannot be told now.
        """
        ...

    async def by_cookies(self, cookies: Mapping[str, str]) -> Principal | None:
        """Who carries these cookies; None when none of them is of this kind, or the one that is is not valid.

        Raises:
            LoginUnavailable: It cannot be told now.
            StoreUnavailable: It cannot be told now.
        """
        ...

    def describe(self) -> Part:
        """What stands behind it, from memory."""
        ...

    async def warm(self) -> None:
        """Fetch what the first request would have to wait for."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
