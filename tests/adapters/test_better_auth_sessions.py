"""Sessions in Better Auth's own tables, as each database and each way to make them holds them."""

import logging
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, text
from tests.adapters.signing import SECRET, session_cookie, shared
from tests.database_servers import Postgres
from tests.scripted import FailingDatabase

from lectern.adapters.better_auth import BetterAuth
from lectern.adapters.better_auth_sessions import BetterAuthSessions
from lectern.adapters.sql_database import SqlDatabase
from lectern.errors import StoreUnavailable, Unauthorized
from lectern.principal import Principal

TOKEN = "tXeFushgLQV0ePVlAF4ai5nnfsiBG93v"
COOKIES = {"better-auth.session_token": session_cookie(TOKEN)}
ADA = Principal("user", "u1", "Ada", "ada@example.org")
LATER = datetime.now(UTC) + timedelta(days=7)
BEFORE = datetime.now(UTC) - timedelta(minutes=1)

CAMEL = ('"userId"', '"expiresAt"')
SNAKE = ("user_id", "expires_at")


def naive(moment: datetime) -> datetime:
    """As a column without a zone holds it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def iso(moment: datetime) -> str:
    """As Better Auth writes it on SQLite."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(moment: datetime) -> int:
    """As Drizzle writes it on SQLite."""
    return int(moment.timestamp() * 1000)


def seconds(moment: datetime) -> int:
    """As Drizzle writes it by default."""
    return int(moment.timestamp())


SHAPES: dict[str, tuple[str, str, tuple[str, str], Callable[[datetime], Any]]] = {
    "sqlite, kysely": ("sqlite", "date", CAMEL, iso),
    "sqlite, milliseconds": ("sqlite", "integer", SNAKE, milliseconds),
    "sqlite, seconds": ("sqlite", "integer", SNAKE, seconds),
    "sqlite, number as text": ("sqlite", "text", CAMEL, lambda moment: str(milliseconds(moment))),
    "sqlite, no zone": ("sqlite", "text", CAMEL, lambda moment: naive(moment).isoformat(sep=" ")),
    "postgres, kysely": ("postgres", "timestamptz", CAMEL, lambda moment: moment),
    "postgres, drizzle": ("postgres", "timestamp", SNAKE, naive),
}


async def execute(database: SqlDatabase, *statements: str, **values: Any) -> None:
    """Write with the test's own hand."""
    for statement in statements:
        await database.run(lambda connection, s=statement: connection.execute(text(s), values), writes=True)  # type: ignore[misc]


