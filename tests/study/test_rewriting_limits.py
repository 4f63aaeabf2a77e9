"""What there is no time, no money or no model for: what is done is told and kept, the rest stays and is named."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from tests.study.kept import MemoryRewrites
from tests.study.models import KNOBS, RewritingLLM, read, rewriter
from tests.study.store_page import PAGE, expected

from lectern.adapters.quoting import QuotingLLM
from lectern.adapters.shared_counters import SharedCounters
from lectern.daily_budget import Budget
from lectern.errors import (
    BudgetSpent,
    LecternError,
    NoModel,
    TooBusy,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from lectern.limits.budgets import Budgets, Payer
from lectern.resilience import deadline
from lectern.study.rewriting import Knobs
from lectern.study.segments import cut

PAYER = Payer("ann", "account")
SMALL = Knobs(batch_tokens=40, calls=1, lease_seconds=KNOBS.lease_seconds)


def budgets(tokens: float) -> Budgets:
    """A budget of so many tokens for each account, with nothing spent."""
    return Budgets(SharedCounters(), [Budget("account", tokens, "tokens")], prices=None, stand_in=QuotingLLM())


@contextmanager
def time_left(seconds: float) -> Iterator[None]:
    """A request that has so long for its work."""
    token = deadline.start(seconds + deadline.RESERVE_SECONDS)
    try:
        yield
    finally:
        deadline.end(token)


async def test_what_is_not_ready_in_time_stays_and_the_next_goes_on() -> None:
    """When time is over, complete blocks of a reply under way are used, the rest is named; only that is asked next."""
    page, store, llm = cut(PAGE), MemoryRewrites(), RewritingLLM(hold=asyncio.Event())
    with time_left(0.5):
        sections, end = await read(rewriter(llm, store), page)
    left = {alone.segment for alone in end.left_alone}
    assert 0 < len(left) < len(page.segments)
    assert {alone.reason for alone in end.left_alone} == {"timeout"}
    assert page.segments[min(left)].text.startswith(end.left_alone[0].excerpt[:4])
    assert "".join(section.markdown for section in sections) == end.texts[0] != expected(page)
    assert (llm.open, store.leases) == (0, {})
    assert end.usage.prompt_tokens > 0
    again = RewritingLLM()
    _, end = await read(rewriter(again, store), page)
    assert end.texts[0] == expected(page)
    assert len(again.texts) == len(left)


async def test_no_time_at_all_is_an_error_and_costs_nothing() -> None:
    """A request whose time is over asks nobody; one that has nothing to show for it raises."""
    llm = RewritingLLM()
    with time_left(-1), pytest.raises(UpstreamTimeout):
        await read(rewriter(llm), cut(PAGE))
    assert llm.prompts == []


async def test_time_ends_also_while_another_works() -> None:
    """Who waits for another replica's lease, or another request of the process, does so until its own time is over."""
    store, held = MemoryRewrites(), RewritingLLM(hold=asyncio.Event())
    service = rewriter(held, store)
    working = asyncio.create_task(read(service, cut(PAGE)))
    await held.asked.wait()
    with time_left(0.3):
        for other in (service, rewriter(RewritingLLM(), store)):
            with pytest.raises(UpstreamTimeout):
                await read(other, cut(PAGE))
    assert held.hold is not None
    held.hold.set()
    _, end = await working
    assert end.texts[0] == expected(cut(PAGE))


@pytest.mark.parametrize("error", [UpstreamUnavailable(), UpstreamRejected(), UpstreamTimeout(), TooBusy()])
async def test_a_model_that_is_down_is_an_error(error: LecternError) -> None:
    """When not one segment could be had, the reader gets the error; a refusal is not asked for twice."""
    llm = RewritingLLM(errors=[error] * 100)
    with pytest.raises(type(error)):
        await read(rewriter(llm), cut(PAGE))
    assert len(llm.prompts) == (2 if error.retryable else 1)


