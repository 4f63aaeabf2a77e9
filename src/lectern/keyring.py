"""One secret, many keys: each use has a key of its own, and old secrets still open what they closed."""

import hmac
from collections.abc import Sequence


class Keyring:
    """Keys derived from secrets (HMAC-SHA256 of the purpose, as HKDF-Expand's first block: RFC 5869, 2.3).

    Args:
        secrets: Newest first: the first one makes what is new, the others only read what they made. At least one.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets:
            msg = "a keyring needs a secret"
            raise ValueError(msg)
        self._secrets = tuple(secrets)

    def current(self, purpose: str) -> bytes:
        """The 32 bytes with which to make something new for this purpose."""
        return _derived(self._secrets[0], purpose)

    def every(self, purpose: str) -> tuple[bytes, ...]:
        """The keys that may have made what is there for this purpose, newest first."""
        return tuple(_derived(secret, purpose) for secret in self._secrets)

    def __repr__(self) -> str:
        """How many, never which."""
        return f"Keyring({len(self._secrets)} secrets)"


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, purpose.encode() + b"\x01", "sha256")
