"""One reader of a turn that is live in this worker."""

import asyncio

from lectern.chat.following import Batches, Listener
from lectern.chat.live_turn import LiveTurn
from lectern.errors import InternalError
from lectern.events import since


class Follower:
    """Implements `lectern.chat.following.Following` for a live turn; to be closed by whoever made it.

    Args:
        turn: Which.
        position: Where it goes on from.
        lingers: Whether its request stands for the turn until that is over.

    Raises:
        InvalidRequest: The position lies in the future.
        TooManyFollowers: As many follow the turn as may.
    """

    ends_with_worker = True

    def __init__(self, turn: LiveTurn, position: int = 0, *, lingers: bool = False) -> None:
        turn.join(position)
        self.turn_id = turn.id
        self._turn = turn
        self._position = position
        self._lingers = lingers
        self._follows = True

    @property
    def conversation_id(self) -> str:
        """The UUID of the turn's conversation, as text."""
        return self._turn.conversation_id

    async def begin(self) -> None:
        """Return when there is something to read.

        Raises:
            LecternError: The turn failed before its first event, or whatever else it failed with.
        """
        turn = self._turn
        try:
            while not (turn.events or turn.over):
                await turn.news()
        except asyncio.CancelledError:
            await self.lingering()
            raise
        if not turn.events:
            self.leave()
            raise turn.failure or InternalError()

    async def batches(self, listener: Listener | None = None) -> Batches:
        """What happened behind its position, then what happens; of that the listener is told, as far as it takes it."""
        turn = self._turn
        events, positions = turn.events, turn.positions
        try:
            at = len(events)
            if behind := since(events, self._position):
                yield self._position, behind
            while True:
                if at < len(events):
                    begin, at = at, len(events)
                    yield positions[begin - 1] if begin else 0, events[begin:]
                elif turn.over:
                    return
                elif listener is not None:
                    at = await turn.attend(listener)
                    yield positions[-1], ()  # whoever reads may have to catch up with what its listener took
                else:
                    await turn.news()
        finally:
            self.leave()

    def leave(self) -> None:
        """Follow no more."""
        if self._follows:
            self._follows = False
            self._turn.leave()

    async def lingering(self) -> None:
        """Leave, and return when this request no longer stands for the turn."""
        self.leave()
        if self._lingers:
            await self._turn.wait()
