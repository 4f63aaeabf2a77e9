"""Turns under way, written down in a SQL database: one short transaction a verb.

Who may write a turn is settled by its row, whose `holder` is one claim. Whoever held it before, and was only slow, is
told at its next batch and changes nothing any more.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from lectern.adapters.sql_database import Database
from lectern.adapters.sql_journal_statements import (
    DELETE,
    FIND,
    FOLLOW,
    GO_ON,
    READ,
    STOP,
    head_of,
    inserts,
    page_of,
    page_of_held,
    row_of,
)
from lectern.adapters.sql_types import uuid_of
from lectern.ports import JournalHead, JournalPage, Wishes
from lectern.resilience import deadline

_LOST: Final = Wishes(stop=True, lost=True)


class SqlJournal:
    """Implements `lectern.ports.Journal`.

    Args:
        database: Where the tables are; whoever made it may share it with other ports.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._claim, self._begin, self._write = inserts(database.dialect)
        self._claims: dict[UUID, UUID] = {}  # by turn: as whom this process writes it
        self._begun: set[UUID] = set()  # those whose head is known to be there

    async def claim(self, head: JournalHead, *, seconds: float) -> bool:
        """One statement. Each call is a claim of its own: tried again on another connection, it knows what it has.

        Raises:
            ValueError: An id is no UUID.
        """
        row = row_of(head, claim=uuid4(), seconds=seconds)
        claimed = await self._database.run(
            lambda connection: bool(connection.execute(self._claim, row).rowcount), writes=True, again=True
        )
        if claimed:
            self._claims[row["turn_id"]] = row["holder"]
            self._begun.add(row["turn_id"])
        return claimed

    async def append(self, head: JournalHead, number: int, events: Sequence[Any], *, seconds: float) -> Wishes:
        """One statement for the head, and one for the batch if it has events.

        Raises:
            ValueError: An id is no UUID.
        """
        turn = UUID(head.turn_id)
        claim = self._claims.setdefault(turn, uuid4())
        row = row_of(head, claim=claim, seconds=seconds) | {"batches": number if events else 0}
        lease = {"turn": turn, "claim": claim, "until": row["alive_until"], "written": row["batches"]}
        begins = number <= 1 and turn not in self._begun
        batch = {"turn_id": turn, "number": number, "events": list(events)}

        def append(connection: Connection) -> Wishes:
            statement, values = (self._begin, row) if begins else (GO_ON, lease)
            wishes = connection.execute(statement, values).first()
            if wishes is None:
                return _LOST
            if events:  # under the lock of the head, which nobody can delete or claim before them
                connection.execute(self._write, batch)
            return Wishes(wishes.followed_at, wishes.stop)

        with deadline.lifted():  # who followed a turn is told its end, however late it is
            wishes = await self._database.run(append, writes=True, again=True)
        self._begun.add(turn)
        if wishes.lost:
            self._forget(turn)
        return wishes

    async def read(self, turn_id: str, *, after: int = 0) -> JournalPage | None:
        """One statement."""
        turn = uuid_of(turn_id)
        if turn is None:
            return None
        parameters = {"turn": turn, "after": after}
        rows = await self._database.run(lambda connection: connection.execute(READ, parameters).all(), again=True)
        return page_of(rows) if rows else None

    async def held(self, principal_id: str, *, after: str | None = None, limit: int) -> list[JournalPage]:
        """One statement."""
        statement = page_of_held(None if after is None else UUID(after))
        parameters = {"principal": principal_id, "most": limit}
        rows = await self._database.run(lambda connection: connection.execute(statement, parameters).all(), again=True)
        return [page_of(list(turn)) for _, turn in groupby(rows, key=attrgetter("turn_id"))]

    async def find(self, conversation_id: str) -> JournalHead | None:
        """One statement."""
        parameters = {"conversation": uuid_of(conversation_id), "now": datetime.now(UTC)}
        if parameters["conversation"] is None:
            return None
        row = await self._database.run(lambda connection: connection.execute(FIND, parameters).first(), again=True)
        return None if row is None else head_of(row)

    async def wish(self, turn_id: str, *, stop: bool = False) -> bool:
        """One statement."""
        turn = uuid_of(turn_id)
        if turn is None:
            return False
        statement, parameters = (STOP, {"turn": turn}) if stop else (FOLLOW, {"turn": turn, "now": datetime.now(UTC)})
        return await self._database.run(
            lambda connection: bool(connection.execute(statement, parameters).rowcount), writes=True, again=True
        )

    async def delete(self, turn_id: str) -> None:
        """One statement; the events go with their head."""
        turn = uuid_of(turn_id)
        if turn is None:
            return
        with deadline.lifted():  # as `append`
            await self._database.run(
                lambda connection: connection.execute(DELETE, {"turn": turn}), writes=True, again=True
            )
        self._forget(turn)

    def _forget(self, turn: UUID) -> None:
        self._claims.pop(turn, None)
        self._begun.discard(turn)
