"""A turn that is not live in this worker: found, followed and stopped where it is.

It may be live in another worker of this container (the roster tells), be written down by whichever worker has it (the
journal), be over and saved, or be under way in another container without a word of it anywhere yet.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from lectern.chat.batches import read
from lectern.chat.claiming import HEAD_ONLY
from lectern.chat.presence import LOOK_SECONDS, may_have
from lectern.chat.reading import Reading
from lectern.chat.replay import lost, replay
from lectern.chat.turn_ids import TurnIds
from lectern.errors import (
    ConversationNotFound,
    Forbidden,
    LecternError,
    StoreUnavailable,
    TurnLost,
    TurnNotFound,
    TurnRunning,
)
from lectern.events import Event, Failed
from lectern.ports import Journal, JournalHead, JournalPage, Store, Turn
from lectern.principal import Principal, is_anonymous
from lectern.serving.roster import Entry, Roster

_FIRST_LOOK_SECONDS: Final = 0.05
_LOOK_SECONDS: Final = 0.5
"""How often the journal is read: soon at first, then twice a second, as often as it is written."""

_WISH_SECONDS: Final = 3.0
"""How often a follower in another container says in the journal that it follows: a write each time."""

_MISSING_SECONDS: Final = 3.0
"""How long a turn is looked for that should be somewhere: its owner may be about to write or to save it."""

_AWAY_SECONDS: Final = 10.0
"""How long a stream that has begun waits for a database that is away."""

_STOP_SECONDS: Final = 3.0
"""How long one waits for a turn to show that is to be stopped: once its reader has left it, it is written down."""

_SAVING_SECONDS: Final = 30.0
"""How long after its request's time a turn may still show: to abandon it, save it, and write it from an outbox."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Finds turns that are not live in this worker.

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

    async def follow(
        self, turn_id: str, principal: Principal, *, position: int
    ) -> AsyncGenerator[tuple[int, Sequence[Event]], None]:
        """What happens in a turn behind a position: the position before, and what came together, until its end.

        The first batch comes as soon as it is known that there is, or may be, such a turn, and may be empty. Whatever
        happens from then on is told by an event, of which the last is `done` or `failed`.

        Raises:
            TurnNotFound: There is no such turn, or it is another's.
            InvalidRequest: The turn is over, and the position lies behind its end.
            StoreUnavailable: It cannot be told now.
        """
        reading = Reading(turn_id, _bytes(turn_id), position)
        events: Sequence[Event] = await self._look(reading, principal)
        yield position, events
        pause = _FIRST_LOOK_SECONDS
        while not reading.over:
            await asyncio.sleep(pause)
            at = reading.position
            try:
                events = await self._look(reading, principal)
                reading.away_since = None
            except StoreUnavailable as error:
                events = self._be_patient(reading, error)
            except LecternError as error:
                events, reading.over = [Failed.of(error)], True
            pause = _LOOK_SECONDS / 2 if events else min(2 * pause, _LOOK_SECONDS)
            if events:
                yield at, events

    async def find(self, conversation_id: str, principal: Principal) -> str | None:
        """The turn that is under way in a conversation, as far as this principal may know.

        Raises:
            StoreUnavailable: It cannot be told now.
        """
        entry = self.roster.find_latest(_bytes(conversation_id))
        if entry is not None:
            return str(UUID(bytes=entry.first)) if may_have(entry, principal) else None
        head = await self.journal.find(conversation_id)
        return head.turn_id if head is not None and _reaches(head, principal) else None

    async def stop(self, turn_id: str, principal: Principal) -> bool:
        """Have a turn stopped where it is; False when there is none, or it is another's. One that is over is stopped.

        Raises:
            TurnRunning: It is under way in another container, and its readers there have not left it.
            StoreUnavailable: It cannot be told now.
        """
        until = time.monotonic() + _STOP_SECONDS
        while (found := await self._stop(turn_id, principal)) is None:
            if time.monotonic() > until:
                raise TurnRunning(retry_after_seconds=1)
            await asyncio.sleep(LOOK_SECONDS)
        return found

    async def _stop(self, turn_id: str, principal: Principal) -> bool | None:
        """Whether it could be stopped; None when it may be somewhere, and nobody can say where."""
        if entries := self.roster.find(_bytes(turn_id)):
            mine = [entry for entry in entries if may_have(entry, principal)]
            for entry in mine:
                self.roster.stop(entry)
            return bool(mine)
        page = await self.journal.read(turn_id, after=HEAD_ONLY)
        if page is not None:
            return _reaches(page.head, principal) and await self.journal.wish(turn_id, stop=True)
        try:
            await self.store.turn(turn_id, principal_id=principal.id)
        except TurnNotFound as error:
            if isinstance(error.__cause__, Forbidden):
                return False
            made = self.ids.read(turn_id)
            return None if made is not None and not made.here and self._may_last(made.at) else False
        return True

    async def _look(self, reading: Reading, principal: Principal) -> Sequence[Event]:
        """What is known of the turn now and was not yet told."""
        here = self._here(reading, principal)
        page = await self.journal.read(reading.turn_id, after=reading.number)
        if page is not None:
            if not _reaches(page.head, principal):
                raise TurnNotFound
            reading.seen = True
            events = reading.take(page)
            try:
                return events if here else [*events, *await self._after_death(reading, page, principal)]
            except StoreUnavailable:
                if not events:
                    raise
                return events  # they are read, and are told now or never
        if here:
            reading.seen = True
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
        if not reading.seen and (made is None or not self._may_last(made.at)):
            raise TurnNotFound
        now = time.monotonic()
        reading.missing_since = reading.missing_since or now
        should_show = not reading.seen and made is not None and not made.here and self._may_last(made.at)
        if should_show or now < reading.missing_since + _MISSING_SECONDS:
            return []
        return reading.end([Failed.of(TurnLost())])

    def _may_last(self, began: float) -> bool:
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

    def _be_patient(self, reading: Reading, error: StoreUnavailable) -> Sequence[Event]:
        """The database is away: nothing for a while, then the stream's end; the turn itself may well go on."""
        now = time.monotonic()
        reading.away_since = reading.away_since or now
        if now < reading.away_since + _AWAY_SECONDS:
            return []
        return reading.end([Failed.of(error)])


def _reaches(head: JournalHead, principal: Principal) -> bool:
    """Whether a turn is this principal's to know, by the conversations' rule."""
    return is_anonymous(head.principal_id) or head.principal_id == principal.id


def _remains(page: JournalPage) -> Turn:
    """What is kept of a turn whose worker died."""
    events = [event for _, batch in page.batches for event in read(batch)]
    return lost(page.head, events, created_at=page.created_at)


def _bytes(id_: str) -> bytes:
    """An id as the roster has it.

    Raises:
        TurnNotFound: It is no UUID.
    """
    try:
        return UUID(id_).bytes
    except ValueError:
        raise TurnNotFound from None