@pytest.fixture(params=["sqlite", "postgres"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[SqlDatabase, None]:
    """A database without a table."""
    url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    if request.param == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.make(f"sessions_{uuid4().hex}")
    database = SqlDatabase(url, pool_size=2)
    yield database
    await database.close()


async def tables(database: SqlDatabase, kind: str, names: tuple[str, str]) -> None:
    """Better Auth's two tables, as far as they are read."""
    user, expires = names
    await execute(
        database,
        'CREATE TABLE "user" (id text PRIMARY KEY, name text, email text)',
        f'CREATE TABLE "session" (id text, token text UNIQUE, {user} text, {expires} {kind})',
        "INSERT INTO \"user\" VALUES ('u1', 'Ada', 'ada@example.org')",
    )


async def add(database: SqlDatabase, ends: Any, token: str = TOKEN, user: str = "u1") -> None:
    """One session."""
    await execute(
        database,
        "INSERT INTO \"session\" VALUES ('s', :token, :user, :ends)",
        token=token,
        user=user,
        ends=ends,
    )


@pytest.fixture(params=SHAPES.values(), ids=list(SHAPES))
async def shape(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncGenerator[tuple[SqlDatabase, Callable[[datetime], Any]], None]:
    """A database with Better Auth's tables, and how it writes a moment."""
    dialect, kind, names, written = request.param
    url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    if dialect == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.make(f"sessions_{uuid4().hex}")
    database = SqlDatabase(url, pool_size=2)
    await tables(database, kind, names)
    yield database, written
    await database.close()


async def test_a_session_tells_whose_it_is(shape: tuple[SqlDatabase, Callable[[datetime], Any]]) -> None:
    """By its cookie under both names, and as a bearer token, URL-encoded or not."""
    database, written = shape
    await add(database, written(LATER))
    source = BetterAuth(secret=SECRET, sessions=BetterAuthSessions(database))
    assert await source.by_cookies(COOKIES) == ADA
    assert await source.by_cookies({"__Secure-better-auth.session_token": session_cookie(TOKEN)}) == ADA
    assert await source.by_token(session_cookie(TOKEN)) == ADA
    assert (
        await source.by_token(session_cookie(TOKEN).replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")) == ADA
    )
    assert source.describe().note == "its secret; its sessions in the database"


async def test_a_session_that_is_over_is_nobody_s(shape: tuple[SqlDatabase, Callable[[datetime], Any]]) -> None:
    """By its own end, or because it was deleted; at once, as nothing is remembered."""
    database, written = shape
    source = BetterAuth(secret=SECRET, sessions=BetterAuthSessions(database))
    await add(database, written(LATER))
    assert await source.by_cookies(COOKIES) == ADA
    await execute(database, 'DELETE FROM "session"')
    assert await source.by_cookies(COOKIES) is None
    with pytest.raises(Unauthorized):
        await source.by_token(session_cookie(TOKEN))
    await add(database, written(BEFORE))
    assert await source.by_cookies(COOKIES) is None
    with pytest.raises(Unauthorized):
        await source.by_token(session_cookie(TOKEN))


@pytest.mark.parametrize("ends", ["", "soon", None, "9" * 400])
async def test_an_end_that_cannot_be_read_is_one(empty: SqlDatabase, ends: str | None) -> None:
    """What is not known to go on does not."""
    await tables(empty, "text", CAMEL)
    await add(empty, ends)
    assert await source_of(empty).by_cookies(COOKIES) is None


@pytest.mark.parametrize("user", ["", "x" * 300])
async def test_a_session_of_no_user_is_nobody_s(empty: SqlDatabase, user: str) -> None:
    """An id that is none is not taken for one."""
    await tables(empty, "text", CAMEL)
    await add(empty, iso(LATER), user=user)
    assert await source_of(empty).by_cookies(COOKIES) is None


async def test_a_user_who_is_gone_has_no_name(empty: SqlDatabase) -> None:
    """The session counts; what to call it is not known."""
    await tables(empty, "text", CAMEL)
    await add(empty, iso(LATER), user="u2")
    assert await source_of(empty).by_cookies(COOKIES) == Principal("user", "u2")


@pytest.mark.parametrize(
    "value",
    [
        TOKEN,
        session_cookie(TOKEN, SECRET + "x"),
        session_cookie(TOKEN)[:-4],
        session_cookie(TOKEN).replace(TOKEN, TOKEN[:-1] + "w"),
        session_cookie("x" * 9000),
        session_cookie(""),
        "." + session_cookie(TOKEN).partition(".")[2],
    ],
)
async def test_a_cookie_that_is_not_signed_is_not_looked_up(empty: SqlDatabase, value: str) -> None:
    """The database has the session, and is not asked for it."""
    await tables(empty, "text", CAMEL)
    await add(empty, iso(LATER))
    asked = statements_of(empty)
    source = source_of(empty)
    assert await source.by_cookies({"better-auth.session_token": value}) is None
    assert await is_nobody(source, value)
    assert asked == []


async def test_the_database_is_asked_once(empty: SqlDatabase) -> None:
    """One statement a request, after the first one that found out how the columns are called."""
    await tables(empty, "text", SNAKE)
    await add(empty, iso(LATER))
    source = source_of(empty)
    await source.by_cookies(COOKIES)
    asked = statements_of(empty)
    assert await source.by_cookies(COOKIES) == ADA
    assert len([statement for statement in asked if "SELECT" in statement]) == 1


@pytest.mark.parametrize(
    "there",
    [
        [],
        ['CREATE TABLE "session" (session_key text, session_data text, expire_date text)'],
        ['CREATE TABLE "session" (id text, token text, "userId" text, "expiresAt" text)'],
    ],
    ids=["no table", "another's table", "no user"],
)
async def test_a_database_without_its_tables_says_nothing(
    empty: SqlDatabase, there: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """It is not asked for each request, is told once, and stays well; later it is looked at again."""
    await execute(empty, "CREATE TABLE other (id text)", *there)
    now = 0.0
    sessions = BetterAuthSessions(empty, now=lambda: now)
    source = BetterAuth(secret=SECRET, sessions=sessions)
    for _ in range(3):
        assert await source.by_cookies(COOKIES) is None
        assert await source.by_token(session_cookie(TOKEN)) is None
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    assert empty.describe().state == "ok"
    asked = statements_of(empty)
    assert await source.by_cookies(COOKIES) is None
    assert asked == []
    await execute(empty, *(f'DROP TABLE "{name}"' for name in ("session",) if there))
    await tables(empty, "text", CAMEL)
    await add(empty, iso(LATER))
    now = 301.0
    assert await source.by_cookies(COOKIES) == ADA
    assert TOKEN not in caplog.text


async def test_a_table_that_is_dropped_is_missing_again(empty: SqlDatabase) -> None:
    """As while the site's database is made anew; the store is not called down for that."""
    await tables(empty, "text", CAMEL)
    await add(empty, iso(LATER))
    source = source_of(empty)
    assert await source.by_cookies(COOKIES) == ADA
    await execute(empty, 'DROP TABLE "session"')
    assert await source.by_cookies(COOKIES) is None
    assert empty.describe().state == "ok"


async def test_a_table_that_may_not_be_read_is_missing(postgres: Postgres) -> None:
    """A role of Lectern's own has no right to the site's tables unless it is given one."""
    name = f"sessions_{uuid4().hex}"
    owner = SqlDatabase(postgres.make(name), pool_size=1)
    await tables(owner, "timestamptz", CAMEL)
    role = f"reader_{uuid4().hex}"
    await execute(owner, f"CREATE ROLE {role} LOGIN")
    reader = SqlDatabase(str(owner._engine.url.set(username=role)), pool_size=1)
    source = source_of(reader)
    assert await source.by_cookies(COOKIES) is None
    assert reader.describe().state == "ok"
    await reader.close()
    await owner.close()


async def test_a_table_that_cannot_be_read_in_time_is_not_missing(postgres: Postgres) -> None:
    """The database's own trouble is told as such, and the next request asks again."""
    url = postgres.make(f"sessions_{uuid4().hex}")
    owner, reader = SqlDatabase(url, pool_size=1), SqlDatabase(url, pool_size=1, patience_seconds=0.2)
    await tables(owner, "timestamptz", CAMEL)
    await add(owner, LATER)
    source = source_of(reader)
    with owner._engine.begin() as connection:
        connection.execute(text('LOCK TABLE "session" IN ACCESS EXCLUSIVE MODE'))
        with pytest.raises(StoreUnavailable):
            await source.by_cookies(COOKIES)
    assert await source.by_cookies(COOKIES) == ADA
    await reader.close()
    await owner.close()


def _cache(ends: datetime = LATER) -> str:
    user = {"id": "u1", "name": "Ada", "email": "ada@example.org"}
    return shared(session={"token": TOKEN, "userId": "u1", "expiresAt": iso(ends)}, user=user)


async def test_the_database_has_the_last_word_on_a_cached_session(empty: SqlDatabase) -> None:
    """A session that ended is over, although its cache in the cookie is good for some minutes more."""
    await tables(empty, "text", CAMEL)
    await add(empty, iso(LATER))
    source = source_of(empty)
    cookies = {"better-auth.session_data": _cache()}
    assert await source.by_cookies(cookies) == ADA
    assert await source.by_cookies(COOKIES | cookies) == ADA
    await execute(empty, 'DELETE FROM "session"')
    assert await source.by_cookies(cookies) is None
    assert await source.by_cookies(COOKIES | cookies) is None


async def test_a_cached_session_stands_in_for_a_database_that_is_down() -> None:
    """Without it nobody can tell; a bearer token has no cache."""
    source = BetterAuth(secret=SECRET, sessions=BetterAuthSessions(FailingDatabase()))
    assert await source.by_cookies(COOKIES | {"better-auth.session_data": _cache()}) == ADA
    assert await source.by_cookies({}) is None
    for asks in (source.by_cookies(COOKIES), source.by_token(session_cookie(TOKEN))):
        with pytest.raises(StoreUnavailable):
            await asks


def source_of(database: SqlDatabase) -> BetterAuth:
    """One that looks sessions up there."""
    return BetterAuth(secret=SECRET, sessions=BetterAuthSessions(database))


def statements_of(database: SqlDatabase) -> list[str]:
    """Every statement from now on."""
    asked: list[str] = []
    event.listen(database._engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    return asked


async def is_nobody(source: BetterAuth, token: str) -> bool:
    """Whether a bearer token is not taken, be it of another kind or refused."""
    try:
        return await source.by_token(token) is None
    except Unauthorized:
        return True
