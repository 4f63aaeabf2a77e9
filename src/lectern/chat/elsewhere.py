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

from lectern.chat.claiming import HEAD_ONLY
from lectern.chat.lookout import Lookout, reaches
from lectern.chat.presence import LOOK_SECONDS, may_have
from lectern.chat.reading import Reading
from lectern.errors import Forbidden, StoreUnavailable, TurnLost, TurnNotFound, TurnRunning
from lectern.events import Event, Failed
from lectern.principal import Principal
from lectern.resilience import deadline

_FIRST_LOOK_SECONDS: Final = 0.05
_LOOK_SECONDS: Final = 0.5
"""How often the journal is read: soon at first, then twice a second, as often as it is written."""

_AWAY_SECONDS: Final = 10.0
"""How long a stream that has begun waits for a database that is away."""

_STOP_SECONDS: Final = 3.0
"""How long one waits for a turn to show that is to be stopped: once its reader has left it, it is written down."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Finds turns that are not live in this worker.

    Attributes:
        lookout: Looks where they are.
    """

    lookout: Lookout

    async def follow(
        self, turn_id: str, principal: Principal, *, position: int
    ) -> AsyncGenerator[tuple[int, Sequence[Event]], None]:
        """What happens in a turn behind a position: the position before, and what came together, until its end.

        The first batch comes as soon as it is known that there is, or may be, such a turn, and may be empty.

        Raises:
            TurnNotFound: There is no such turn, or it is another's. Later than before the first batch: it was deleted.
            InvalidRequest: The turn is over, and the position lies behind its end.
            StoreUnavailable: It cannot be told now, or no longer; the turn itself may well go on.
        """
        lookout, reading = self.lookout, Reading(turn_id, _bytes(turn_id), position)
        events: Sequence[Event] = await lookout.look(reading, principal)
        yield position, events
        pause = _FIRST_LOOK_SECONDS
        while not reading.over:
            await asyncio.sleep(pause)
            at = reading.position
            if not reading.seen and deadline.within(1) <= 0:
                # No time is left to ask the database in, which is not its fault; what has not shown by now is lost.
                yield at, reading.end([Failed.of(TurnLost())])
                return
            try:
                events = await lookout.look(reading, principal)
                reading.is_back()
            except StoreUnavailable:
                if reading.is_away(time.monotonic()) >= _AWAY_SECONDS:
                    raise
                events = ()
            pause = _LOOK_SECONDS / 2 if events else min(2 * pause, _LOOK_SECONDS)
            if events:
                yield at, events

    async def find(self, conversation_id: str, principal: Principal) -> str | None:
        """The turn that is under way in a conversation, as far as this principal may know.

        Raises:
            StoreUnavailable: It cannot be told now.
        """
        entry = self.lookout.roster.find_latest(_bytes(conversation_id))
        if entry is not None:
            return str(UUID(bytes=entry.first)) if may_have(entry, principal) else None
        head = await self.lookout.journal.find(conversation_id)
        return head.turn_id if head is not None and reaches(head, principal) else None

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
        if entries := self.lookout.roster.find(_bytes(turn_id)):
            mine = [entry for entry in entries if may_have(entry, principal)]
            for entry in mine:
                self.lookout.roster.stop(entry)
            return bool(mine)
        page = await self.lookout.journal.read(turn_id, after=HEAD_ONLY)
        if page is not None:
            return reaches(page.head, principal) and await self.lookout.journal.wish(turn_id, stop=True)
        try:
            await self.lookout.store.turn(turn_id, principal_id=principal.id)
        except TurnNotFound as error:
            if isinstance(error.__cause__, Forbidden):
                return False
            made = self.lookout.ids.read(turn_id)
            return None if made is not None and not made.here and self.lookout.may_last(made.at) else False
        return True


def _bytes(id_: str) -> bytes:
    """An id as the roster has it.

    Raises:
        TurnNotFound: It is no UUID.
    """
    try:
        return UUID(id_).bytes
    except ValueError:
        raise TurnNotFound from None
