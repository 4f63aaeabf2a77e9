"""A day's budgets over a restart: what was spent before it counts, once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from tests.counting import MemoryCounters
from tests.scripted import ScriptedLLM
from tests.sql_parts import database_of

from lectern.adapters.sql_models import ConversationRow
from lectern.adapters.sql_records import SqlRecords
from lectern.adapters.sql_store import SqlStore
from lectern.daily_budget import Budget
from lectern.errors import StoreUnavailable
from lectern.lifecycle import restoring
from lectern.lifecycle.restoring import restore
from lectern.limits.budgets import Budgets, Payer
from lectern.ports import Spent, Turn, Usage

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
