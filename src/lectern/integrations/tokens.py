"""What a key looks like, and under what it is kept.

`lk_`, 32 random bytes as 43 URL-safe characters, and their checksum as six more. By the checksum a scanner of secrets
tells a key from what only looks like one, and one that was cut while it was copied costs no question of the database.

Of a key only its SHA-256 is kept. A slow hash, as passwords have, would protect nothing more: it makes each guess dear,
and 256 random bits cannot be guessed; it would only make each request dear.
"""

import hashlib
import re
import secrets
import zlib
from base64 import urlsafe_b64encode
from typing import Final

PREFIX: Final = "lk_"
"""What each key begins with: so that other sources leave it alone."""

HINT_CHARACTERS: Final = 4
"""How much of a key's end is kept readable, for its owner to know it by; of 256 bits it gives 24 away."""

_BYTES: Final = 32
_FORM: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}([A-Za-z0-9_-]{{6}})")


def new_token() -> str:
    """A key that nobody has."""
    token = PREFIX + secrets.token_urlsafe(_BYTES)
    return token + _checksum(token)


def digest_of(token: str) -> str | None:
    """Under what a key is kept: 64 hexadecimal digits; None for what cannot be a key."""
    found = _FORM.fullmatch(token)
    if found is None or found[1] != _checksum(token[: -len(found[1])]):
        return None
    return hashlib.sha256(token.encode()).hexdigest()


def hint_of(token: str) -> str:
    """A key's last characters."""
    return token[-HINT_CHARACTERS:]


def _checksum(text: str) -> str:
    """The CRC-32 of a text, most significant byte first, in six URL-safe characters."""
    return urlsafe_b64encode(zlib.crc32(text.encode()).to_bytes(4)).decode().rstrip("=")
