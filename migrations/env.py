"""How Alembic runs the migrations: one transaction, on the database named by `-x url=…` or by `migrate()`.

For Postgres, `migrate()` hands over a connection whose transaction it has begun, with a lock and limits of its own.
That transaction holds the lock, so a migration must not leave it (no `autocommit_block`).

On SQLite the transaction is opened by hand: Python's sqlite3 would commit before each change of the schema, and a
process killed between two of them would leave a half that no later start could finish.
"""

from typing import Any

from alembic import context
from sqlalchemy import Connection, NullPool, create_engine, event

from lectern.adapters.sql_tables import METADATA


def database_url() -> str:
    url = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True).get("url")
    if not isinstance(url, str):
        raise SystemExit("Name the database: alembic -x url=sqlite:///path …")
    return url


def leave_transactions_to_us(connection: Any, _record: object) -> None:  # noqa: ANN401 - an untyped DBAPI connection
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout=30000")
    # Kept in the file for good; it cannot be set inside a transaction.
    connection.execute("PRAGMA journal_mode=WAL")


def begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def run(url: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", leave_transactions_to_us)
        event.listen(engine, "begin", begin_writing)
    with engine.connect() as connection:
        run_on(connection)


def run_on(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    context.configure(url=database_url(), target_metadata=METADATA, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif isinstance(given := context.config.attributes.get("connection"), Connection):
    run_on(given)
else:
    run(database_url())
