"""A SQL database as the ports over it use it: SQLite by default, the same code on Postgres.

Every use is one short transaction in a thread, and no connection outlives it. Waiting for a connection happens in an
awaitable queue with a deadline, not in blocked threads. Nothing is opened before the first use, so a database can be
made before a fork. SQLAlchemy's exceptions stop here, without the reader's text in them.
A cancelled caller leaves a whole transaction or none: one that has begun ends in its own thread.
"""

import logging
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, ProgrammingError, SQLAlchemyError

from lectern.adapters.sql_engine import make_engine
from lectern.adapters.sql_schema import HEAD, MIGRATE, complaint
from lectern.adapters.sql_statements import revision
from lectern.database_address import place
from lectern.errors import StoreUnavailable
from lectern.ports import Part, State

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_kinds = {"sqlite": "SQLite", "postgresql": "Postgres"}


class Database(Protocol):
    """What a port over a SQL database is made with: `SqlDatabase`, or one behind its line."""

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        ...

    async def run(
        self, work: Callable[[Connection], Result], *, writes: bool = False, again: bool = False, hint: str = ""
    ) -> Result:
        """One transaction in a thread: committed when `work` returns, rolled back when it raises.

        Args:
            work: What to do in it. An error of ours that it raises is raised here.
            writes: Whether it changes something.
            again: Whether doing it twice is the same as once. It is then tried again when its connection turns out to
                be dead, as all are after the database was restarted.
            hint: What to add to the log when it fails.

        Raises:
            StoreUnavailable: The database cannot be used now.
        """
        ...

    def describe(self) -> Part:
        """Which database it is, and how its last use went."""
        ...

    def forget_connections(self) -> None:
        """Drop pooled connections without closing their sockets: they belong to the parent of a fork."""
        ...

    async def warm(self) -> None:
        """Open a connection and check the schema."""
        ...

    async def close(self) -> None:
        """Close the pool's connections."""
        ...


class SqlDatabase:
    """Implements `Database`.

    Args:
        url: `sqlite:///path` or `postgresql+psycopg2://…`, as SQLAlchemy wants it. A SQLite database is a file.
        pool_size: Connections, and so transactions at once, of this process.
        patience_seconds: How long a use waits for its turn, a statement for another writer's lock (SQLite), and for
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
        self._state: State = "unknown"
        self._note = place(url)
        self._problem = ""

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    def describe(self) -> Part:
        """Which database it is, and how its last use went."""
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
            found = await self.run(revision, hint=f"; if it is new, {MIGRATE}", again=True)
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

    async def run(
        self, work: Callable[[Connection], Result], *, writes: bool = False, again: bool = False, hint: str = ""
    ) -> Result:
        """As `Database.run`."""
        del writes  # a matter of those who guard it

        def transaction() -> Result:
            with self._engine.begin() as connection:
                return work(connection)

        def patiently() -> Result:
            try:
                return transaction()
            except DBAPIError as error:
                if not (_is_deadlock(error) or (again and error.connection_invalidated)):
                    raise
            return transaction()

        try:
            async with self._in_turn():
                result = await anyio.to_thread.run_sync(patiently, limiter=self._threads)
        except SQLAlchemyError as error:
            # The first line only: those behind it may repeat a statement with the reader's text in it.
            told = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            self._down(f"{type(error).__name__}: {told}{hint}")
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


def _is_deadlock(error: DBAPIError) -> bool:
    """Whether Postgres chose this one to give way; nothing of it was done, so it may be done again (SQLSTATE 40P01)."""
    return getattr(error.orig, "pgcode", None) == "40P01"
