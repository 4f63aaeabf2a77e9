"""A real store in a file of the test's own."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_store import SqlStore
from lectern.chat.pipeline import Knobs


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SqlStore, None]:
    """SQLite, migrated."""
    url = f"sqlite:///{tmp_path / 'lectern.sqlite3'}"
    migrate(url)
    store = SqlStore(url)
    yield store
    await store.close()


@pytest.fixture
def knobs() -> Knobs:
    """The pipeline's settings."""
    return Knobs(passages=5, history_turns=6, prompt_tokens=2000, min_confidence=0.3, rules="The rules.")
