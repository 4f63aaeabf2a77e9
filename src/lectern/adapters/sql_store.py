"""The conversation store on a SQL database: SQLite by default, the same code on Postgres.

Every verb is one short transaction in a thread, and no connection outlives it. Waiting for a connection happens in an
awaitable queue with a deadline, not in blocked threads. Nothing is opened before the first verb, so the store can be
made before a fork. SQLAlchemy's exceptions stop here, without the reader's text in them.
A cancelled caller leaves a whole turn or none: a transaction that has begun ends in its own thread.
"""

import logging
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast
from uuid import UUID

import anyio.to_thread
from anyio import CapacityLimiter
from sqlalchemy import Connection, Row, bindparam, delete, select, text, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, ProgrammingError, SQLAlchemyError

from lectern.adapters.sql_engine import make_engine
from lectern.adapters.sql_models import ConversationRow, TurnRow, title_of
from lectern.adapters.sql_schema import HEAD, MIGRATE, complaint
from lectern.database_address import place
from lectern.errors import ConversationNotFound, StoreUnavailable
from lectern.ports import Outcome, Part, State, Turn

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_insert = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_kinds = {"sqlite": "SQLite", "postgresql": "Postgres"}

_latest = (
    select(TurnRow)
    .where(TurnRow.conversation_id == bindparam("conversation"))
    .order_by(TurnRow.created_at.desc(), TurnRow.id.desc())
    .limit(bindparam("turns"))
    .subquery()
)
# The outer join keeps one empty row for a conversation without turns, so one statement tells it from an unknown one.
_history = (
    select(_latest)
    .select_from(ConversationRow)
    .outerjoin(_latest, true())
    .where(ConversationRow.id == bindparam("conversation"))
    .order_by(_latest.c.created_at, _latest.c.id)
)
_delete = delete(ConversationRow).where(ConversationRow.id == bindparam("conversation"))


