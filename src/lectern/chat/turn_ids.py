"""The ids of turns. From one alone can be told, without a database, that Lectern made it, when, and in which container.

A made id is a UUID of version 8 (RFC 9562, 5.8): 48 bits of milliseconds since 1970, the version, 12 bits of the
container's number, the variant, 30 random bits, and 32 bits of an HMAC of all that. The HMAC is no protection, as whose
a turn is says who may have it; it spares those who ask for what never was, and the database that would be asked.

The id of a turn with an idempotency key is made from that key, so that all who have the key come to the same turn.
"""

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from lectern.keyring import Keyring

_PURPOSE: Final = "turn"
_TAG_BYTES: Final = 4
_TAG_BITS: Final = 8 * _TAG_BYTES
_RANDOM_BITS: Final = 30
_INSTANCE_MASK: Final = 0xFFF
_VERSION: Final = 8
_KEYED_VERSION: Final = 5
"""A UUID made from a name is one of this version; here the hash is a keyed one."""

_VARIANT: Final = 0b10
_SKEW_SECONDS: Final = 300
"""How far ahead the clock of another replica may be."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a turn's id tells.

    Attributes:
        at: When it was made, in seconds since 1970.
        here: Whether it was made in this container.
    """

    at: float
    here: bool


class TurnIds:
    """Makes ids of turns, and reads them.

    Args:
        keyring: With an earlier secret's HMAC an id is still known.
        instance: The container's number, 12 bits.
        clock: Seconds since 1970.
    """

    def __init__(
        self, keyring: Keyring, instance: Callable[[], int], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._keyring = keyring
        self._instance = instance
        self._clock = clock

    def new(self) -> str:
        """A new id, as text."""
        high = int(self._clock() * 1000) << 16 | _VERSION << 12 | self._instance() & _INSTANCE_MASK
        told = high << 32 | _VARIANT << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        return str(UUID(int=told << _TAG_BITS | _tag(told, self._keyring.current(_PURPOSE))))

    def read(self, turn_id: str) -> Made | None:
        """What an id tells; None for one that was not made by `new`, also for a keyed one."""
        try:
            number = UUID(turn_id).int
        except ValueError:
            return None
        told, tag = number >> _TAG_BITS, number & (1 << _TAG_BITS) - 1
        if not any(tag == _tag(told, key) for key in self._keyring.every(_PURPOSE)):
            return None
        at = (told >> 48) / 1000
        if at > self._clock() + _SKEW_SECONDS:
            return None
        return Made(at, here=told >> 32 & _INSTANCE_MASK == self._instance() & _INSTANCE_MASK)

    def keyed(self, scope: str, key: str) -> str:
        """The id of the turn that is asked for with an idempotency key, as text.

        Args:
            scope: Whose key it is: the same key of another is another turn.
            key: As the client sent it.
        """
        # The length keeps scope and key apart, whatever stands in either.
        name = f"{len(scope)}:{scope}:{key}".encode(errors="surrogatepass")
        digest = hmac.digest(self._keyring.current(_PURPOSE), b"key\x00" + name, "sha256")
        return str(UUID(bytes=digest[:16], version=_KEYED_VERSION))


def _tag(told: int, key: bytes) -> int:
    return int.from_bytes(hmac.digest(key, b"id\x00" + told.to_bytes(12, "big"), "sha256")[:_TAG_BYTES], "big")
