"""Turns that are under way elsewhere: a database that several workers share, and owners whose every wish is noted."""

import copy
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_journal import SqlJournal
from lectern.adapters.sql_store import SqlStore
from lectern.chat.elsewhere import Elsewhere
from lectern.chat.lookout import Lookout
from lectern.chat.presence import Presence
from lectern.chat.turn_ids import TurnIds
from lectern.errors import StoreUnavailable
from lectern.events import Delta, Done, Event, Sources, Started
from lectern.keyring import Keyring
from lectern.ports import Journal, JournalHead, JournalPage, Turn, Wishes
from lectern.principal import Principal
from lectern.serving.roster import Roster

ANNE, BEN = Principal("user", "user:anne"), Principal("account", "account:ben")
VISITOR = Principal("visitor", "visitor:1")
TURN_SECONDS = 60.0


class Owner:
    """A turn that notes what is wished of it."""

    def __init__(self) -> None:
        self.wished: list[str] = []

    def want(self) -> None:
        """Note it."""
        self.wished.append("want")

    def stop(self) -> None:
        """Note it."""
        self.wished.append("stop")

    def lose(self) -> None:
        """Note it."""
        self.wished.append("lose")


class Worker:
    """One worker of a container: its view of the roster, its journal, and what it can find of others' turns.

    Args:
        database: What all share.
        roster: The container's, with a region for this worker.
        number: Which worker it is, from 1.
        instance: The container's number.
    """

    def __init__(self, database: SqlDatabase, roster: Roster, number: int, instance: int) -> None:
        self.roster = copy.copy(roster)
        self.roster.enter(number)
        self.presence = Presence(self.roster)
        self.journal = SqlJournal(database)
        self.store = SqlStore(database)
        self.ids = TurnIds(Keyring([b"a-secret-of-the-tests-own-0123456"]), lambda: instance)

    def elsewhere(self, journal: Journal | None = None) -> Elsewhere:
        """What finds turns of other workers, perhaps by another journal."""
        return Elsewhere(Lookout(self.store, journal or self.journal, self.roster, self.ids, TURN_SECONDS))


def container(database: SqlDatabase, *, workers: int = 2, instance: int = 1) -> list[Worker]:
    """The workers of one container."""
    roster = Roster(shared=True)
    for number in range(1, workers + 1):
        roster.reserve(number)
    return [Worker(database, roster, number, instance) for number in range(1, workers + 1)]


def head_of(turn_id: str, principal: Principal = VISITOR) -> JournalHead:
    """A turn in a conversation of its own."""
    return JournalHead(turn_id, str(uuid4()), principal.id, "Why?")


def events_of(head: JournalHead, *pieces: str) -> list[Event]:
    """What was told so far."""
    return [Started(head.conversation_id, head.turn_id), Sources(()), *map(Delta, pieces)]


def turn_of(head: JournalHead, answer: str, *, outcome: str = "answered", finish: str = "stop") -> Turn:
    """The turn as it is kept when it is over."""
    known: Any = outcome
    return Turn(
        id=head.turn_id,
        conversation_id=head.conversation_id,
        question=head.question,
        answer=answer,
        outcome=known,
        created_at=datetime.now(UTC),
        timings={"retrieved": 1.0, "total": 2.0},
        principal_id=head.principal_id,
        finish=finish,
    )


def text_of(batches: Sequence[tuple[int, Sequence[Event]]]) -> str:
    """The answer that was told."""
    return "".join(event.text for _, events in batches for event in events if isinstance(event, Delta))


def end_of(batches: Sequence[tuple[int, Sequence[Event]]]) -> str:
    """How it ended: the outcome, or the error's code."""
    last = [event for _, events in batches for event in events][-1]
    return last.outcome if isinstance(last, Done) else str(getattr(last, "code", last.name))


class UnsteadyJournal:
    """A journal that cannot be reached at times; what it was asked to do may be done all the same."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.asked = 0
        self.is_away = False
        self.is_deaf = False
        self.forgets_answers = 0

    def _reach(self) -> None:
        self.asked += 1
        if self.is_away:
            raise StoreUnavailable

    async def claim(self, head: JournalHead, *, seconds: float) -> bool:
        """As the journal."""
        self._reach()
        return await self.journal.claim(head, seconds=seconds)

    async def append(self, head: JournalHead, number: int, events: Sequence[Any], *, seconds: float) -> Wishes:
        """As the journal; or it is done, and nobody hears of it."""
        self._reach()
        wishes = await self.journal.append(head, number, events, seconds=seconds)
        if self.forgets_answers:
            self.forgets_answers -= 1
            raise StoreUnavailable
        return wishes

    async def read(self, turn_id: str, *, after: int = 0) -> JournalPage | None:
        """As the journal."""
        self._reach()
        return await self.journal.read(turn_id, after=after)

    async def find(self, conversation_id: str) -> JournalHead | None:
        """As the journal."""
        self._reach()
        return await self.journal.find(conversation_id)

    async def wish(self, turn_id: str, *, stop: bool = False) -> bool:
        """As the journal, unless it hears nothing."""
        self._reach()
        if self.is_deaf:
            raise StoreUnavailable
        return await self.journal.wish(turn_id, stop=stop)

    async def held(self, principal_id: str, *, after: str | None = None, limit: int) -> Sequence[JournalPage]:
        """As the journal."""
        self._reach()
        return await self.journal.held(principal_id, after=after, limit=limit)

    async def delete(self, turn_id: str) -> None:
        """As the journal."""
        self._reach()
        await self.journal.delete(turn_id)


def long_ago() -> TurnIds:
    """Makes ids as they were made an hour ago, in another container."""
    return TurnIds(Keyring([b"a-secret-of-the-tests-own-0123456"]), lambda: 99, clock=lambda: time.time() - 3600)
