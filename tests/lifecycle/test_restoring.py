"""A day's budgets over a restart: what was spent before it counts, once."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from tests.counting import MemoryCounters
from tests.scripted import FixedIndex, ScriptedLLM, hits
from tests.sql_parts import database_of

from lectern.adapters.sql_models import ConversationRow
from lectern.adapters.sql_records import SqlRecords
from lectern.adapters.sql_store import SqlStore
from lectern.app import create_app
from lectern.config import Settings
from lectern.daily_budget import Budget
from lectern.errors import StoreUnavailable
from lectern.lifecycle import restoring
from lectern.lifecycle.restoring import restore
from lectern.limits.budgets import Budgets, Payer
from lectern.ports import Ports, Spent, Turn, Usage
from lectern.serving import process

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANN = Payer("visitor:ann", "visitor")


def budgets(counters: MemoryCounters, at: datetime = NOON) -> Budgets:
    """Budgets that begin then."""
    kept = (Budget("visitor", 100, "tokens"), Budget("site", 1000, "tokens"))
    return Budgets(counters, kept, prices=None, stand_in=ScriptedLLM(), now=at.timestamp)


async def spend(store: SqlStore, tokens: int, at: datetime, principal: str | None) -> None:
    """A turn that cost so much."""
    usage = {"prompt_tokens": tokens - 1, "completion_tokens": 1}
    turn = Turn(str(uuid4()), str(uuid4()), "Why?", "So.", "answered", at, usage=usage)
    await store.save_turn(turn)
    owned = update(ConversationRow).where(ConversationRow.id == UUID(turn.conversation_id))
    await database_of(store).run(lambda connection: connection.execute(owned.values(principal_id=principal)))


async def test_what_was_spent_today_before_the_start_counts(store: SqlStore) -> None:
    """Yesterday's does not, nor what this server has counted itself since."""
    await spend(store, 100, NOON - timedelta(hours=1), "visitor:ann")
    await spend(store, 7, NOON - timedelta(hours=2), None)
    await spend(store, 500, NOON - timedelta(hours=13), "visitor:ann")
    await spend(store, 50, NOON + timedelta(seconds=1), "visitor:ben")
    counters = MemoryCounters()
    kept = budgets(counters)
    await kept.charge(Payer("visitor:ben", "visitor"), Usage(49, 1))
    await restore(kept, SqlRecords(database_of(store)))
    assert await kept.are_spent(ANN)
    assert sorted(counters.sums.values()) == [50, 100, 157]


class Sleeping:
    """Records that can be read at the third attempt."""

    def __init__(self) -> None:
        self.asked = 0

    async def spent(self, since: datetime, until: datetime, *, most: int) -> Spent:
        """Fail twice."""
        self.asked += 1
        if self.asked < 3:
            raise StoreUnavailable
        return Spent([], Usage(5, 5))


async def test_a_database_that_is_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it answers, or the day is over."""
    monkeypatch.setattr(restoring, "_PAUSES", (0.0,))
    counters, records = MemoryCounters(), Sleeping()
    await restore(budgets(counters), records)  # type: ignore[arg-type] # the one verb that is used
    assert (records.asked, list(counters.sums.values())) == (3, [10])
    tomorrow = budgets(counters)
    tomorrow.began = (NOON - timedelta(days=1)).timestamp()
    await restore(tomorrow, Sleeping())  # type: ignore[arg-type] # it is not asked
    assert list(counters.sums.values()) == [10]


@pytest.mark.usefixtures("_own_logs")
@pytest.mark.parametrize(("worker", "restored"), [(0, 1), (1, 1), (2, 0)])
async def test_one_worker_of_a_server_does_it(
    settings: Settings, store: SqlStore, monkeypatch: pytest.MonkeyPatch, worker: int, restored: int
) -> None:
    """The first one, or the process of another host; nobody, where the sums are kept elsewhere."""
    monkeypatch.setattr(process._here, "worker", worker)
    began = datetime.now(UTC)
    if began.hour == 0 and began.minute == 0:
        pytest.skip("a minute ago was yesterday")
    await spend(store, 100, began - timedelta(minutes=1), "visitor:ann")
    assert await restored_by_a_start(store, settings, sums=restored) == [100] * restored
    assert await restored_by_a_start(store, settings, sums=0, outlive_restarts=True) == []


async def restored_by_a_start(
    store: SqlStore, settings: Settings, *, sums: int, outlive_restarts: bool = False
) -> list[float]:
    """The sums after an app has come up over counters with nothing in them; so many are waited for."""
    counters = MemoryCounters()
    counters.outlive_restarts = outlive_restarts
    records = SqlRecords(database_of(store))
    ports = Ports(store, FixedIndex(hits()), ScriptedLLM("So [1]."), counters=counters, records=records)
    app = create_app(settings.model_copy(update={"budgets": (Budget("site", 1000, "tokens"),)}), ports)
    async with app.router.lifespan_context(app):
        async with asyncio.timeout(30):
            while not app.state.readiness.warm or len(counters.sums) < sums:  # noqa: ASYNC110 - a flag and a sum
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # for more than are wanted
    return list(counters.sums.values())
