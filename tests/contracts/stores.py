"""Every `Store`, and turns to keep in it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from lectern.adapters.outbox_files import OutboxFiles
from lectern.adapters.outbox_store import OutboxStore
from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_store import SqlStore
from lectern.ports import Store, Turn

STORES = ("sqlite", "postgres", "pgbouncer", "outbox")
START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@asynccontextmanager
async def opened(kind: str, request: pytest.FixtureRequest, folder: Path) -> AsyncGenerator[Store, None]:
    """A store of a kind. Others may have used the servers' database before; no test counts what it did not save."""
    if kind in {"sqlite", "outbox"}:
        url = f"sqlite:///{folder / 'lectern.sqlite3'}"
        migrate(url)
    else:
        url = request.getfixturevalue(f"{kind}_url")
    store: Store = SqlStore(SqlDatabase(url, pool_size=3))
    if kind == "outbox":
        store = OutboxStore(store, OutboxFiles(folder / "outbox", most_bytes=1_000_000))
    yield store
    await store.close()


def a_turn(
    conversation: str,
    minute: int = 0,
    question: str = "What is a reducer?",
    *,
    principal_id: str | None = None,
    begins: bool = True,
) -> Turn:
    """A complete turn, `minute` minutes after the first."""
    return Turn(
        id=str(uuid4()),
        conversation_id=conversation,
        question=question,
        answer="A function [1].",
        outcome="answered",
        finish="length",
        created_at=START + timedelta(minutes=minute),
        context="highlighted",
        sources=({"id": "s1", "heading_path": ["A", "B"], "score": 0.5},),
        tool_calls=({"tool_name": "add_task", "parameters": {"title": "x"}, "execution_status": "success"},),
        degraded={"embeddings": "upstream_timeout"},
        usage={"prompt_tokens": 7, "completion_tokens": 3},
        timings={"retrieved": 1.5, "total": 20.25},
        principal_id=principal_id,
        begins=begins,
    )
