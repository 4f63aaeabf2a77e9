"""What is old goes: when, how much at once, and what is said of it."""

import logging
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import anyio
import pytest
from tests.scripted import FailingDatabase
from tests.service_process import environment
from tests.serving.servers import ROOT, Served, until
from tests.sql_parts import database_of

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_retention import SqlRetention
from lectern.adapters.sql_store import SqlStore
from lectern.config import Settings
from lectern.errors import ConversationNotFound, StoreUnavailable
from lectern.lifecycle import retention as lifecycle
from lectern.lifecycle.retention import BATCH, MOST_BATCHES, Expired, expire, retain
from lectern.ops.file_lock import try_lock, unlock
from lectern.ports import Turn

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Piles:
    """So many old conversations and other things; fails at the given call, and notes what it is asked."""

    def __init__(
        self,
        visitors: int = 0,
        accounts: int = 0,
        *,
        rewrites: int = 0,
        task_keys: int = 0,
        live_turns: int = 0,
        api_keys: int = 0,
        fails_at: int | None = None,
    ) -> None:
        self.left = {True: visitors, False: accounts}
        self.others = {"rewrites": rewrites, "task keys": task_keys, "turns": live_turns, "keys": api_keys}
        self.asked: list[tuple[bool, datetime, int]] = []
        self.asked_others: list[tuple[str, datetime, int]] = []
        self.calls = 0
        self.cleaned = anyio.Event()
        self._fails_at = fails_at

    async def expire_conversations(self, before: datetime, *, anonymous: bool, most: int) -> int:
        """Take from a pile."""
        self._call()
        self.asked.append((anonymous, before, most))
        taken = min(most, self.left[anonymous])
        self.left[anonymous] -= taken
        return taken

    async def expire_logins(self, before: datetime) -> int:
        """None has ended."""
        self._call()
        return 0

    async def expire_rewrites(self, before: datetime, *, most: int) -> int:
        """Take from its pile."""
        return self._take("rewrites", before, most)

    async def expire_task_keys(self, before: datetime, *, most: int) -> int:
        """Take from its pile."""
        return self._take("task keys", before, most)

    async def expire_live_turns(self, before: datetime, *, most: int) -> int:
        """Take from its pile."""
        return self._take("turns", before, most)

    async def expire_api_keys(self, before: datetime, *, most: int) -> int:
        """Take from its pile."""
        return self._take("keys", before, most)

    def _take(self, name: str, before: datetime, most: int) -> int:
        self._call()
        self.asked_others.append((name, before, most))
        taken = min(most, self.others[name])
        self.others[name] -= taken
        return taken

    async def scrub(self) -> None:
        """Nothing to do."""
        self._call()
        self.cleaned.set()

    def _call(self) -> None:
        self.calls += 1
        if self.calls == self._fails_at:
            raise StoreUnavailable


async def run(piles: Piles, settings: Settings) -> Expired | None:
    """One run without pauses."""
    return await expire(settings, piles, now=lambda: NOW, pause_seconds=0)


def with_days(settings: Settings, anonymous: int, known: int) -> Settings:
    """Settings that keep what is anonymous, and what is not, for so many days."""
    return settings.model_copy(update={"retention_days": anonymous, "account_retention_days": known})


async def test_what_is_kept_for_how_long(store: SqlStore, settings: Settings) -> None:
    """By the day of the last question, in a real database: older than 90 days goes, the rest stays."""
    kept, gone = str(uuid4()), str(uuid4())
    for conversation, days in ((gone, 90.01), (kept, 200), (kept, 89.99)):
        asked = NOW - timedelta(days=days)
        await store.save_turn(Turn(str(uuid4()), conversation, "Why?", "So.", "answered", asked))
    retention = SqlRetention(database_of(store))
    assert await expire(settings, retention, now=lambda: NOW) == Expired(1, 0, is_all=True)
    assert len(await store.history(kept, limit=9)) == 2
    with pytest.raises(ConversationNotFound):
        await store.history(gone, limit=9)


@pytest.mark.parametrize(
    ("days", "asked"), [((90, 0), [True]), ((0, 30), [False]), ((0, 0), []), ((1, 2), [True, False])]
)
async def test_nothing_kept_for_ever_is_looked_at(settings: Settings, days: tuple[int, int], asked: list[bool]) -> None:
    """0 days mean for ever, for each kind by itself."""
    piles = Piles(3, 3)
    await run(piles, with_days(settings, *days))
    assert [anonymous for anonymous, _, _ in piles.asked] == asked
    for anonymous, before, most in piles.asked:
        assert (before, most) == (NOW - timedelta(days=days[not anonymous]), BATCH)


