"""The statements of the store, and how a turn becomes rows and comes back. No connection is opened here."""

from importlib import import_module
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, case, delete, func, or_, select, text, update

from lectern.adapters.sql_models import ConversationRow, TurnRow, title_of
from lectern.adapters.sql_ownership import NAMED, OWNER, PRINCIPAL, REACHABLE, anonymous, reachable
from lectern.adapters.sql_turn_models import LiveTurnRow
from lectern.adapters.sql_types import Moment
from lectern.errors import TurnLost
from lectern.ports import Outcome, Turn

_latest = (
    select(TurnRow)
    .where(TurnRow.conversation_id == bindparam("conversation"))
    .order_by(TurnRow.created_at.desc(), TurnRow.id.desc())
    .limit(bindparam("turns"))
    .subquery()
)
# The outer join keeps one row without a turn for a conversation that has none, or is another's: one statement tells
# these from an unknown one, and brings no turn of another's.
HISTORY = (
    select(func.coalesce(REACHABLE, False).label("reachable"), _latest)
    .select_from(ConversationRow)
    .outerjoin(_latest, REACHABLE)
    .where(NAMED)
    .order_by(_latest.c.created_at, _latest.c.id)
)
FIND = select(TurnRow).join(ConversationRow).where(TurnRow.id == bindparam("turn"), REACHABLE)
DELETE = delete(ConversationRow).where(NAMED, REACHABLE)
DELETE_OF = delete(ConversationRow).where(OWNER == PRINCIPAL)

_ASKED_BY = cast("ColumnElement[str | None]", LiveTurnRow.principal_id)
DELETE_LIVE = delete(LiveTurnRow).where(
    LiveTurnRow.conversation_id == bindparam("conversation"), reachable(PRINCIPAL, _ASKED_BY)
)
DELETE_LIVE_OF = delete(LiveTurnRow).where(
    or_(
        _ASKED_BY == PRINCIPAL,
        LiveTurnRow.conversation_id.in_(select(ConversationRow.id).where(OWNER == PRINCIPAL)),
    )
)
"""Turns under way have no conversation yet when they begin one. They go first, so that two deletions never wait for
each other."""


def _gone_on(
    principal: ColumnElement[str | None], title: ColumnElement[str], moment: ColumnElement[Any]
) -> dict[str, ColumnElement[Any]]:
    """What becomes of a conversation that somebody goes on with: claimed, named and used, as far as it was not yet."""
    claimed = case((anonymous(principal), OWNER), else_=principal)
    return {
        "principal_id": case((anonymous(OWNER), claimed), else_=OWNER),
        "title": case((ConversationRow.title == "", title), else_=ConversationRow.title),
        "updated_at": case((ConversationRow.updated_at < moment, moment), else_=ConversationRow.updated_at),
    }


GO_ON = (
    update(ConversationRow)
    .where(NAMED, REACHABLE)
    .values(_gone_on(PRINCIPAL, bindparam("name", type_=ConversationRow.title.type), bindparam("now", type_=Moment())))
)
"""Goes on with a conversation, if it is there and may be used; a deleted one is not brought back."""


_TOLD: Final = tuple("context answer sources tool_calls outcome finish degraded usage timings created_at".split())
"""What a turn's worker alone knows."""


def upserts(dialect: str) -> tuple[Any, Any]:
    """Statements that begin a conversation and keep a turn, whoever else does so at the same time.

    A conversation that is there is gone on with, if it may be used. A turn that is there stays as it is, unless it was
    kept as lost: what its worker says of it, late, is the whole of it.
    """
    # Both dialects offer the same methods, but share no type that has them; Postgres's takes 0.1 s to import.
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert
    begin = insert(ConversationRow)
    new = begin.excluded
    begin = begin.on_conflict_do_update(
        index_elements=[ConversationRow.id],
        set_=_gone_on(new.principal_id, new.title, new.updated_at),
        where=reachable(new.principal_id),
    )
    keep = insert(TurnRow)
    whole = keep.excluded
    keep = keep.on_conflict_do_update(
        index_elements=[TurnRow.id],
        set_={name: whole[name] for name in _TOLD},
        where=and_(TurnRow.finish == TurnLost.code, TurnRow.conversation_id == whole.conversation_id),
    )
    return begin, keep


def revision(connection: Connection) -> str | None:
    """The database's schema revision, or None when the table for it is empty."""
    return cast("str | None", connection.execute(text("SELECT version_num FROM alembic_version")).scalar())


def rows_of(turn: Turn) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of a turn's two rows."""
    conversation = {
        "id": UUID(turn.conversation_id),
        "principal_id": turn.principal_id,
        "title": title_of(turn.question),
        "created_at": turn.created_at,
        "updated_at": turn.created_at,
    }
    row = {
        "id": UUID(turn.id),
        "conversation_id": conversation["id"],
        "question": turn.question,
        "context": turn.context,
        "answer": turn.answer,
        "sources": list(turn.sources),
        "tool_calls": list(turn.tool_calls),
        "outcome": turn.outcome,
        "finish": turn.finish,
        "degraded": turn.degraded,
        "usage": turn.usage,
        "timings": turn.timings,
        "created_at": turn.created_at,
    }
    return conversation, row


def going_on(conversation: dict[str, Any]) -> dict[str, Any]:
    """A conversation's row as the values of `GO_ON`: in an update the columns' own names are SQLAlchemy's."""
    names = {"id": "conversation", "principal_id": "principal", "title": "name", "updated_at": "now"}
    return {name: conversation[column] for column, name in names.items()}


def turn_of(row: Row[Any]) -> Turn:
    """A turn as the core knows it."""
    return Turn(
        id=str(row.id),
        conversation_id=str(row.conversation_id),
        question=row.question,
        context=row.context,
        answer=row.answer,
        sources=tuple(row.sources),
        tool_calls=tuple(row.tool_calls),
        outcome=cast("Outcome", row.outcome),
        finish=row.finish,
        degraded=row.degraded,
        usage=row.usage,
        timings=row.timings,
        created_at=row.created_at,
    )
