"""Whether Postgres is there, how long it takes to wake, and whether turns can be kept in it."""

import time
from contextlib import closing, suppress
from typing import Any, Final

import psycopg2
from psycopg2 import extensions

from lectern.adapters.examine_schema import schema_finding
from lectern.adapters.postgres_migrations import address_of, connect, first_line, revision
from lectern.database_address import place
from lectern.ops.findings import Finding, milliseconds_since

PORT: Final = 5432

WAKING_MS: Final = 1000
"""A first connection that takes longer, and three times as long as the second, has woken somebody."""

_POOLER_PORTS: Final = frozenset((6432, 6543))
_OLDEST: Final = 130_000
"""Postgres 13 is the oldest that its makers still knew in 2025 (https://www.postgresql.org/support/versioning/)."""

_RIGHTS: Final = """
SELECT current_setting('transaction_read_only') = 'on' OR pg_is_in_recovery(),
       has_schema_privilege(current_schema(), 'CREATE'),
       (SELECT bool_and(has_table_privilege(t.oid, 'SELECT') AND has_table_privilege(t.oid, 'INSERT')
                        AND has_table_privilege(t.oid, 'UPDATE') AND has_table_privilege(t.oid, 'DELETE'))
          FROM pg_class t WHERE t.oid IN (to_regclass('conversations'), to_regclass('turns')))
"""


def host_and_port(url: str) -> tuple[str, int] | None:
    """Where a normal address leads over the network; None for a socket file or a service's name."""
    parts = extensions.parse_dsn(address_of(url))
    host = str(parts.get("hostaddr") or parts.get("host") or "").partition(",")[0]
    port = str(parts.get("port") or PORT).partition(",")[0]
    return (host, int(port)) if host and not host.startswith(("/", "@")) and port.isdecimal() else None


def examine_postgres(url: str, *, connect_seconds: float) -> list[Finding]:
    """Connect twice and ask; blocks, but no longer than its limits.

    Args:
        url: A normal address.
        connect_seconds: How long the server gives a connection.
    """
    where = place(url)
    began = time.monotonic()
    try:
        connect(url, connect_seconds=connect_seconds).close()
        first = milliseconds_since(began)
        began = time.monotonic()
        with closing(connect(url, connect_seconds=connect_seconds)) as connection:
            second = milliseconds_since(began)
            connection.autocommit = True
            return [
                _reached(connection, url, first, second),
                schema_finding(revision(connection), none="warn"),
                _rights(connection),
            ]
    except psycopg2.Error as error:
        said = first_line(error)
        return [Finding("database", "fail", f"Postgres {where}: {said}", _fix(said), milliseconds_since(began))]


def _reached(connection: Any, url: str, first: int, second: int) -> Finding:  # noqa: ANN401 - psycopg2's connection
    """That it is there: its version, who stands between, how long it took."""
    number = connection.server_version
    tls = "TLS" if connection.info.ssl_in_use else "no TLS"
    said = f"Postgres {number // 10_000} at {place(url)}, {tls}{_pooler(connection, url)}"
    woke = first > WAKING_MS and first > 3 * second
    said += f"; woke up in {first} ms, then {second} ms" if woke else f"; connected in {first} ms, then {second} ms"
    if number < _OLDEST:
        return Finding("database", "warn", said, "Upgrade it: this version gets no fixes any more.", first)
    if not connection.info.ssl_in_use and _is_public(url):
        return Finding(
            "database", "warn", said, "Add sslmode=require to the address: passwords and turns are sent.", first
        )
    if woke:
        fix = "Nothing must be done: the first reader after a pause waits for it. A plan without autosuspend ends that."
        return Finding("database", "warn", said, fix, first)
    return Finding("database", "ok", said, milliseconds=first)


def _rights(connection: Any) -> Finding:  # noqa: ANN401 - as above
    with connection.cursor() as cursor:
        cursor.execute(_RIGHTS)
        read_only, may_create, may_write = cursor.fetchone()
    if read_only:
        return Finding(
            "database rights", "fail", "it is read-only", "Name the primary, not a replica, in DATABASE_URL."
        )
    if may_write is False:
        fix = "GRANT SELECT, INSERT, UPDATE, DELETE ON conversations, turns TO the user in DATABASE_URL."
        return Finding("database rights", "fail", "this user may not write turns", fix)
    if not may_create and may_write is None:
        fix = "GRANT CREATE ON SCHEMA public TO the user in DATABASE_URL, or migrate as the schema's owner."
        return Finding("database rights", "fail", "this user may not make the tables", fix)
    return Finding("database rights", "ok", "turns can be written" if may_write else "tables can be made")


def _pooler(connection: Any, url: str) -> str:  # noqa: ANN401 - as above
    """Whether somebody stands between: by the host's name, a pooler's port, or a server that listens elsewhere."""
    host, port = host_and_port(url) or ("", 0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT inet_server_port()")
        real = cursor.fetchone()[0]
    if "pooler" in host or port in _POOLER_PORTS or (port and real is not None and real != port):
        return ", through a pooler or proxy"
    return ""


def _is_public(url: str) -> bool:
    """Whether the way there may be open to others: a name with a dot that is no address of this machine."""
    host = (host_and_port(url) or ("", 0))[0]
    return "." in host and not host.startswith("127.") and not host.endswith((".local", ".internal"))


def _fix(said: str) -> str:
    """What to do about a server's or libpq's words."""
    fixes = {
        "password authentication failed": "Correct user and password in DATABASE_URL, with : / ? # @ % written as %XX.",
        "does not exist": "Correct the name of the database or user in DATABASE_URL.",
        "could not translate host name": "Correct the host in DATABASE_URL.",
        "no pg_hba.conf entry": "Let this machine's address and user in, or add sslmode=require to DATABASE_URL.",
        "too many": "Lower DATABASE_CONNECTIONS or WEB_CONCURRENCY, or use the provider's pooled address.",
        "remaining connection slots": "Lower DATABASE_CONNECTIONS or WEB_CONCURRENCY, or use the provider's pooler.",
        "SSL": "Look at sslmode and sslrootcert in DATABASE_URL.",
        "certificate": "Look at sslmode and sslrootcert in DATABASE_URL.",
        "quota": "The plan's limit is reached: look at the provider's console.",
        "no answer": "Something takes the connection and says nothing: a server that sleeps for longer than "
        "DATABASE_CONNECT_TIMEOUT_SECONDS, or a proxy.",
        "Connection refused": "Nothing listens there: start it, or correct DATABASE_URL.",
    }
    for words, fix in fixes.items():
        if words in said:
            return fix
    with suppress(ValueError):
        said.index("timeout")
        return "It does not answer in time: look at the finding on reaching it."
    return "Look at the finding on reaching it, and at DATABASE_URL."
