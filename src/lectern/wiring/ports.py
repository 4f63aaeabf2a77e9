"""Settings → ports: everything the app leans on, put together."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from lectern.adapters.fallback_index import FallbackIndex
from lectern.adapters.local_index import LocalIndex
from lectern.config import Settings
from lectern.database_address import is_postgres
from lectern.integrations.desk import KeyDesk
from lectern.keyring import Keyring
from lectern.ports import Index, Journal, Ports, Records, Retention, Rewrites, Store, Tasks
from lectern.resilience.circuit import Shared
from lectern.serving.numbers import SharedNumbers
from lectern.wiring.accounts import build_account_identities, build_accounts
from lectern.wiring.counters import build_counters
from lectern.wiring.guards import Guards
from lectern.wiring.identities import build_identities
from lectern.wiring.integrations import build_api_keys, build_key_identities
from lectern.wiring.keys import build_keyring
from lectern.wiring.models import (
    build_embeddings,
    build_fallback_llms,
    build_llm,
    build_reranker,
    build_study_llm,
)
from lectern.wiring.tls import shared_context

if TYPE_CHECKING:
    from lectern.adapters.sql_database import Database, SqlDatabase
    from lectern.adapters.sql_rekey import Rekeyed


def build_ports(
    settings: Settings,
    *,
    database_connections: int,
    search_threads: int,
    shared: Shared | None = None,
    numbers: SharedNumbers | None = None,
    keyring: Keyring | None = None,
) -> Ports:
    """Everything the app leans on; what is remote is guarded.

    Args:
        settings: Read from the environment.
        database_connections: Transactions at once, in this process.
        search_threads: Searches at once, in this process.
        shared: What the workers tell each other of remote parts; None when there is one process only.
        numbers: What they count together; None as above.
        keyring: What people's data is sealed with; None makes one from the settings.
    """
    keyring = keyring or build_keyring(settings)
    guards = Guards(settings, shared)
    connections = settings.database_connections or database_connections
    unguarded = build_database(settings, connections)
    database = guards.database(unguarded) if is_postgres(settings.sqlalchemy_url) else unguarded
    from lectern.adapters.sql_conversations import SqlConversations  # noqa: PLC0415 - has SQLAlchemy, as the above

    accounts = build_accounts(database, keyring)
    api_keys = build_api_keys(database)
    return Ports(
        store=build_store(settings, database, needs_migration=lambda: unguarded.needs_migration),
        index=build_index(settings, search_threads, guards),
        llm=guards.llm(build_llm(settings)) if settings.has_llm else build_llm(settings),
        fallback_llms=build_fallback_llms(settings, guards),
        study_llm=guards.study_llm(build_study_llm(settings)),
        embeddings=guards.embeddings(build_embeddings(settings, threads=search_threads)),
        reranker=guards.reranker(build_reranker(settings)),
        conversations=SqlConversations(database),
        accounts=accounts,
        api_keys=api_keys,
        identities=(
            *build_key_identities(api_keys),
            *build_identities(settings, database),
            *build_account_identities(settings, accounts, keyring),
        ),
        records=build_records(database),
        retention=build_retention(database),
        rewrites=guards.rewrites(build_rewrites(database), connections),
        tasks=build_tasks(database),
        journal=build_journal(database),
        counters=build_counters(settings, guards, numbers),
        circuits=guards.circuits,  # last: all that is guarded has its circuit by now
    )


def build_database(settings: Settings, connections: int) -> "SqlDatabase":
    """The database that conversations and people are kept in, unguarded.

    Args:
        settings: Read from the environment.
        connections: Transactions at once.
    """
    from lectern.adapters.sql_database import SqlDatabase  # noqa: PLC0415 - imports SQLAlchemy, 0.3 s, when needed

    return SqlDatabase(
        settings.sqlalchemy_url,
        pool_size=connections,
        patience_seconds=settings.database_statement_timeout_seconds,
        connect_seconds=settings.database_connect_timeout_seconds,
    )


async def rekey(settings: Settings) -> "Rekeyed":
    """Rewrite what people's data is sealed and found with by the newest secret.

    Raises:
        StoreUnavailable: The database cannot be used now.
    """
    from lectern.adapters.sql_rekey import rekey as rewrite  # noqa: PLC0415 - for this command only

    database = build_database(settings, 1)
    try:
        return await rewrite(database, build_keyring(settings))
    finally:
        await database.close()


@asynccontextmanager
async def open_key_desk(settings: Settings) -> AsyncGenerator[KeyDesk, None]:
    """What makes keys of integrations and revokes them, with a database of its own: for a command."""
    database = build_database(settings, 1)
    try:
        yield KeyDesk(build_api_keys(database))
    finally:
        await database.close()


def build_store(settings: Settings, database: "Database", needs_migration: Callable[[], bool]) -> Store:
    """Where conversations are kept. A server over the network has an outbox; a file is as safe as that would be."""
    from lectern.adapters.sql_store import SqlStore  # noqa: PLC0415 - imports SQLAlchemy, 0.3 s, when it is needed

    store = SqlStore(database)
    url = settings.sqlalchemy_url
    if not is_postgres(url):
        return store
    from lectern.adapters.migration_process import migrate_elsewhere  # noqa: PLC0415 - for Postgres only
    from lectern.adapters.outbox_files import OutboxFiles  # noqa: PLC0415 - as above
    from lectern.adapters.outbox_store import OutboxStore  # noqa: PLC0415 - as above

    return OutboxStore(
        store,
        OutboxFiles(settings.outbox_dir, most_bytes=settings.outbox_bytes),
        patience_seconds=settings.database_connect_timeout_seconds,
        migrate=lambda: migrate_elsewhere(url),
        needs_migration=needs_migration,
    )


def build_records(database: "Database") -> Records:
    """What operators ask of the database."""
    from lectern.adapters.sql_records import SqlRecords  # noqa: PLC0415 - as `build_database`

    return SqlRecords(database)


def build_retention(database: "Database") -> Retention:
    """What deletes from it what is old."""
    from lectern.adapters.sql_retention import SqlRetention  # noqa: PLC0415 - as `build_database`

    return SqlRetention(database)


def build_rewrites(database: "Database") -> Rewrites:
    """Where rewritten pieces of chapters are kept."""
    from lectern.adapters.sql_rewrites import SqlRewrites  # noqa: PLC0415 - as `build_database`

    return SqlRewrites(database)


def build_tasks(database: "Database") -> Tasks:
    """Where readers' tasks are kept; a server's too have no outbox: a task is there, or its writer is told."""
    from lectern.adapters.sql_tasks import SqlTasks  # noqa: PLC0415 - as `build_database`

    return SqlTasks(database)


def build_journal(database: "Database") -> Journal:
    """Where turns under way are written down, in the same database: whoever answers from it finds them."""
    from lectern.adapters.sql_journal import SqlJournal  # noqa: PLC0415 - as `build_database`

    return SqlJournal(database)


def build_index(settings: Settings, search_threads: int = 1, guards: Guards | None = None) -> Index:
    """The site's sections: in Qdrant when it is configured, with the local index behind it."""
    local = LocalIndex(
        settings.index_dir, image=settings.image_index_dir, search_threads=search_threads, model=settings.embedding_name
    )
    if settings.qdrant_url is None:
        return local
    from lectern.adapters.qdrant_index import QdrantConnection, QdrantIndex  # noqa: PLC0415 - 1 s, when it is needed

    key = settings.qdrant_api_key
    connection = QdrantConnection(
        settings.qdrant_url,
        api_key=key.get_secret_value() if key else None,
        tls=shared_context() if settings.qdrant_url.startswith("https") else None,
    )
    qdrant = QdrantIndex(connection, settings.qdrant_collection, model=settings.embedding_name, threads=search_threads)
    # A guarded index is left alone by its breaker; a bare one, in a command, by the fallback's own pause.
    return FallbackIndex(guards.index(qdrant), local, rest_seconds=0) if guards else FallbackIndex(qdrant, local)
