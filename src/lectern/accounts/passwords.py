"""Passwords as Argon2id hashes, made and checked in a few threads, as each takes 19 MiB while it is under way.

The parameters are OWASP's (19 MiB, two passes, one lane: Password Storage Cheat Sheet, "Argon2id"). A hash of other
parameters still opens, and is made anew when its owner signs in.
"""

import base64
import logging
import unicodedata
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import anyio.to_thread
from anyio import CapacityLimiter

from lectern.errors import TooBusy

if TYPE_CHECKING:  # imported where accounts are used
    from argon2 import PasswordHasher

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

FEWEST_CHARACTERS: Final = 8
"""NIST SP 800-63B, 5.1.1.2: at least eight."""

MOST_CHARACTERS: Final = 256
"""Four times what NIST wants to be possible; more only costs whoever hashes it."""

_MEMORY_KIB, _PASSES, _LANES = 19_456, 2, 1
_SALT_BYTES, _HASH_BYTES = 16, 32

_AT_ONCE: Final = 2
"""Hashes under way in a worker: 38 MiB; each is some 30 ms of one core, which readers' turns want, too."""

_PATIENCE_SECONDS: Final = 5.0


def normal(password: str) -> str:
    """The password in Unicode's form NFKC (NIST SP 800-63B, 5.1.1.2), so that every keyboard makes the same one."""
    return unicodedata.normalize("NFKC", password)


class Passwords:
    """Makes and checks hashes.

    Args:
        memory_kib: Memory of one hash, in KiB.
        passes: Passes over it.
    """

    def __init__(self, *, memory_kib: int = _MEMORY_KIB, passes: int = _PASSES) -> None:
        self._memory, self._passes = memory_kib, passes
        self._limiter = CapacityLimiter(_AT_ONCE)

    async def hash(self, password: str) -> str:
        """A hash to keep.

        Raises:
            TooBusy: Too many are under way.
        """
        return await self._in_turn(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the hash was made from this password. None takes the same work, and is never right.

        Raises:
            TooBusy: Too many are under way.
        """
        return await self._in_turn(lambda: self._matches(password_hash or self._nobodys, password))

    def is_outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with other parameters."""
        return self._hasher.check_needs_rehash(password_hash)

    def _matches(self, password_hash: str, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - for those with accounts

        try:
            return self._hasher.verify(password_hash, password)
        except VerificationError:
            return False
        except InvalidHashError:
            logger.warning("A kept password hash is none; its account cannot sign in")
            return False

    @cached_property
    def _hasher(self) -> "PasswordHasher":
        from argon2 import PasswordHasher  # noqa: PLC0415 - as above

        return PasswordHasher(
            time_cost=self._passes,
            memory_cost=self._memory,
            parallelism=_LANES,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
        )

    @property
    def _nobodys(self) -> str:
        """A hash of our parameters that no password has: all zeros, which takes as long to find out as any."""
        salt, digest = (base64.b64encode(bytes(size)).decode().rstrip("=") for size in (_SALT_BYTES, _HASH_BYTES))
        return f"$argon2id$v=19$m={self._memory},t={self._passes},p={_LANES}${salt}${digest}"

    async def _in_turn(self, work: Callable[[], Result]) -> Result:
        borrower = object()
        with anyio.move_on_after(_PATIENCE_SECONDS) as waiting:
            await self._limiter.acquire_on_behalf_of(borrower)
        if waiting.cancelled_caught:
            raise TooBusy
        try:
            return await anyio.to_thread.run_sync(work)
        finally:
            self._limiter.release_on_behalf_of(borrower)
