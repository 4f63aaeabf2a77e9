"""One secret, many keys: each use has a key of its own, and old secrets still open what they closed."""

import hmac
from collections.abc import Callable, Sequence
from functools import cached_property


class Keyring:
    """Keys derived from secrets (HMAC-SHA256 of the purpose, as HKDF-Expand's first block: RFC 5869, 2.3).

    Args:
        secrets: Newest first: the first one makes what is new, the others only read what they made. At least one. Or
            what gives them, called once at the first use: a secret that is kept in a file is not read before the fork.
    """

    def __init__(self, secrets: Sequence[bytes] | Callable[[], Sequence[bytes]]) -> None:
        if not secrets:
            raise ValueError(_NONE)
        self._given = secrets

    def current(self, purpose: str) -> bytes:
        """The 32 bytes with which to make something new for this purpose."""
        return _derived(self._secrets[0], purpose)

    def every(self, purpose: str) -> tuple[bytes, ...]:
        """The keys that may have made what is there for this purpose, newest first."""
        return tuple(_derived(secret, purpose) for secret in self._secrets)

    def load(self) -> None:
        """Have the secrets at hand, so that no request waits for a file."""
        _ = self._secrets

    @cached_property
    def _secrets(self) -> tuple[bytes, ...]:
        secrets = tuple(self._given() if callable(self._given) else self._given)
        if not secrets:
            raise ValueError(_NONE)
        return secrets

    def __repr__(self) -> str:
        """That it is one, never what is on it."""
        return "Keyring()"


_NONE = "a keyring needs a secret"


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, purpose.encode() + b"\x01", "sha256")
