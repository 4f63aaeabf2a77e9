"""Where rewritten pieces of chapters are kept, so that each is paid once, whichever worker or replica is asked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be had of some keys. A key that stands in neither is being worked on by somebody else.

    Attributes:
        kept: `key → text` of what is there.
        mine: What the caller may work on now.
    """

    kept: Mapping[str, str]
    mine: frozenset[str]


class Rewrites(Protocol):
    """One short transaction a verb. Every verb raises `StoreUnavailable` when it cannot be done now."""

    async def kept(self, keys: Collection[str]) -> dict[str, str]:
        """`key → text` of what is there.

        Args:
            keys: Digests of all that decides a text, in hexadecimal, at most 64 characters each.
        """
        ...

    async def claim(self, keys: Collection[str], *, holder: str, seconds: float) -> Claim:
        """What is there, and the right to make the rest: of those who want a key at once, one gets it.

        Args:
            keys: As in `kept`.
            holder: Who claims; unique to one piece of work.
            seconds: When others may claim what has not been kept or released by then.
        """
        ...

    async def keep(self, texts: Mapping[str, str]) -> None:
        """Keep texts under their keys, whoever claimed them; what is there already stays as it is."""
        ...

    async def release(self, keys: Collection[str], *, holder: str) -> None:
        """Give up what this holder claimed and did not keep."""
        ...