async def test_a_model_that_goes_down_leaves_the_rest() -> None:
    """What was done before the model failed is served, the rest is named with the error's code."""
    page, llm = cut(PAGE), RewritingLLM()
    store = MemoryRewrites()
    await read(rewriter(RewritingLLM(), store), cut(PAGE.split("## Reading")[0]))
    llm.errors = [UpstreamUnavailable()] * 100
    _, end = await read(rewriter(llm, store), page)
    assert {alone.reason for alone in end.left_alone} == {"upstream_unavailable"}
    assert 0 < end.cached == len(page.segments) - len(end.left_alone)
    assert end.texts[0].startswith(expected(page).split("## ")[0])


async def test_a_failed_call_is_made_once_more() -> None:
    """A failure that may pass costs a second call, and no segment."""
    llm = RewritingLLM(errors=[UpstreamUnavailable()])
    _, end = await read(rewriter(llm), cut(PAGE))
    assert (end.texts[0], end.left_alone, end.model_calls) == (expected(cut(PAGE)), (), 2)


async def test_without_a_model() -> None:
    """Where none is configured, chapters with prose in them cannot be had."""
    with pytest.raises(NoModel):
        await read(rewriter(None, MemoryRewrites()), cut(PAGE))


async def test_a_spent_budget_serves_what_is_kept() -> None:
    """Who has spent everything gets no new call, but all that was rewritten before."""
    page, store, llm, spent = cut(PAGE), MemoryRewrites(), RewritingLLM(), budgets(0)
    with pytest.raises(BudgetSpent):
        await read(rewriter(llm, store, budgets=spent), page, payer=PAYER)
    await read(rewriter(RewritingLLM(), store), cut(PAGE.split("## Reading")[0]))
    _, end = await read(rewriter(llm, store, budgets=spent), page, payer=PAYER)
    assert {alone.reason for alone in end.left_alone} == {"budget_spent"}
    assert end.cached > 0
    await read(rewriter(RewritingLLM(), store), page)
    _, end = await read(rewriter(llm, store, budgets=spent), page, payer=PAYER)
    assert (end.texts[0], end.left_alone, llm.prompts) == (expected(page), (), [])


async def test_a_budget_that_ends_on_the_way_ends_the_calls() -> None:
    """Each call looks what is left; what the first ones cost counts."""
    llm = RewritingLLM()
    _, end = await read(rewriter(llm, budgets=budgets(150), knobs=SMALL), cut(PAGE), payer=PAYER)
    assert len(llm.prompts) == end.model_calls == 2
    assert {alone.reason for alone in end.left_alone} == {"budget_spent"}


async def test_who_can_pay_takes_over_from_who_cannot() -> None:
    """A request that waits for another's segments asks for them itself when the other's budget is spent."""
    service, page = rewriter(llm := RewritingLLM(), MemoryRewrites(), budgets=budgets(0)), cut(PAGE)
    poor, rich = await asyncio.gather(
        read(service, page, payer=PAYER), read(service, page, payer=Payer("op", None)), return_exceptions=True
    )
    assert isinstance(poor, BudgetSpent)
    assert not isinstance(rich, BaseException)
    assert (rich[1].texts[0], len(llm.prompts)) == (expected(page), 1)


async def test_what_is_refused_is_paid_all_the_same() -> None:
    """Every call is charged, also those whose answers were good for nothing."""
    purse = budgets(10_000)
    llm = RewritingLLM(lambda text: "Sure! I will not.")
    _, end = await read(rewriter(llm, budgets=purse), cut(PAGE), payer=PAYER)
    assert (end.texts[0], len(end.left_alone)) == (PAGE, end.segments)
    assert (end.usage.prompt_tokens, end.usage.completion_tokens, end.model_calls) == (200, 20, 2)
    assert await purse.are_spent(PAYER) is False
    await purse.charge(PAYER, type(end.usage)(10_000 - 220, 0))
    assert await purse.are_spent(PAYER) is True


async def test_who_leaves_pays() -> None:
    """A call that its reader left is charged by what was said of it."""
    purse, llm = budgets(100), RewritingLLM(hold=asyncio.Event())
    leaving = asyncio.create_task(read(rewriter(llm, budgets=purse), cut(PAGE), payer=PAYER))
    await llm.asked.wait()
    leaving.cancel()
    with suppress(asyncio.CancelledError):
        await leaving
    assert llm.open == 0
    assert await purse.are_spent(PAYER) is True
