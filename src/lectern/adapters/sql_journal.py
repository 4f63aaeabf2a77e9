"""Turns under way, written down in a SQL database: one short transaction a verb.

Who may write a turn is settled by its row, whose `holder` is one claim. Whoever held it before, and was only slow, is
told at its next batch and changes nothing any more.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, and_, bindparam, case, delete, or_, select, update

from lectern.adapters.sql_database import Database
from lectern.adapters.sql_turn_models import LiveTurnRow, TurnEventsRow
from lectern.adapters.sql_types import Moment
from lectern.ports import JournalHead, JournalPage, Wishes
from lectern.resilience import deadline

_TURN: Final = LiveTurnRow.turn_id == bindparam("turn")
_WISHES: Final = (LiveTurnRow.followed_at, LiveTurnRow.stop)
_GO_ON: Final = (
    update(LiveTurnRow)
    .where(_TURN, LiveTurnRow.holder == bindparam("claim"))
    .values(
        alive_until=bindparam("until"),
        batches=case((LiveTurnRow.batches < bindparam("written"), bindparam("written")), else_=LiveTurnRow.batches),
    )
    .returning(*_WISHES)
)
_READ: Final = (
    select(LiveTurnRow, TurnEventsRow.number, TurnEventsRow.events)
    .outerjoin(
        TurnEventsRow,
        and_(TurnEventsRow.turn_id == LiveTurnRow.turn_id, TurnEventsRow.number > bindparam("after")),
    )
    .where(_TURN)
    .order_by(TurnEventsRow.number)
)
_FIND: Final = (
    select(LiveTurnRow)
    .where(
        LiveTurnRow.conversation_id == bindparam("conversation"),
        LiveTurnRow.alive_until > bindparam("now", type_=Moment()),
    )
    .order_by(LiveTurnRow.created_at.desc(), LiveTurnRow.turn_id.desc())
    .limit(1)
)
_FOLLOW: Final = update(LiveTurnRow).where(_TURN).values(followed_at=bindparam("now"))
_STOP: Final = update(LiveTurnRow).where(_TURN).values(stop=True)
_DELETE: Final = delete(LiveTurnRow).where(_TURN)
_LOST: Final = Wishes(stop=True, lost=True)


class SqlJournal:
    """Implements `lectern.ports.Journal`.

    Args:
        database: Where the tables are; whoever made it may share it with other ports.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._claim, self._begin, self._write = _inserts(database.dialect)
        self._claims: dict[UUID, UUID] = {}  # by turn: as whom this process writes it

    async def claim(self, head: JournalHead, *, seconds: float) -> bool:
        """One statement. Each call is a claim of its own: tried again on another connection, it knows what it has.

        Raises:
            ValueError: An id is no UUID.
        """
        row = _row_of(head, claim=uuid4(), seconds=seconds)
        claimed = await self._database.run(
            lambda connection: bool(connection.execute(self._claim, row).rowcount), writes=True, again=True
        )
        if claimed:
            self._claims[row["turn_id"]] = row["holder"]
        return claimed

    async def append(self, head: JournalHead, number: int, events: Sequence[Any], *, seconds: float) -> Wishes:
        """One statement for the head, and one for the batch if it has events.

        Raises:
            ValueError: An id is no UUID.
        """
        turn = UUID(head.turn_id)
        claim = self._claims.setdefault(turn, uuid4())
        row = _row_of(head, claim=claim, seconds=seconds) | {"batches": number if events else 0}
        lease = {"turn": turn, "claim": claim, "until": row["alive_until"], "written": row["batches"]}
        batch = {"turn_id": turn, "number": number, "events": list(events)}

        def append(connection: Connection) -> Wishes:
            statement, values = (self._begin, row) if number <= 1 else (_GO_ON, lease)
            wishes = connection.execute(statement, values).first()
            if wishes is None:
                return _LOST
            if events:  # under the lock of the head, which nobody can delete or claim before them
                connection.execute(self._write, batch)
            return Wishes(wishes.followed_at, wishes.stop)

        with deadline.lifted():  # who followed a turn is told its end, however late it is
            wishes = await self._database.run(append, writes=True, again=True)
        if wishes.lost:
            self._claims.pop(turn, None)
        return wishes

    async def read(self, turn_id: str, *, after: int = 0) -> JournalPage | None:
        """One statement."""
        turn = _uuid(turn_id)
        if turn is None:
            return None
        parameters = {"turn": turn, "after": after}
        rows = await self._database.run(lambda connection: connection.execute(_READ, parameters).all(), again=True)
        if not rows:
            return None
        batches = tuple((row.number, row.events) for row in rows if row.number is not None)
        return JournalPage(_head_of(rows[0]), rows[0].alive_until, rows[0].created_at, batches)

    async def find(self, conversation_id: str) -> JournalHead | None:
        """One statement."""
        parameters = {"conversation": _uuid(conversation_id), "now": datetime.now(UTC)}
        if parameters["conversation"] is None:
            return None
        row = await self._database.run(lambda connection: connection.execute(_FIND, parameters).first(), again=True)
        return None if row is None else _head_of(row)

    async def wish(self, turn_id: str, *, stop: bool = False) -> bool:
        """One statement."""
        turn = _uuid(turn_id)
        if turn is None:
            return False
        statement, parameters = (_STOP, {"turn": turn}) if stop else (_FOLLOW, {"turn": turn, "now": datetime.now(UTC)})
        return await self._database.run(
            lambda connection: bool(connection.execute(statement, parameters).rowcount), writes=True, again=True
        )

    async def delete(self, turn_id: str) -> None:
        """One statement; the events go with their head."""
        turn = _uuid(turn_id)
        if turn is None:
            return
        with deadline.lifted():  # as `append`
            await self._database.run(
                lambda connection: connection.execute(_DELETE, {"turn": turn}), writes=True, again=True
            )
        self._claims.pop(turn, None)


