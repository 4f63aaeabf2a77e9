"""That a turn is under way in this worker, for the container's other workers to find, and what they wish of it."""

import asyncio
import time
from hashlib import blake2b
from typing import Final, Protocol
from uuid import UUID

from lectern.principal import Principal, is_anonymous
from lectern.serving.roster import Entry, Roster

LOOK_SECONDS: Final = 0.25
"""How often a worker that has turns looks what others wish of them: a read of memory each."""


class Wishable(Protocol):
    """A turn as those see it who wish something of it."""

    def want(self) -> None:
        """Somebody elsewhere follows it, and said so just now."""
        ...

    def stop(self) -> None:
        """Its reader has stopped it."""
        ...


class Presence:
    """The turns of this worker in the container's roster.

    It looks at their wishes by one timer, which runs while there are any.

    Args:
        roster: Where they are noted.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._places: dict[int, Wishable] = {}
        self._wanted_at: dict[int, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, turn: Wishable, *, turn_id: str, conversation_id: str, principal_id: str | None) -> int | None:
        """Note a turn; its place, for `leave`. None when there is no room: others find it by the journal only."""
        first, second = UUID(turn_id).bytes, UUID(conversation_id).bytes
        place = self._roster.add(first, second, owner=_owner(principal_id), now=time.monotonic())
        if place is not None:
            self._places[place] = turn
            self._wanted_at[place] = 0.0
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
        return place

    def leave(self, place: int | None) -> None:
        """Forget a turn that is over and saved. Without a place, nothing."""
        if place is not None and self._places.pop(place, None) is not None:
            del self._wanted_at[place]
            self._roster.remove(place)
        if not self._places and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def is_alone(self, turn_id: str) -> bool:
        """Whether no other worker of this container has noted a turn with this id."""
        return all(entry.place in self._places for entry in self._roster.find(UUID(turn_id).bytes))

    def _look(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
        for place, turn in list(self._places.items()):
            wished = self._roster.wishes(place)
            if wished.wanted_at > self._wanted_at[place]:
                self._wanted_at[place] = wished.wanted_at
                turn.want()
            if wished.stop:
                turn.stop()


def may_have(entry: Entry, principal: Principal) -> bool:
    """Whether a turn is this principal's to know: nobody who could sign in owns it, or this very principal does."""
    return entry.owner in {0, _owner(principal.id)}


def _owner(principal_id: str | None) -> int:
    """Whose a turn is, in a number: 0 is anybody's who knows its id, as its conversation is."""
    if principal_id is None or is_anonymous(principal_id):
        return 0
    return int.from_bytes(blake2b(principal_id.encode(), digest_size=8).digest(), "little") or 1
