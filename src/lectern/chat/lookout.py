"""One look at a turn that is elsewhere: where it is now, and what of it was not told yet."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lectern.chat.batches import read
from lectern.chat.presence import may_have
from lectern.chat.reading import Reading
from lectern.chat.replay import lost, replay
from lectern.chat.turn_ids import TurnIds
from lectern.errors import ConversationNotFound, Forbidden, StoreUnavailable, TurnLost, TurnNotFound
from lectern.events import Event, Failed
from lectern.ports import Journal, JournalHead, JournalPage, Store, Turn
from lectern.principal import Principal, is_anonymous
from lectern.serving.roster import Entry, Roster

_WISH_SECONDS: Final = 3.0
"""How often a follower in another container says in the journal that it follows: a write each time."""

_MISSING_SECONDS: Final = 3.0
"""How long a turn is looked for that should be somewhere: its owner may be about to write or to save it."""

_SAVING_SECONDS: Final = 30.0
"""How long after its request's time a turn may still show: to abandon it, save it, and write it from an outbox."""


@dataclass(frozen=True, slots=True)
class Lookout:
    """Looks where turns are.

    Attributes:
        store: Where they are when they are saved.
        journal: Where they are written down.
        roster: What this container's workers have under way.
        ids: Reads their ids.
        turn_seconds: The longest that a turn takes.
    """

    store: Store
    journal: Journal
    roster: Roster
    ids: TurnIds
    turn_seconds: float

    async def look(self, reading: Reading, principal: Principal) -> Sequence[Event]:
        """What is known of the turn now and was not yet told.

        Raises:
            TurnNotFound: There is no such turn, or it is another's.
            InvalidRequest: It is over, and the position lies behind its end.
            StoreUnavailable: It cannot be told now.
        """
        here = self._here(reading, principal)
        page = await self.journal.read(reading.turn_id, after=reading.number)
        if page is not None:
            if not reaches(page.head, principal):
                raise TurnNotFound
            reading.seen, reading.missing_since = True, None
            events = reading.take(page)
            try:
                return events if here else [*events, *await self._after_death(reading, page, principal)]
            except StoreUnavailable:
                if not events:
                    raise
                return events  # they are read, and are told now or never
        if here:
            reading.seen, reading.missing_since = True, None
            return []
        try:
            turn = await self.store.turn(reading.turn_id, principal_id=principal.id)
        except TurnNotFound as error:
            if isinstance(error.__cause__, Forbidden):
                raise
            return self._miss(reading)
        return reading.end(replay(turn, reading.position))

    def _here(self, reading: Reading, principal: Principal) -> Sequence[Entry]:
        """Where the turn is live in this container; it is wanted there from now on.

        Raises:
            TurnNotFound: It is another's.
        """
        entries = self.roster.find(reading.key)
        for entry in entries:
            if not may_have(entry, principal):
                raise TurnNotFound
            self.roster.want(entry, time.monotonic())
        return entries

    async def _after_death(self, reading: Reading, page: JournalPage, principal: Principal) -> Sequence[Event]:
        """What is left to tell when the owner, who is in another container or was in this one, has died.

        One that lives is told that its turn is followed.
        """
        now = time.monotonic()
        if reading.is_dead(page, time.time(), now):
            return await self._bury(reading, page, principal)
        if now >= reading.wished_at + _WISH_SECONDS:
            await self.journal.wish(reading.turn_id)
            reading.wished_at = now
        return ()

    def _miss(self, reading: Reading) -> Sequence[Event]:
        """The turn is nowhere: wait for it as long as it may show.

        Raises:
            TurnNotFound: There is no such turn, as far as anybody can know.
        """
        made = self.ids.read(reading.turn_id)
        if not reading.seen and (made is None or not self.may_last(made.at)):
            raise TurnNotFound
        now = time.monotonic()
        reading.missing_since = reading.missing_since or now
        should_show = not reading.seen and made is not None and not made.here and self.may_last(made.at)
        if should_show or now < reading.missing_since + _MISSING_SECONDS:
            return []
        return reading.end([Failed.of(TurnLost())])

    def may_last(self, began: float) -> bool:
        """Whether a turn that began at this moment, in seconds since 1970, may still show."""
        return time.time() < began + self.turn_seconds + _SAVING_SECONDS

    async def _bury(self, reading: Reading, page: JournalPage, principal: Principal) -> Sequence[Event]:
        """Keep what was written of a turn whose worker died, once, whoever finds it; what is left to tell of it."""
        try:
            turn = await self._kept(reading.turn_id, principal)
            if turn is None:
                whole = await self.journal.read(reading.turn_id) or page
                await self.store.save_turn(_remains(whole))
                turn = await self._kept(reading.turn_id, principal)  # another may have kept it first
            await self.journal.delete(reading.turn_id)
        except (ConversationNotFound, Forbidden):  # deleted, or claimed by somebody else: nothing is kept
            turn = None
        return reading.end([Failed.of(TurnLost())] if turn is None else replay(turn, reading.position))

    async def _kept(self, turn_id: str, principal: Principal) -> Turn | None:
        try:
            return await self.store.turn(turn_id, principal_id=principal.id)
        except TurnNotFound:
            return None


def reaches(head: JournalHead, principal: Principal) -> bool:
    """Whether a turn is this principal's to know, by the conversations' rule."""
    return is_anonymous(head.principal_id) or head.principal_id == principal.id


def _remains(page: JournalPage) -> Turn:
    """What is kept of a turn whose worker died."""
    events = [event for _, batch in page.batches for event in read(batch)]
    return lost(page.head, events, created_at=page.created_at)