def _inserts(dialect: str) -> tuple[Any, Any, Any]:
    """Statements that claim a turn, write its head and a batch down, whoever else does so at the same time.

    `created_at` of the row that would be inserted is the time now.
    """
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert
    head = insert(LiveTurnRow)
    new = head.excluded
    dead = and_(LiveTurnRow.alive_until <= new.created_at, LiveTurnRow.batches == 0, LiveTurnRow.digest == new.digest)
    anew = {column.name: new[column.name] for column in LiveTurnRow.__table__.columns if not column.primary_key}
    mine = LiveTurnRow.holder == new.holder
    claim = head.on_conflict_do_update(index_elements=[LiveTurnRow.turn_id], set_=anew, where=or_(mine, dead))
    written = case((LiveTurnRow.batches < new.batches, new.batches), else_=LiveTurnRow.batches)
    begin = head.on_conflict_do_update(
        index_elements=[LiveTurnRow.turn_id], set_={"alive_until": new.alive_until, "batches": written}, where=mine
    ).returning(*_WISHES)
    write = insert(TurnEventsRow).on_conflict_do_nothing(index_elements=[TurnEventsRow.turn_id, TurnEventsRow.number])
    return claim, begin, write


def _row_of(head: JournalHead, *, claim: UUID, seconds: float) -> dict[str, Any]:
    """The values of a head's row, from now on."""
    now = datetime.now(UTC)
    return {
        "turn_id": UUID(head.turn_id),
        "conversation_id": UUID(head.conversation_id),
        "principal_id": head.principal_id,
        "question": head.question,
        "digest": head.digest,
        "holder": claim,
        "batches": 0,
        "alive_until": now + timedelta(seconds=seconds),
        "followed_at": None,
        "stop": False,
        "created_at": now,
    }


def _head_of(row: Row[Any]) -> JournalHead:
    """A head as the core knows it."""
    return JournalHead(str(row.turn_id), str(row.conversation_id), row.principal_id, row.question, row.digest)


def _uuid(text: str) -> UUID | None:
    """The id as a UUID. What is no UUID names nothing."""
    try:
        return UUID(text)
    except ValueError:
        return None
