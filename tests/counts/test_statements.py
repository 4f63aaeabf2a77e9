"""What a turn asks of the database: statements, transactions, round trips, and nothing while tokens flow."""

from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.counts.postgres_log import sent
from tests.counts.service import TOKENS, Service, running
from tests.database_servers import Postgres

from lectern.adapters.sql_migrations import migrate

SAVE = {"begin": 1, "execute": 2, "commit": 1}
"""One transaction: the conversation, and the turn."""

READ = {"begin": 1, "execute": 1, "commit": 1}
"""One statement brings the earlier turns."""

READ_TRIPS = Counter(SELECT=2, BEGIN=1, SET=1, COMMIT=1)
SAVE_TRIPS = Counter(SELECT=1, BEGIN=1, SET=1, INSERT=2, COMMIT=1)
"""Each transaction asks first whether its connection still lives, and limits its statements' time."""

GO_ON_TRIPS = SAVE_TRIPS - Counter(INSERT=1) + Counter(UPDATE=1)
"""A later turn makes no conversation: it would bring back one that was deleted meanwhile."""


@pytest.fixture
async def on_postgres(data: Path, _own_logs: None, postgres: Postgres) -> AsyncGenerator[Service, None]:
    """A warm service on a real Postgres that logs every statement it is sent."""
    url = postgres.make("counted")
    migrate(url)
    postgres.query("ALTER DATABASE counted SET log_statement = 'all'")
    async with running(data, database_url=url) as service:
        session = await service.streamed()
        await service.streamed(session=session)
        yield service
    postgres.query("DROP DATABASE counted WITH (FORCE)")


async def test_a_first_turn_is_one_transaction(service: Service, database: Counter[str]) -> None:
    """Nothing is read for it, and it is saved in two statements."""
    await service.streamed()
    assert +database == SAVE


async def test_a_follow_up_is_two_transactions(service: Service, database: Counter[str]) -> None:
    """One statement brings the earlier turns, two keep the new one."""
    session = await service.streamed()
    database.clear()
    await service.streamed(session=session)
    assert +database == Counter(READ) + Counter(SAVE)


async def test_what_keeps_nothing_asks_nothing(service: Service, database: Counter[str]) -> None:
    """A search and a look at health leave the database alone."""
    await service.search()
    await service.health()
    assert +database == {}


async def test_no_connection_is_held_while_tokens_flow(service: Service, database: Counter[str]) -> None:
    """At every token of a follow-up the pool has all of its connections, and nothing was asked since the first."""
    session = await service.streamed()
    held: list[tuple[int, int]] = []
    service.reader.watch(lambda: held.append((database["held"], database["execute"])))
    database.clear()
    await service.streamed(session=session)
    assert held == [(0, READ["execute"])] * TOKENS


async def test_postgres_is_sent_no_more_than_that(on_postgres: Service, postgres: Postgres) -> None:
    """By the server's own log: a save is six round trips at most, the earlier turns are five, each one transaction."""
    _, end = sent(postgres)
    session = await on_postgres.streamed()
    first, end = sent(postgres, end)
    await on_postgres.streamed(session=session)
    then, _ = sent(postgres, end)
    assert first <= SAVE_TRIPS
    assert then <= READ_TRIPS + GO_ON_TRIPS
    assert (first["COMMIT"], then["COMMIT"]) == (1, 2)
