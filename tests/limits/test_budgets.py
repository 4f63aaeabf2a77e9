"""Who pays, when a budget is spent, and what is counted of a turn."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.counting import MemoryCounters
from tests.scripted import ScriptedLLM

from lectern.daily_budget import Budget, Prices
from lectern.limits.budgets import Budgets, Payer, estimate, payer_of
from lectern.ports import Message, Prompt, Usage
from lectern.principal import Principal

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
ANN, BEN = Payer("visitor:ann", "visitor"), Payer("visitor:ben", "visitor")
CARL = Payer("account:carl", "account")
OPERATOR = Payer("operator:", None)


def budgets(*kept: Budget, counters: MemoryCounters | None = None, hours: float = 0) -> Budgets:
    """Budgets of the test's choice, so many hours after noon."""
    return Budgets(
        counters or MemoryCounters(),
        kept,
        prices=Prices(1, 2),
        stand_in=ScriptedLLM(),
        now=lambda: NOON + hours * 3600,
    )


async def test_a_budget_is_spent_when_its_sum_is_reached() -> None:
    """Not before; each visitor has one of its own, and an account another."""
    kept = budgets(Budget("visitor", 100, "tokens"), Budget("account", 1000, "tokens"))
    await kept.charge(ANN, Usage(60, 39))
    assert not await kept.are_spent(ANN)
    await kept.charge(ANN, Usage(1, 0))
    await kept.charge(CARL, Usage(500, 400))
    assert await kept.are_spent(ANN)
    assert not await kept.are_spent(BEN)
    assert not await kept.are_spent(CARL)


async def test_everybody_spends_the_sites() -> None:
    """What all spend together ends it for all but the operator, whose turns count too."""
    kept = budgets(Budget("site", 100, "tokens"))
    await kept.charge(ANN, Usage(40, 0))
    await kept.charge(CARL, Usage(40, 0))
    assert not await kept.are_spent(BEN)
    await kept.charge(OPERATOR, Usage(20, 0))
    assert [await kept.are_spent(payer) for payer in (ANN, BEN, CARL, OPERATOR)] == [True, True, True, False]


async def test_money_is_counted_by_its_prices() -> None:
    """A million tokens of a prompt cost 1 here, those of an answer 2."""
    kept = budgets(Budget("site", 0.5, "usd"), Budget("visitor", 1_000_000, "tokens"))
    await kept.charge(ANN, Usage(100_000, 100_000))
    assert not await kept.are_spent(ANN)
    await kept.charge(BEN, Usage(200_000, 0))
    assert await kept.are_spent(ANN)


async def test_nothing_may_be_spent_of_nothing() -> None:
    """With a budget of 0 visitors get quotes from their first question on, and accounts answers."""
    kept = budgets(Budget("visitor", 0, "tokens"))
    assert await kept.are_spent(ANN)
    assert not await kept.are_spent(CARL)


async def test_a_day_ends_at_midnight_utc() -> None:
    """The next day begins with nothing spent, and the sums of the last one may be forgotten by then."""
    counters, kept = MemoryCounters(), Budget("visitor", 10, "tokens")
    await budgets(kept, counters=counters, hours=11.99).charge(ANN, Usage(10, 0))
    assert await budgets(kept, counters=counters, hours=-12).are_spent(ANN)
    assert not await budgets(kept, counters=counters, hours=12).are_spent(ANN)
    assert set(counters.until.values()) == {datetime(2026, 3, 2, tzinfo=UTC).timestamp()}


async def test_what_costs_nothing_is_not_counted() -> None:
    """A quoted answer writes nothing anywhere."""
    counters = MemoryCounters()
    await budgets(Budget("site", 1, "tokens"), counters=counters).charge(ANN, Usage())
    assert not counters.sums


async def test_a_restart_goes_on_with_the_day() -> None:
    """Each principal's sum comes back to its own budget, and the total to the site's, once."""
    counters = MemoryCounters()
    kept = budgets(Budget("site", 5000, "tokens"), Budget("visitor", 100, "tokens"), counters=counters)
    await kept.restore([("visitor:ann", Usage(99, 1)), ("account:carl", Usage(900, 0))], Usage(2000, 500))
    assert await kept.are_spent(ANN)
    assert not await kept.are_spent(BEN)
    assert sorted(counters.sums.values()) == [100, 2500]


@pytest.mark.parametrize(
    ("principal", "is_new", "payer"),
    [
        (Principal("visitor", "v1"), False, Payer("visitor:v1", "visitor")),
        (Principal("visitor", "v1"), True, Payer("address:192.0.2.7", "visitor")),
        (Principal("account", "a1"), False, Payer("account:a1", "account")),
        (Principal("user", "u1"), False, Payer("user:u1", "account")),
        (Principal("operator", "o"), False, Payer("operator:o", None)),
    ],
)
def test_who_pays(principal: Principal, is_new: bool, payer: Payer) -> None:  # noqa: FBT001
    """Who shows no id of an earlier request is known by its address only; whoever signed in is an account."""
    assert payer_of(principal, address="192.0.2.7", is_new=is_new) == payer


@given(texts=st.lists(st.text(max_size=50), max_size=4), said=st.integers(0, 10_000))
def test_an_estimate_is_a_token_for_four_characters(texts: list[str], said: int) -> None:
    """Rounded up, prompt and answer apart."""
    usage = estimate(Prompt("q", (), tuple(Message("user", text) for text in texts)), said)
    assert 4 * usage.prompt_tokens - 3 <= sum(map(len, texts)) <= 4 * usage.prompt_tokens
    assert 4 * usage.completion_tokens - 3 <= said <= 4 * usage.completion_tokens
