"""Whether a secret on a Space is still the one we have, although nobody can read it back.

The Hub tells of a secret its name and its description, to those who may change it. The description holds a random salt
and 24 bits of a slow hash (scrypt, 16 MB) of salt and value: a changed value is missed once in 16 million times, and
whoever sees it cannot tell a right guess from one in 16 million wrong ones. A value that someone changed on the Space's
page keeps our description, so it stays until ours changes.
"""

import hashlib
import re
import secrets
from typing import Final

_BYTES: Final = 3
_WRITTEN: Final = re.compile(r"^set by lectern deploy; mark ([0-9a-f]{32}):([0-9a-f]{6})$")


def describe(value: str) -> str:
    """A description for a secret of this value; another one each time."""
    salt = secrets.token_hex(16)
    return f"set by lectern deploy; mark {salt}:{_hash(value, salt)}"


def is_of(description: str | None, value: str) -> bool:
    """Whether a description was made for this value; False for any that is not ours."""
    written = _WRITTEN.match(description or "")
    return written is not None and secrets.compare_digest(written[2], _hash(value, written[1]))


def _hash(value: str, salt: str) -> str:
    # The interactive cost of RFC 7914; its memory is 128 * n * r bytes.
    return hashlib.scrypt(value.encode(), salt=bytes.fromhex(salt), n=16384, r=8, p=1, dklen=_BYTES).hex()
