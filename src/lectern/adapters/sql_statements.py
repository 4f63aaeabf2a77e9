"""The statements of the store, and how a turn becomes rows and comes back. No connection is opened here."""

from importlib import import_module
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, delete, select, text, true

from lectern.adapters.sql_models import ConversationRow, TurnRow, title_of
from lectern.ports import Outcome, Turn

_latest = (
    select(TurnRow)
    .where(TurnRow.conversation_id == bindparam("conversation"))
    .order_by(TurnRow.created_at.desc(), TurnRow.id.desc())
    .limit(bindparam("turns"))
    .subquery()
)
# The outer join keeps one empty row for a conversation without turns, so one statement tells it from an unknown one.
HISTORY = (
    select(_latest)
    .select_from(ConversationRow)
    .outerjoin(_latest, true())
    .where(ConversationRow.id == bindparam("conversation"))
    .order_by(_latest.c.created_at, _latest.c.id)
)
DELETE_OF = delete(ConversationRow).where(ConversationRow.principal_id == bindparam("principal"))
DELETE = delete(ConversationRow).where(ConversationRow.id == bindparam("conversation"))


def upserts(dialect: str) -> tuple[Any, Any]:
    """Statements that keep a conversation and a turn, whoever else does so at the same time."""
    # Both dialects offer the same methods, but share no type that has them; Postgres's takes 0.1 s to import.
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert
    conversation = insert(ConversationRow)
    conversation = conversation.on_conflict_do_update(
        index_elements=[ConversationRow.id],
        set_={"updated_at": conversation.excluded.updated_at},
        where=ConversationRow.updated_at < conversation.excluded.updated_at,
    )
    return conversation, insert(TurnRow).on_conflict_do_nothing(index_elements=[TurnRow.id])


def revision(connection: Connection) -> str | None:
    """The database's schema revision, or None when the table for it is empty."""
    return cast("str | None", connection.execute(text("SELECT version_num FROM alembic_version")).scalar())


def rows_of(turn: Turn) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of a turn's two rows."""
    conversation = {
        "id": UUID(turn.conversation_id),
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
        "outcome": turn.outcome,
        "degraded": turn.degraded,
        "usage": turn.usage,
        "timings": turn.timings,
        "created_at": turn.created_at,
    }
    return conversation, row


def turn_of(row: Row[Any]) -> Turn:
    """A turn as the core knows it."""
    return Turn(
        id=str(row.id),
        conversation_id=str(row.conversation_id),
        question=row.question,
        context=row.context,
        answer=row.answer,
        sources=tuple(row.sources),
        outcome=cast("Outcome", row.outcome),
        degraded=row.degraded,
        usage=row.usage,
        timings=row.timings,
        created_at=row.created_at,
    )
