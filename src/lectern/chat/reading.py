"""How far one follower has read in a turn that is elsewhere. Pure: moments are handed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lectern.chat.batches import read
from lectern.events import Delta, Event, after, characters
from lectern.ports import JournalPage

_GRACE_SECONDS: Final = 3.0
"""How long an owner whose promise is over may be silent before it is dead: several of its beats, by the clock of who
looks, so that neither a clock that differs nor a database that was away for both makes a dead one of a living."""


@dataclass(slots=True)
class Reading:
    """What a follower knows of its turn.

    Attributes:
        turn_id: UUID, as text.
        key: The same, as 16 bytes.
        position: Behind what it has been told.
        number: The last batch it has read.
        seen: Whether the turn was found under way.
        over: Whether it has been told its end.
        wished_at: When it last said that it follows, on a monotonic clock, as the next ones.
        missing_since: Since when the turn is nowhere; None before.
        away_since: Since when the database is away; None while it is not.
    """

    turn_id: str
    key: bytes
    position: int
    number: int = 0
    seen: bool = False
    over: bool = False
    wished_at: float = float("-inf")
    missing_since: float | None = None
    away_since: float | None = None
    _written: int = 0
    _promise: datetime | None = None
    _promised_at: float = 0.0

    def take(self, page: JournalPage) -> list[Event]:
        """The events of the batches that were not read yet, as far as they lie behind the position."""
        found: list[Event] = []
        for number, batch in page.batches:
            self.number = number
            for event in read(batch):
                begin, self._written = self._written, after(self._written, event)
                if begin >= self.position:
                    found.append(event)
                elif self._written > self.position and isinstance(event, Delta):
                    found.append(Delta(event.text[characters(self.position) - characters(begin) :]))
                self.position = max(self.position, self._written)
        return found

    def is_dead(self, page: JournalPage, wall: float, now: float) -> bool:
        """Whether the turn's owner has died.

        Args:
            page: What is written down now.
            wall: The moment, in seconds since 1970.
            now: The same on a monotonic clock.
        """
        if page.alive_until != self._promise:
            self._promise, self._promised_at = page.alive_until, now
        return page.alive_until.timestamp() <= wall and now >= self._promised_at + _GRACE_SECONDS

    def is_away(self, now: float) -> float:
        """The database does not answer; for how many seconds so far, by a monotonic clock."""
        self.away_since = now if self.away_since is None else self.away_since
        return now - self.away_since

    def is_back(self) -> None:
        """The database answers. An owner could promise nothing while it did not, so its grace begins anew."""
        if self.away_since is not None:
            self.away_since = self._promise = None

    def end(self, events: Sequence[Event]) -> Sequence[Event]:
        """The last events, after which there is nothing to follow."""
        self.over = True
        return events
