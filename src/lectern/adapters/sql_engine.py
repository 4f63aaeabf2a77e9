"""Engines: how connections to SQLite and Postgres are set up. Making one opens nothing.

On Postgres nothing outlives a transaction on the server, so that a pooler in transaction mode may stand between; and
nothing waits without a limit, neither for the server nor for the network.
"""

import math
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import QueuePool

RECYCLE_SECONDS = 240
"""A connection is not used for longer: Neon suspends a server after 300 s without a query."""


def make_engine(url: str, *, pool_size: int, patience_seconds: float, connect_seconds: float) -> Engine:
    """An engine that never shows parameters (the reader's text) in an exception.

    Args:
        url: As SQLAlchemy wants it.
        pool_size: Most connections.
        patience_seconds: See `SqlStore`.
        connect_seconds: See `SqlStore`.
    """
    address = make_url(url)
    postgres = address.get_backend_name() == "postgresql"
    options: dict[str, Any] = _postgres_options(address, connect_seconds, patience_seconds) if postgres else {}
    engine = create_engine(
        address,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=patience_seconds,
        hide_parameters=True,
        **options,
    )
    if postgres:
        _limit_statements(engine, patience_seconds)
    else:
        _set_up_sqlite(engine, patience_seconds)
    return engine


def _postgres_options(address: URL, connect_seconds: float, patience_seconds: float) -> dict[str, Any]:
    """The options of an engine for Postgres."""
    from lectern.adapters.postgres_connection import arguments  # noqa: PLC0415 - imports psycopg2

    return {
        "connect_args": arguments(address.query, connect_seconds=connect_seconds, patience_seconds=patience_seconds),
        "pool_pre_ping": True,  # a server that slept or restarted has closed its sockets
        "pool_recycle": RECYCLE_SECONDS,
        "pool_use_lifo": True,  # idle connections age out instead of taking turns
        "use_native_hstore": False,  # finding the type out costs a query for each connection
    }


def _limit_statements(engine: Engine, seconds: float) -> None:
    """Let the server end each statement in time. `LOCAL`: a pooler gives the session to somebody else afterwards."""
    statement = f"SET LOCAL statement_timeout = {math.ceil(seconds * 1000)}"

    def limit(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    event.listen(engine, "begin", limit)


def _set_up_sqlite(engine: Engine, patience_seconds: float) -> None:
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - SQLAlchemy's untyped DBAPI connection
        # Readers never wait for the writer (WAL); NORMAL loses no integrity there, only, when the power fails,
        # the last moments (https://www.sqlite.org/pragma.html#pragma_synchronous).
        for pragma in (
            f"busy_timeout={round(patience_seconds * 1000)}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "secure_delete=ON",  # what is deleted is overwritten, so that no page of the file has it
        ):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", prepare)
