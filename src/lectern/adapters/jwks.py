"""The keys of a login server: where they are shown, who has them, and those that an operator wrote down."""

from typing import Final, Protocol
from urllib.parse import urlsplit

import jwt

from lectern.adapters.jwt_verification import VerifyingKeys
from lectern.ports import State

PATH: Final = "/api/auth"
KEYS: Final = "/jwks"
"""Better Auth's own paths (https://www.better-auth.com/docs/plugins/jwt); its base path may be changed."""


class Keys(Protocol):
    """Whoever has the keys that tokens are checked with."""

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key of that name and algorithm; None when the server has none.

        Raises:
            LoginUnavailable: The server cannot be asked, and what it said last does not tell.
        """
        ...

    def standing(self) -> tuple[State, str]:
        """How it stands with them, and one phrase for people; from memory."""
        ...

    async def warm(self) -> None:
        """Begin to fetch them."""
        ...

    async def close(self) -> None:
        """End what goes on."""
        ...


class PinnedKeys:
    """Implements `Keys` with those that the operator wrote down; no server is asked."""

    def __init__(self, keys: VerifyingKeys) -> None:
        self._keys = keys

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """Find it among them."""
        return self._keys.find(kid, algorithm)

    def standing(self) -> tuple[State, str]:
        """Their number."""
        return "ok", f"{counted(self._keys)}, pinned"

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


def jwks_url(base: str) -> str:
    """Where the keys are, by the server's address with or without its base path."""
    base = base.rstrip("/")
    return f"{base}{KEYS}" if urlsplit(base).path else f"{base}{PATH}{KEYS}"


def counted(keys: VerifyingKeys) -> str:
    """Their number, for people."""
    return f"{len(keys)} {'key' if len(keys) == 1 else 'keys'}"
