"""What a check says of a real Postgres: well, asleep, behind a pooler, unmigrated, read-only, wrong, hung."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from tests.database_servers import Postgres, free_port, running_pgbouncer, running_postgres
from tests.faults.proxy import Proxy, Toxics

from lectern.adapters.examine_postgres import examine_postgres, host_and_port
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_schema import HEAD
from lectern.database_address import normal
from lectern.ops.findings import Finding


@pytest.fixture
def name(postgres: Postgres) -> str:
    """An empty database of the test's own."""
    name = f"test_{uuid4().hex}"
    postgres.make(name)
    return name


@pytest.fixture
def url(postgres: Postgres, name: str) -> str:
    """It, migrated."""
    migrate(postgres.url(name))
    return postgres.url(name)


def examine(url: str, connect_seconds: float = 5) -> dict[str, Finding]:
    """The findings by name."""
    return {finding.name: finding for finding in examine_postgres(url, connect_seconds=connect_seconds)}


def test_a_database_that_is_well(postgres: Postgres, url: str) -> None:
    """Its version, its place, how long two connections took, schema and rights."""
    found = examine(url)
    assert {finding.state for finding in found.values()} == {"ok"}
    assert f"Postgres 18 at 127.0.0.1:{postgres.port}/" in found["database"].found
    assert "connected in" in found["database"].found
    assert "pooler" not in found["database"].found
    assert found["schema"].found == f"{HEAD}, the newest"
    assert found["database rights"].found == "turns can be written"


def test_nothing_is_left_behind(postgres: Postgres, name: str, url: str) -> None:
    """A look writes nothing and leaves no connection."""
    examine(url)
    assert postgres.query("SELECT count(*) FROM turns", database=name) == [(0,)]
    assert postgres.query("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", name) == [(0,)]


def test_a_database_that_wakes_is_told(postgres: Postgres, url: str) -> None:
    """The first connection is slow and the second is not, as at Neon after a pause."""
    with Proxy(postgres.port) as proxy:
        proxy.set(Toxics(latency=0.6, well_after=1))  # some round trips
        found = examine(url.replace(f":{postgres.port}/", f":{proxy.port}/"), connect_seconds=20)["database"]
    assert (found.state, "woke up in" in found.found) == ("warn", True)
    assert found.milliseconds is not None
    assert found.milliseconds > 1000
    assert "the first reader after a pause waits" in found.fix


def test_a_pooler_is_seen(postgres: Postgres, url: str) -> None:
    """It listens elsewhere than the server behind it."""
    with running_pgbouncer(postgres) as port:
        found = examine(url.replace(f":{postgres.port}/", f":{port}/"))
    assert {finding.state for finding in found.values()} == {"ok"}
    assert "through a pooler or proxy" in found["database"].found


def test_a_database_without_a_schema(postgres: Postgres, name: str) -> None:
    """A start makes it; the rights to do so are there."""
    found = examine(postgres.url(name))
    assert (found["schema"].state, found["schema"].found) == ("warn", "it has no schema yet")
    assert "./entrypoint.sh migrate" in found["schema"].fix
    assert found["database rights"].found == "tables can be made"


def test_a_schema_of_a_newer_lectern(postgres: Postgres, name: str, url: str) -> None:
    """Starting an older one does not help."""
    postgres.query("UPDATE alembic_version SET version_num = '9999'", database=name)
    found = examine(url)["schema"]
    assert (found.state, "newer than" in found.found, found.fix) == ("fail", True, "Start the newer Lectern.")


@pytest.mark.parametrize(
    ("statement", "found", "fix"),
    [
        ("ALTER DATABASE {name} SET default_transaction_read_only = on", "it is read-only", "primary"),
        ("GRANT SELECT ON turns TO {role}", "this user may not write turns", "GRANT SELECT, INSERT"),
        ("DROP TABLE turns, conversations CASCADE", "this user may not make the tables", "GRANT CREATE"),
    ],
)
def test_rights_that_are_missing_are_named(postgres: Postgres, url: str, statement: str, found: str, fix: str) -> None:
    """Of a user who owns nothing, and of a server that takes no writes."""
    name, role = url.rpartition("/")[2], f"reader_{uuid4().hex[:8]}"
    for prepared in (f"CREATE ROLE {role} LOGIN", f"GRANT SELECT ON alembic_version TO {role}", statement):
        postgres.query(prepared.format(name=name, role=role), database=name)
    finding = examine(url.replace("lectern@", f"{role}@"))["database rights"]
    assert (finding.state, finding.found) == ("fail", found)
    assert fix in finding.fix


def test_a_database_that_is_not_there(postgres: Postgres) -> None:
    """The name is corrected where it stands."""
    found = examine(postgres.url("nothing_of_this_name"))["database"]
    assert (found.state, "does not exist" in found.found) == ("fail", True)
    assert "Correct the name" in found.fix


def test_a_server_that_is_not_there() -> None:
    """Refused at once."""
    found = examine(f"postgresql+psycopg2://lectern:sesame@127.0.0.1:{free_port()}/x")
    assert list(found) == ["database"]
    assert (found["database"].state, "Connection refused" in found["database"].found) == ("fail", True)
    assert "Nothing listens there" in found["database"].fix
    assert "sesame" not in found["database"].found


@pytest.fixture(scope="module")
def strict() -> Iterator[Postgres]:
    """A server that wants a password."""
    with running_postgres() as server:
        server.query("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        rules = server._data / "pg_hba.conf"
        rules.write_text("host all guarded 127.0.0.1/32 scram-sha-256\nhost all lectern 127.0.0.1/32 trust\n")
        server.query("SELECT pg_reload_conf()")
        yield server


@pytest.mark.parametrize(
    ("login", "found", "fix"),
    [
        ("guarded:sesame", "password authentication failed", "Correct user and password"),
        ("stranger:sesame", "no pg_hba.conf entry", "Let this machine's address and user in"),
    ],
)
def test_a_login_that_is_refused(strict: Postgres, login: str, found: str, fix: str) -> None:
    """The password is in no text."""
    finding = examine(f"postgresql+psycopg2://{login}@127.0.0.1:{strict.port}/postgres")["database"]
    assert (finding.state, found in finding.found) == ("fail", True)
    assert fix in finding.fix
    assert "sesame" not in finding.found + finding.fix


def test_a_server_that_hangs_is_left(postgres: Postgres, url: str) -> None:
    """It takes the connection and says nothing; the look ends by itself."""
    with Proxy(postgres.port) as proxy:
        proxy.set(Toxics(hang=True))
        found = examine(url.replace(f":{postgres.port}/", f":{proxy.port}/"), connect_seconds=1)["database"]
    assert (found.state, "no answer" in found.found) == ("fail", True)
    assert "DATABASE_CONNECT_TIMEOUT_SECONDS" in found.fix


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("postgresql://u:p@h.example/x", ("h.example", 5432)),
        ("postgres://u:p%40@h.example:6543/x?sslmode=require", ("h.example", 6543)),
        ("postgresql://u:p@/x?host=h.example&port=5433", ("h.example", 5433)),
        ("postgresql://u:p@/x?host=/run/postgresql", None),
        ("postgresql://u:p@[::1]:5/x", ("::1", 5)),
    ],
)
def test_the_way_there_is_read_from_any_address(address: str, place: tuple[str, int] | None) -> None:
    """A socket file has none."""
    assert host_and_port(normal(address)) == place
