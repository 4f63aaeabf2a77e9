"""Turns for tests, and conversations that belong to whom a test says, put straight into their tables."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, event, text, update
from tests.sql_parts import database_of

from lectern.adapters.sql_models import ConversationRow
from lectern.adapters.sql_store import SqlStore
from lectern.ports import Turn

START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def a_turn(conversation: str, minute: int = 0, who: str | None = None) -> Turn:
    """A complete turn, `minute` minutes after the first."""
    return Turn(
        id=str(uuid4()),
        conversation_id=conversation,
        question=f"What is a reducer, {minute}?",
        answer="A function [1].",
        outcome="answered",
        created_at=START + timedelta(minutes=minute),
        context="highlighted",
        sources=({"id": "s1", "heading_path": ["A", "B"], "score": 0.5},),
        usage={"prompt_tokens": 7},
        timings={"total": 20.25},
        principal_id=who,
    )


async def spoken(store: SqlStore, owner: str | None) -> Turn:
    """The only turn of a conversation that belongs to `owner`, which may be a visitor or nobody."""
    turn = a_turn(str(uuid4()), who=owner)
    await store.save_turn(turn)
    mine = update(ConversationRow).where(ConversationRow.id == UUID(turn.conversation_id)).values(principal_id=owner)
    await database_of(store).run(lambda connection: connection.execute(mine).rowcount, writes=True)
    return turn


async def ratings(store: SqlStore, turn: Turn) -> list[tuple[int, str]]:
    """What is kept of what readers thought of a turn."""

    def look(connection: Connection) -> list[tuple[int, str]]:
        kept = connection.execute(text("SELECT turn_id, rating, comment FROM feedback"))
        return [(row.rating, row.comment) for row in kept if UUID(str(row.turn_id)) == UUID(turn.id)]

    return await database_of(store).run(look)


def noted_statements(store: SqlStore) -> list[str]:
    """What the store's database is sent from now on; what each transaction on Postgres begins with is left out."""
    sent: list[str] = []

    def note(*arguments: Any) -> None:
        if not arguments[2].startswith("SET LOCAL"):
            sent.append(arguments[2])

    event.listen(database_of(store)._engine, "before_cursor_execute", note)
    return sent
