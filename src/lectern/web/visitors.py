"""Who an anonymous reader was the last time: a signed id in a cookie that nobody can make up, and that does not last.

An id is there so that a reader's own conversations, limits and budget are one reader's. It is random, stands for
nothing, and ends 30 days after it was given out, however often its reader comes: from then on nothing tells that two
conversations were one person's, so nobody can be followed for long. `Partitioned` gives a browser another one on each
site that embeds the assistant, so nobody can be followed across sites either.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final
from uuid import uuid4

from itsdangerous import BadSignature, Signer

from lectern.keyring import Keyring
from lectern.web.cookies import cookie

COOKIE: Final = "lectern_visitor"
SECURE_COOKIE: Final = f"__Host-{COOKIE}"
"""Over https. By this prefix browsers take it from this very host only, never from a neighbour below its domain."""

LONGEST_SECONDS: Final = 30 * 24 * 3600
"""How long an id is used; see above for why it ends."""

_SKEW_SECONDS: Final = 300
"""How far ahead the clock of another replica may be."""

_PURPOSE: Final = "visitor"
_LONGEST_VALUE: Final = 200


@dataclass(frozen=True, slots=True)
class Visitor:
    """An anonymous reader.

    Attributes:
        id: 32 hex digits.
        born: When it was given out, in seconds since 1970.
        is_new: Whether it was made for this very request.
        is_stale: Whether the cookie that showed it has to be signed again, with the newest secret.
    """

    id: str
    born: int
    is_new: bool = False
    is_stale: bool = False


class Visitors:
    """Gives visitors their ids and knows them again.

    Args:
        keyring: Signs them. With an earlier secret's signature an id is still known, and signed again.
        clock: Seconds since 1970.
    """

    def __init__(self, keyring: Keyring, *, clock: Callable[[], float] = time.time) -> None:
        self._keyring = keyring
        self._clock = clock

    def of(self, value: str | None) -> Visitor:
        """Whose cookie this is; somebody new when it is none of ours, forged, or too old."""
        now = int(self._clock())
        known = self._known(value, now) if value and len(value) <= _LONGEST_VALUE and value.isascii() else None
        return known or Visitor(uuid4().hex, now, is_new=True)

    def cookie(self, visitor: Visitor, *, secure: bool) -> str:
        """The `Set-Cookie` header that shows this visitor again.

        Over https pages of other sites send it too (those that may call at all); over plain http, which browsers let no
        such cookie through, pages on the same machine do.

        Args:
            visitor: Whom it shows.
            secure: Whether the request came over https.
        """
        value = self._newest.sign(f"{visitor.id}.{visitor.born:x}").decode("ascii")
        left = visitor.born + LONGEST_SECONDS - int(self._clock())
        return cookie(SECURE_COOKIE if secure else COOKIE, value, seconds=left, secure=secure)

    def _known(self, value: str, now: int) -> Visitor | None:
        is_stale = False
        try:
            signed = self._newest.unsign(value)
        except BadSignature:
            try:
                signed, is_stale = self._any.unsign(value), True
            except BadSignature:
                return None
        id_, _, born_in_hex = signed.decode("ascii").partition(".")
        born = int(born_in_hex, 16)
        if not now - LONGEST_SECONDS < born <= now + _SKEW_SECONDS:
            return None
        return Visitor(id_, born, is_stale=is_stale)

    @cached_property
    def _newest(self) -> Signer:
        return _signer([self._keyring.current(_PURPOSE)])

    @cached_property
    def _any(self) -> Signer:
        return _signer(list(reversed(self._keyring.every(_PURPOSE))))  # the library wants the newest last


def _signer(keys: list[bytes]) -> Signer:
    """HMAC-SHA256 by these keys as they are: they have one purpose already."""
    return Signer(keys, key_derivation="none", digest_method=sha256)