class SqlStore:
    """Implements `lectern.ports.Store`.

    Args:
        url: `sqlite:///path` or `postgresql+psycopg2://…`, as SQLAlchemy wants it. A SQLite database is a file.
        pool_size: Connections, and so transactions at once, of this process.
        patience_seconds: How long a verb waits for its turn, a statement for another writer's lock (SQLite), and for
            its own end (Postgres).
        connect_seconds: How long a connection to Postgres may take.

    Attributes:
        needs_migration: Whether `warm` found a database whose schema is missing or older than this code.
    """

    def __init__(
        self, url: str, *, pool_size: int = 5, patience_seconds: float = 5, connect_seconds: float = 5
    ) -> None:
        self.needs_migration = False
        self._engine = make_engine(
            url, pool_size=pool_size, patience_seconds=patience_seconds, connect_seconds=connect_seconds
        )
        self._limiter = CapacityLimiter(pool_size)
        self._threads = CapacityLimiter(math.inf)  # as many as the limiter lets in
        self._patience = patience_seconds
        self._save_conversation, self._save_turn = _upserts(self._engine.dialect.name)
        self._state: State = "unknown"
        self._note = place(url)
        self._problem = ""

    async def history(self, conversation_id: str, *, limit: int) -> list[Turn]:
        """The conversation's last `limit` turns, oldest first, in one statement."""
        parameters = {"conversation": _known_id(conversation_id), "turns": limit}
        rows = await self._run(lambda connection: connection.execute(_history, parameters).all(), again=True)
        if not rows:
            raise ConversationNotFound
        return [_turn(row) for row in rows if row.id is not None]

    async def save_turn(self, turn: Turn) -> None:
        """Keep a turn, and its conversation when it is the first, in two statements. Saving it again changes nothing.

        Raises:
            ValueError: An id is no UUID, or `created_at` has no time zone.
        """
        conversation, row = _rows(turn)

        def save(connection: Connection) -> None:
            connection.execute(self._save_conversation, conversation)
            connection.execute(self._save_turn, row)

        await self._run(save, again=True)

    async def delete_conversation(self, conversation_id: str) -> None:
        """Delete a conversation and all its turns for good, in one statement."""
        parameters = {"conversation": _known_id(conversation_id)}
        deleted = await self._run(lambda connection: connection.execute(_delete, parameters).rowcount)
        if not deleted:
            raise ConversationNotFound

    def describe(self) -> Part:
        """What keeps the conversations, and how the last verb went."""
        return Part("store", _kinds[self._engine.dialect.name], self._state, self._problem or self._note)

    def forget_connections(self) -> None:
        """Drop pooled connections without closing their sockets: they belong to the parent of a fork."""
        self._engine.dispose(close=False)

    async def warm(self) -> None:
        """Open a connection and check that the schema is the one this code wants.

        Raises:
            StoreUnavailable: The database cannot be opened, or its schema is another one; the log and `describe` say
                what to run.
        """
        try:
            found = await self._run(_revision, hint=f"; if it is new, {MIGRATE}", again=True)
        except StoreUnavailable as error:
            self.needs_migration = isinstance(error.__cause__, ProgrammingError)  # no such table
            raise
        problem = complaint(found)
        self.needs_migration = problem is not None and (found is None or found < HEAD)
        if problem is not None:
            self._down(problem)
            raise StoreUnavailable

    async def close(self) -> None:
        """Close the pool's connections."""
        await anyio.to_thread.run_sync(self._engine.dispose)

    async def _run(self, work: Callable[[Connection], Result], *, hint: str = "", again: bool = False) -> Result:
        """One transaction in a thread: committed when `work` returns, rolled back when it raises.

        Args:
            work: What to do in it.
            hint: What to add to the log when it fails.
            again: Whether doing it twice is the same as once. It is then tried again when its connection turns out to
                be dead, as all are after the database was restarted.
        """

        def transaction() -> Result:
            with self._engine.begin() as connection:
                return work(connection)

        def patiently() -> Result:
            try:
                return transaction()
            except DBAPIError as error:
                if not (again and error.connection_invalidated):
                    raise
            return transaction()

        try:
            async with self._in_turn():
                result = await anyio.to_thread.run_sync(patiently, limiter=self._threads)
        except SQLAlchemyError as error:
            self._down(f"{type(error).__name__}: {getattr(error, 'orig', None) or error}".strip() + hint)
            raise StoreUnavailable from error
        if self._state != "ok":
            self._state, self._problem = "ok", ""
        return result

    @asynccontextmanager
    async def _in_turn(self) -> AsyncGenerator[None, None]:
        """Wait for one of the pool's connections to be free, and keep it.

        Raises:
            StoreUnavailable: None is in time.
        """
        borrower = object()
        with anyio.move_on_after(self._patience) as waiting:
            await self._limiter.acquire_on_behalf_of(borrower)
        if waiting.cancelled_caught:
            self._down(f"all {self._limiter.total_tokens:g} connections were busy for {self._patience:g} s")
            raise StoreUnavailable
        try:
            yield
        finally:
            self._limiter.release_on_behalf_of(borrower)

    def _down(self, problem: str) -> None:
        """Remember the problem; log it once, not for every reader that meets it."""
        if self._state != "down" or self._problem != problem:
            logger.error("The conversation store (%s) is not usable: %s", self._note, problem)
        self._state, self._problem = "down", problem


def _upserts(dialect: str) -> tuple[Any, Any]:
    """Statements that keep a conversation and a turn, whoever else does so at the same time."""
    insert = cast("Any", _insert[dialect])  # both dialects offer the same methods, but share no type that has them
    conversation = insert(ConversationRow)
    conversation = conversation.on_conflict_do_update(
        index_elements=[ConversationRow.id],
        set_={"updated_at": conversation.excluded.updated_at},
        where=ConversationRow.updated_at < conversation.excluded.updated_at,
    )
    return conversation, insert(TurnRow).on_conflict_do_nothing(index_elements=[TurnRow.id])


def _known_id(conversation_id: str) -> UUID:
    """The id as a UUID. What is no UUID names no conversation."""
    try:
        return UUID(conversation_id)
    except ValueError:
        raise ConversationNotFound from None


def _revision(connection: Connection) -> str | None:
    """The database's schema revision, or None when the table for it is empty."""
    return cast("str | None", connection.execute(text("SELECT version_num FROM alembic_version")).scalar())


def _rows(turn: Turn) -> tuple[dict[str, Any], dict[str, Any]]:
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


def _turn(row: Row[Any]) -> Turn:
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
