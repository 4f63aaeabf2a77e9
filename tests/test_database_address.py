"""Database addresses: every common form is understood, and none is ever repeated in a message."""

import pytest
from psycopg2.extensions import parse_dsn
from sqlalchemy import make_url

from lectern import database_address
from lectern.config import ConfigError, Settings
from lectern.database_address import direct, is_postgres, normal, place

NEON = "ep-cool-darkness-123-pooler.eu-central-1.aws.neon.tech"


@pytest.mark.parametrize(
    "scheme",
    ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2", "postgresql+psycopg", "postgres+pg8000"],
)
def test_every_scheme_becomes_one(scheme: str) -> None:
    """Whatever driver an address was written for, psycopg2 is what connects."""
    assert normal(f"{scheme}://u:p@host:6543/name") == "postgresql+psycopg2://u:p@host:6543/name"


def test_neons_own_string_is_kept_whole() -> None:
    """TLS and channel binding stay as Neon's console gives them."""
    given = f"postgresql://owner:npg_x@{NEON}/neondb?sslmode=require&channel_binding=require"
    assert normal(given) == given.replace("postgresql://", "postgresql+psycopg2://")
    assert normal(f"psql '{given}'\n") == normal(given)


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("ssl=require", {"sslmode": "require"}),
        ("ssl=true", {"sslmode": "require"}),
        ("sslmode=verify-full&ssl=true", {"sslmode": "verify-full"}),
        ("pgbouncer=true&connection_limit=5&schema=public&prepared_statement_cache_size=0", {}),
        ("options=endpoint%3Dep-x&connect_timeout=9", {"options": "endpoint=ep-x", "connect_timeout": "9"}),
        ("replication=database", {}),
    ],
)
def test_only_what_libpq_knows_is_kept(query: str, kept: dict[str, str]) -> None:
    """Options of other drivers are dropped or translated; a stray one would fail every connection."""
    assert dict(make_url(normal(f"postgresql+asyncpg://u:p@host/name?{query}")).query) == kept


def test_the_known_options_are_the_librarys() -> None:
    """Every option that is kept is one that libpq itself takes."""
    for option in database_address._LIBPQ:
        assert parse_dsn(f"{option}=1") == {option: "1"}


@pytest.mark.parametrize("password", ["p%40ss", "p%2Fss%3A", "p@ss", "p%ss", "%C3%BC"])
def test_any_password_arrives(password: str) -> None:
    """What was encoded is decoded once, and what should have been is where it can be told apart."""
    url = make_url(normal(f"postgres://user:{password}@host/name"))
    expected = {"p%40ss": "p@ss", "p%2Fss%3A": "p/ss:", "%C3%BC": "ü"}.get(password, password)
    assert (url.username, url.password, url.host, url.database) == ("user", expected, "host", "name")


def test_a_socket_needs_no_host() -> None:
    """A server on this machine may be named by the folder of its socket."""
    url = make_url(normal("postgresql:///name?host=/run/postgresql"))
    assert (url.host, url.database, url.query["host"]) == (None, "name", "/run/postgresql")


@pytest.mark.parametrize(
    "address",
    [
        "napi_hunter2",
        "mysql://user:hunter2@host/db",
        "postgresql://",
        "postgresql:///hunter2",
        "postgresql://user:hunter2/x@host/db",
        "postgresql://user:hunter2#x@host/db",
        "postgresql://user:hunter2@host:port/db",
        "postgresql://[hunter2/db",
        "sqlite:hunter2",
    ],
)
@pytest.mark.parametrize("variable", ["DATABASE_URL", "NEON_API_KEY"])
def test_a_wrong_address_is_told_without_it(address: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable and what it wants, never what it held."""
    monkeypatch.setenv(variable, address)
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    message = str(caught.value)
    assert f"{variable} held a secret value; it wants: " in message
    assert "hunter2" not in message


def test_neons_variable_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """NEON_API_KEY is the address when DATABASE_URL is not set, and production lacks nothing then."""
    monkeypatch.setenv("NEON_API_KEY", "postgres://u:hunter2@host/name")
    settings = Settings.load()
    assert settings.sqlalchemy_url == "postgresql+psycopg2://u:hunter2@host/name"
    assert "DATABASE_URL" not in dict(settings.missing_for_production())
    assert "hunter2" not in repr(settings)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///x.sqlite3")
    assert Settings.load().sqlalchemy_url == "sqlite:///x.sqlite3"


@pytest.mark.parametrize(
    ("host", "server"),
    [
        (NEON, NEON.replace("-pooler", "")),
        (f"{NEON}:5432", NEON.replace("-pooler", "") + ":5432"),
        ("ep-x.eu.aws.neon.tech", "ep-x.eu.aws.neon.tech"),
        ("my-pooler.internal", "my-pooler.internal"),
        ("127.0.0.1:6432", "127.0.0.1:6432"),
    ],
)
def test_a_poolers_server(host: str, server: str) -> None:
    """Only Neon's pooler has a known server behind it; login and options stay."""
    assert direct(f"postgresql+psycopg2://u:p-pooler@{host}/db?sslmode=require") == (
        f"postgresql+psycopg2://u:p-pooler@{server}/db?sslmode=require"
    )


def test_files_are_no_servers() -> None:
    """SQLite stays what it is."""
    assert normal("sqlite:///data/x.sqlite3") == direct("sqlite:///data/x.sqlite3") == "sqlite:///data/x.sqlite3"
    assert not is_postgres("sqlite:///data/x.sqlite3")
    assert is_postgres(normal("postgres://h/d"))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql+psycopg2://u:hunter2@host:5433/db?sslmode=require", "host:5433/db"),
        ("postgresql+psycopg2://u:hunter2@/db?host=/run/pg", "/run/pg/db"),
        ("sqlite:///data/x.sqlite3", "data/x.sqlite3"),
    ],
)
def test_a_place_has_no_secret(address: str, shown: str) -> None:
    """Reports and logs name host and database only."""
    assert place(address) == shown
