"""Two hundred streams, each cut and gone on with, while workers and instances end: `make chaos`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.chaos.conftest import Note
from tests.chaos.havoc import RECYCLED, Act
from tests.chaos.instances import Instance
from tests.chaos.oracle import Saved, saved_in_postgres, saved_in_sqlite
from tests.chaos.scenario import MODEL, SETTINGS, Outcome, Scenario, seed
from tests.database_servers import Postgres
from tests.nginx_server import running_nginx
from tests.stub_process import Stub

from lectern.adapters.sql_migrations import migrate

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

STREAMS = 200
ACTS: tuple[Act, ...] = (
    "SIGKILL of a worker",
    "SIGTERM of a worker",
    "SIGTERM of an instance and its restart",
    "SIGTERM of a worker",
    "SIGKILL of a worker",
)


@dataclass(frozen=True, slots=True)
class Site:
    """A running service.

    Attributes:
        port: Where clients find it.
        instances: What it consists of.
        saved: Reads what it has saved.
    """

    port: int
    instances: Sequence[Instance]
    saved: Callable[[], list[Saved]]


@pytest.fixture
def ended() -> Iterator[ExitStack]:
    """What is entered here ends with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def in_sqlite(tmp_path: Path, prepared: Path, stub: Stub, ended: ExitStack) -> Site:
    """One instance with two workers."""
    settings = SETTINGS | {"OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": MODEL, "MAX_REQUESTS": "12"}
    instance = ended.enter_context(closing(Instance(tmp_path, prepared, settings)))
    return Site(instance.port, [instance], lambda: saved_in_sqlite(tmp_path / "data" / "lectern.sqlite3"))


@pytest.fixture
def in_postgres(tmp_path: Path, prepared: Path, stub: Stub, ended: ExitStack, postgres: Postgres) -> Site:
    """Two instances behind nginx that share a database, a secret and nothing else."""
    url = postgres.make("chaos")
    migrate(url)
    settings = SETTINGS | {"OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": MODEL, "DATABASE_URL": url}
    instances = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        instance = Instance(tmp_path / name, prepared, settings | {"MAX_REQUESTS": "25"})
        instances.append(ended.enter_context(closing(instance)))
    one, other = (instance.port for instance in instances)
    port = ended.enter_context(running_nginx(Path(__file__).with_name("nginx.conf"), ONE=one, OTHER=other))
    return Site(port, instances, lambda: saved_in_postgres(postgres, "chaos"))


def held(outcome: Outcome) -> None:
    """What is promised.

    Raises:
        AssertionError: A promise is broken, or so little happened that none was tried.
    """
    verdict, done = outcome.verdict, outcome.havoc.done
    assert verdict.faults == [], f"CHAOS_SEED={outcome.seed}"
    assert (verdict.missing, verdict.surplus) == (0, 0)
    assert sum(verdict.endings.values()) == STREAMS
    assert verdict.endings["answered: stop"] > STREAMS / 10  # a slow machine has more of them cut off by a stop
    assert all(client.was_cut for client in outcome.clients if client.is_answered)
    assert {act: done[act] for act in ACTS} == {act: ACTS.count(act) for act in ACTS}
    assert done[RECYCLED] > 0


async def run(site: Site, note: Note) -> Outcome:
    """Run it, and hold it to what is promised."""
    outcome = await Scenario([site.port], site.instances, site.saved, seed()).run(STREAMS, ACTS)
    note(outcome)
    held(outcome)
    return outcome


async def test_sqlite_with_two_workers(in_sqlite: Site, note: Note) -> None:
    """Every text is the saved one, or its reader was told the turn's end: 0 bytes twice, 0 missing, no turn twice."""
    await run(in_sqlite, note)


async def test_postgres_with_two_instances_behind_nginx(in_postgres: Site, note: Note) -> None:
    """The same where each request goes to the other instance than the one before."""
    outcome = await run(in_postgres, note)
    assert sum(len(client.instances) > 1 for client in outcome.clients) > STREAMS / 4