async def test_much_goes_in_pieces(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """A batch a transaction, no more than so many a run; the log says once how many went and that more wait."""
    caplog.set_level(logging.INFO)
    piles = Piles(BATCH * MOST_BATCHES + 1, 7)
    assert await run(piles, with_days(settings, 90, 90)) == Expired(BATCH * MOST_BATCHES, 0, is_all=False)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"Retention deleted {BATCH * MOST_BATCHES} conversations")
    assert await run(piles, with_days(settings, 90, 90)) == Expired(8, 0, is_all=True)
    assert await run(piles, with_days(settings, 90, 90)) == Expired(0, 0, is_all=True)
    assert len(caplog.messages) == 2  # what did nothing says nothing


async def test_what_is_no_conversation_goes_too(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """Pieces 180 days after their last use unless told otherwise, never with 0; the rest after a day, or ninety."""
    caplog.set_level(logging.INFO)
    piles = Piles(rewrites=BATCH + 1, task_keys=BATCH + 2, live_turns=3, api_keys=4)
    assert await run(piles, settings) == Expired(rewrites=BATCH + 1, task_keys=BATCH + 2, live_turns=3, api_keys=4)
    said = f"0 ended logins, {BATCH + 1} rewrites, {BATCH + 2} task keys, 3 lost turns and 4 ended API keys"
    assert f"deleted 0 conversations, {said}" in caplog.text
    day = ("task keys", NOW - timedelta(days=1), BATCH)
    short = [day, ("turns", NOW - timedelta(days=1), BATCH), ("keys", NOW - timedelta(days=90), BATCH)]
    assert piles.asked_others == [("rewrites", NOW - timedelta(days=180), BATCH)] * 2 + [day, *short]
    piles = Piles(rewrites=1)
    await run(piles, settings.model_copy(update={"rewrite_retention_days": 0}))
    assert piles.asked_others == short
    piles = Piles(rewrites=1)
    await run(piles, settings.model_copy(update={"rewrite_retention_days": 3}))
    assert piles.asked_others[0] == ("rewrites", NOW - timedelta(days=3), BATCH)


async def test_a_database_that_goes_down_is_survived(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """What is done is done and told; the next run goes on."""
    caplog.set_level(logging.INFO)
    piles = Piles(BATCH + 5, fails_at=2)
    assert await run(piles, settings) is None
    assert f"deleted {BATCH} conversations" in caplog.text
    assert await run(piles, settings) == Expired(5, 0, is_all=True)
    down = SqlRetention(FailingDatabase())
    assert await expire(settings, down) is None


async def test_one_worker_of_all_does_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second leaves at once; when the first one ends, the next to come is in charge."""
    monkeypatch.setattr(lifecycle, "_JITTER_SECONDS", 0)
    first, second = Piles(1), Piles(1)
    async with anyio.create_task_group() as group:
        group.start_soon(retain, settings, first)
        await first.cleaned.wait()
        with anyio.fail_after(30):
            await retain(settings, second)
        group.cancel_scope.cancel()
    assert second.calls == 0
    lock = try_lock(settings.data_dir / "RETENTION.lock")
    assert lock is not None
    unlock(lock)


async def test_a_folder_that_cannot_be_written_ends_nothing(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, and the worker goes on."""
    (tmp_path / "file").write_text("")
    await retain(settings.model_copy(update={"data_dir": tmp_path / "file" / "data"}), Piles())
    assert "Nothing is deleted for its age" in caplog.text


@pytest.mark.process
def test_a_service_deletes_what_is_old(tmp_path: Path) -> None:
    """Some seconds after its start, by one of its workers; what is not old stays."""
    url = f"sqlite:///{tmp_path / 'data' / 'lectern.sqlite3'}"
    (tmp_path / "data").mkdir()
    migrate(url)
    old, new = str(uuid4()), str(uuid4())

    async def keep() -> None:
        store = SqlStore(SqlDatabase(url))
        for conversation, days in ((old, 31), (new, 29)):
            asked = datetime.now(UTC) - timedelta(days=days)
            await store.save_turn(Turn(str(uuid4()), conversation, "Why?", "So.", "answered", asked))
        await store.close()

    def left() -> list[UUID]:
        with closing(sqlite3.connect(tmp_path / "data" / "lectern.sqlite3")) as connection:
            return [UUID(row[0]) for row in connection.execute("select conversation_id from turns")]

    anyio.run(keep)
    assert sorted(left()) == sorted([UUID(old), UUID(new)])
    service = Served(["./entrypoint.sh"], tmp_path, ROOT, environment(tmp_path, RETENTION_DAYS="30"))
    try:
        until(
            lambda: "Retention deleted 1 conversations, 0 ended logins, 0 rewrites, 0 task keys" in service.log,
            seconds=90,
        )
        assert left() == [UUID(new)]
        service.signal(signal.SIGTERM)
        assert service.exit_code() == 0
    finally:
        service.close()
    assert service.log.count("Retention deleted") == 1
    assert "Traceback" not in service.log
