"""The statements of the journal, and how a turn under way becomes rows and comes back. No connection is opened here."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, and_, bindparam, case, delete, or_, select, update

from lectern.adapters.sql_turn_models import LiveTurnRow, TurnEventsRow
from lectern.adapters.sql_types import Moment
from lectern.ports import JournalHead, JournalPage

_TURN: Final = LiveTurnRow.turn_id == bindparam("turn")
_WISHES: Final = (LiveTurnRow.followed_at, LiveTurnRow.stop)
_EVENTS: Final = (TurnEventsRow.number, TurnEventsRow.events)
GO_ON: Final = (
    update(LiveTurnRow)
    .where(_TURN, LiveTurnRow.holder == bindparam("claim"))
    .values(
        alive_until=bindparam("until"),
        batches=case((LiveTurnRow.batches < bindparam("written"), bindparam("written")), else_=LiveTurnRow.batches),
    )
    .returning(*_WISHES)
)
READ: Final = (
    select(LiveTurnRow, *_EVENTS)
    .outerjoin(
        TurnEventsRow,
        and_(TurnEventsRow.turn_id == LiveTurnRow.turn_id, TurnEventsRow.number > bindparam("after")),
    )
    .where(_TURN)
    .order_by(TurnEventsRow.number)
)
_HEADS: Final = (
    select(LiveTurnRow)
    .where(LiveTurnRow.principal_id == bindparam("principal"))
    .order_by(LiveTurnRow.turn_id)
    .limit(bindparam("most"))
)
FIND: Final = (
    select(LiveTurnRow)
    .where(
        LiveTurnRow.conversation_id == bindparam("conversation"),
        LiveTurnRow.alive_until > bindparam("now", type_=Moment()),
    )
    .order_by(LiveTurnRow.created_at.desc(), LiveTurnRow.turn_id.desc())
    .limit(1)
)
FOLLOW: Final = update(LiveTurnRow).where(_TURN).values(followed_at=bindparam("now"))
STOP: Final = update(LiveTurnRow).where(_TURN).values(stop=True)
DELETE: Final = delete(LiveTurnRow).where(_TURN)


def inserts(dialect: str) -> tuple[Any, Any, Any]:
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


def page_of_held(after: UUID | None) -> Select[Any]:
    """A principal's turns behind this one, with their batches."""
    heads = (_HEADS if after is None else _HEADS.where(LiveTurnRow.turn_id > after)).subquery()
    return (
        select(heads, *_EVENTS)
        .outerjoin(TurnEventsRow, TurnEventsRow.turn_id == heads.c.turn_id)
        .order_by(heads.c.turn_id, TurnEventsRow.number)
    )


def row_of(head: JournalHead, *, claim: UUID, seconds: float) -> dict[str, Any]:
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


def head_of(row: Row[Any]) -> JournalHead:
    """A head as the core knows it."""
    return JournalHead(str(row.turn_id), str(row.conversation_id), row.principal_id, row.question, row.digest)


def page_of(rows: Sequence[Row[Any]]) -> JournalPage:
    """What the rows of one turn tell: a row for each batch, or one without."""
    batches = tuple((row.number, row.events) for row in rows if row.number is not None)
    return JournalPage(head_of(rows[0]), rows[0].alive_until, rows[0].created_at, batches)
