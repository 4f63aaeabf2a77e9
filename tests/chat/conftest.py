"""The pipeline's settings, and workers that share a database."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio.to_thread
import pytest
from tests.chat.written_turns import Worker, container

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_migrations import migrate
from lectern.chat import elsewhere, journaling, lookout, reading
from lectern.chat.pipeline import Knobs


@pytest.fixture
def knobs() -> Knobs:
    """Small enough to see their effect."""
    return Knobs(
        passages=5, history_turns=6, prompt_tokens=2000, min_confidence=0.3, waking_seconds=60, rules="The rules."
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqlDatabase]:
    """What all workers share."""
    url = f"sqlite:///{tmp_path / 'lectern.sqlite3'}"
    await anyio.to_thread.run_sync(migrate, url)
    database = SqlDatabase(url, pool_size=3)
    yield database
    await database.close()


@pytest.fixture
def workers(database: SqlDatabase) -> list[Worker]:
    """The two workers of a container."""
    return container(database)


@pytest.fixture
def stranger(database: SqlDatabase) -> Worker:
    """The worker of another container."""
    [worker] = container(database, workers=1, instance=2)
    return worker


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long: what takes seconds because machines and databases are slow takes a fraction here."""
    monkeypatch.setattr(journaling, "BATCH_SECONDS", 0.02)
    monkeypatch.setattr(journaling, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(reading, "_GRACE_SECONDS", 0.1)
    monkeypatch.setattr(lookout, "_MISSING_SECONDS", 0.1)
    monkeypatch.setattr(elsewhere, "_STOP_SECONDS", 0.1)
    monkeypatch.setattr(elsewhere, "_AWAY_SECONDS", 0.3)
