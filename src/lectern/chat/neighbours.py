"""What this worker's live turns and the rest of the world know of each other."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Final

from lectern.chat.claiming import Claims
from lectern.chat.elsewhere import Elsewhere
from lectern.chat.following import Batches
from lectern.chat.live_turn import LiveTurn
from lectern.chat.presence import Presence
from lectern.chat.trace import Trace
from lectern.errors import TooManyFollowers
from lectern.ports import Journal, JournalHead
from lectern.principal import Principal
from lectern.serving import process

_RETRY_SECONDS: Final = 5

_CLOSE_SECONDS: Final = 1.0
"""How long a worker that ends waits for it that what is saved is written down no more: others find it saved."""


class Neighbours:
    """Implements `lectern.chat.others.Others`: by the container's roster, the journal, and what is saved.

    Args:
        elsewhere: Finds turns that are not live here.
        presence: Where those are noted that are.
        journal: Where they are written down when they have to be.
        most_followers: How many in this worker may follow one turn that is elsewhere, as each reads the journal.
    """

    def __init__(self, elsewhere: Elsewhere, presence: Presence, journal: Journal, *, most_followers: int) -> None:
        self._elsewhere = elsewhere
        self._presence = presence
        self._journal = journal
        self._claims = Claims(elsewhere.lookout.store, journal, presence)
        self._most_followers = most_followers
        self._followers: dict[str, int] = {}
        self._traces: dict[str, Trace] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._withdraw: Callable[[], None] | None = None

    async def claim(self, head: JournalHead) -> bool:
        """See `Claims.claim`; a turn that is claimed is written down until it is over."""
        mine = await self._claims.claim(head)
        if mine:
            self._traces[head.turn_id].claimed()
        return mine

    def began(self, turn: LiveTurn) -> None:
        """Note a turn; in a worker that drains, and where there is no room for the note, it is written down, too."""
        if self._withdraw is None:
            self._withdraw = process.on_drain(self._write_all)
        trace = self._traces[turn.id] = Trace(turn, self._presence, self._journal)
        if process.draining() or not trace.is_listed:
            trace.write()

    def missed(self, turn: LiveTurn) -> None:
        """Write a turn down that nobody here reads any more."""
        self._traces[turn.id].write()

    def ended(self, turn: LiveTurn) -> None:
        """Forget a turn that is over."""
        journaling = self._traces.pop(turn.id).end()
        if journaling is not None:
            closing = asyncio.get_running_loop().create_task(journaling.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def follow(self, turn_id: str, principal: Principal, *, position: int) -> Batches:
        """See `Elsewhere.follow`.

        Raises:
            TooManyFollowers: As many follow it here as may.
        """
        if self._followers.get(turn_id, 0) >= self._most_followers:
            raise TooManyFollowers(retry_after_seconds=_RETRY_SECONDS)
        return self._counted(turn_id, self._elsewhere.follow(turn_id, principal, position=position))

    async def find(self, conversation_id: str, principal: Principal) -> str | None:
        """See `Elsewhere.find`."""
        return await self._elsewhere.find(conversation_id, principal)

    async def stop(self, turn_id: str, principal: Principal) -> bool:
        """See `Elsewhere.stop`."""
        return await self._elsewhere.stop(turn_id, principal)

    async def close(self) -> None:
        """Return when nothing is written down of turns that are over, or soon, when the database is away."""
        if self._withdraw is not None:
            self._withdraw()
        if self._closing:
            _, late = await asyncio.wait(self._closing, timeout=_CLOSE_SECONDS)
            for closing in late:
                closing.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _write_all(self) -> None:
        for trace in self._traces.values():
            trace.write()

    async def _counted(self, turn_id: str, batches: Batches) -> Batches:
        self._followers[turn_id] = self._followers.get(turn_id, 0) + 1
        try:
            async with aclosing(batches):
                async for batch in batches:
                    yield batch
        finally:
            self._followers[turn_id] -= 1
            if not self._followers[turn_id]:
                del self._followers[turn_id]
