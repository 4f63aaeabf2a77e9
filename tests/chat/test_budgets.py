"""Daily budgets in a turn: quotes when they are spent, and every ending of a turn is paid for."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import httpx2
import pytest
from tests.counting import MemoryCounters
from tests.scripted import FailingStore, FixedIndex, ScriptedLLM, hits, passage

from lectern.adapters.quoting import BUDGET_SPENT, MODEL_DOWN, QuotingLLM
from lectern.adapters.sql_store import SqlStore
from lectern.app import create_app
from lectern.chat.draft import Draft, Question
from lectern.chat.pipeline import Knobs, answer
from lectern.config import Settings
from lectern.daily_budget import Budget, Prices
from lectern.errors import UpstreamTimeout, UpstreamUnavailable
from lectern.events import Degraded, Delta, Done, Event
from lectern.limits.budgets import Budgets, Payer
from lectern.ports import Completion, Hits, Ports, Store

FOUND = hits(passage(1, "Reducers are pure."))
READER = Payer("visitor:ann", "visitor")
QUESTION = Question("What is a reducer?", payer=READER)


class Uncounted(ScriptedLLM):
    """A provider that does not say what its answers cost."""

    async def stream(self, prompt):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        """Play the script, and leave the usage out."""
        async with aclosing(super().stream(prompt)) as items:
            async for item in items:
                yield Completion() if isinstance(item, Completion) else item


def ports(store: Store, llm: ScriptedLLM, found: Hits = FOUND) -> Ports:
    """Ports with quoting behind the model."""
    return Ports(store, FixedIndex(found), llm, fallback_llms=(QuotingLLM(MODEL_DOWN),))


def budgets(counters: MemoryCounters, *, visitor: float = 1000, site: float = 1000) -> Budgets:
    """A visitor's and the site's, in tokens."""
    kept = (Budget("visitor", visitor, "tokens"), Budget("site", site, "tokens"))
    return Budgets(counters, kept, prices=None, stand_in=QuotingLLM(BUDGET_SPENT))


async def run(question: Question, ports: Ports, knobs: Knobs, budgets: Budgets) -> list[Event]:
    """All events of a turn."""
    async with aclosing(answer(Draft(question), ports, knobs, budgets)) as events:
        return [event async for event in events]


@pytest.mark.parametrize(("visitor", "site"), [(0, 1000), (1000, 0)])
async def test_a_spent_budget_is_answered_with_quotes(store: SqlStore, knobs: Knobs, visitor: int, site: int) -> None:
    """One `degraded`, passages and a whole turn; the model is not asked, and nothing is counted."""
    llm, counters = ScriptedLLM("Pure [1]."), MemoryCounters()
    events = await run(QUESTION, ports(store, llm), knobs, budgets(counters, visitor=visitor, site=site))
    assert [event for event in events if isinstance(event, Degraded)] == [
        Degraded("llm", "budget_spent", used="quoting")
    ]
    said = "".join(event.text for event in events if isinstance(event, Delta))
    assert said.startswith(BUDGET_SPENT)
    assert "> Reducers are pure." in said
    assert isinstance(events[-1], Done)
    assert llm.prompts == []
    assert sum(counters.sums.values()) == 0


async def test_an_answer_is_paid_as_the_provider_counts(store: SqlStore, knobs: Knobs) -> None:
    """Once, by reader and site; the next question finds it spent."""
    counters = MemoryCounters()
    kept = budgets(counters, visitor=102)
    await run(QUESTION, ports(store, ScriptedLLM("Pure ", "[1].")), knobs, kept)
    assert list(counters.sums.values()) == [102, 102]
    events = await run(QUESTION, ports(store, ScriptedLLM("Pure [1].")), knobs, kept)
    assert Degraded("llm", "budget_spent", used="quoting") in events


async def test_what_no_provider_counts_is_estimated(store: SqlStore, knobs: Knobs) -> None:
    """Four characters are a token, in the prompt and in the answer."""
    llm, counters = Uncounted("Reducers are ", "pure [1]."), MemoryCounters()
    await run(QUESTION, ports(store, llm), knobs, budgets(counters))
    asked = sum(len(message.content) for message in llm.prompts[0].messages)
    assert set(counters.sums.values()) == {-(-asked // 4) + -(-len("Reducers are pure [1].") // 4)}


async def test_an_answer_that_breaks_is_paid(store: SqlStore, knobs: Knobs) -> None:
    """The prompt was read and something was said."""
    llm, counters = ScriptedLLM("Reducers ", UpstreamTimeout()), MemoryCounters()
    events = await run(QUESTION, ports(store, llm), knobs, budgets(counters))
    assert events[-1].name == "failed"
    assert min(counters.sums.values()) > len("Reducers ") / 4


async def test_a_stand_in_costs_nothing(store: SqlStore, knobs: Knobs) -> None:
    """A model that is down before its first word is not paid, nor are quotes."""
    counters = MemoryCounters()
    await run(QUESTION, ports(store, ScriptedLLM(UpstreamUnavailable())), knobs, budgets(counters))
    assert not any(counters.sums.values())


async def test_an_answer_that_is_none_costs_nothing(store: SqlStore, knobs: Knobs) -> None:
    """Where nothing was found no budget is even looked at."""
    counters = MemoryCounters()
    found = hits(passage(1), confidence=0)
    await run(QUESTION, ports(store, ScriptedLLM("x"), found), knobs, budgets(counters))
    assert (counters.asked, dict(counters.sums)) == (0, {})


async def test_a_reader_who_leaves_has_paid(store: SqlStore, knobs: Knobs) -> None:
    """Closed after the first word, or cancelled while the model is silent: what was asked and said is counted."""
    for cancelled in (False, True):
        counters = MemoryCounters()
        llm = ScriptedLLM("Reducers ", "never", hold=asyncio.Event())
        kept, used, spoke = budgets(counters), ports(store, llm), asyncio.Event()

        async def read(kept: Budgets = kept, used: Ports = used, spoke: asyncio.Event = spoke) -> None:
            async with aclosing(answer(Draft(QUESTION), used, knobs, kept)) as events:
                async for event in events:
                    if isinstance(event, Delta):
                        spoke.set()
                        if not cancelled:  # noqa: B023 - read within this round
                            return

        reading = asyncio.create_task(read())
        await asyncio.wait_for(spoke.wait(), 30)
        if cancelled:
            reading.cancel()
        await asyncio.wait({reading}, timeout=30)
        assert min(counters.sums.values()) > len("Reducers ") / 4
        assert llm.open == 0


async def test_a_database_that_is_down_lets_nobody_have_it_for_nothing(knobs: Knobs) -> None:
    """The turn is not kept, and paid."""
    counters = MemoryCounters()
    await run(QUESTION, ports(FailingStore(), ScriptedLLM("Pure [1].")), knobs, budgets(counters))
    assert list(counters.sums.values()) == [101, 101]


async def test_turns_at_the_same_moment_may_pass_a_budget(store: SqlStore, knobs: Knobs) -> None:
    """By what they cost, as documented; the next one does not."""
    counters, llm = MemoryCounters(), ScriptedLLM("Pure ", "[1].")
    kept, used = budgets(counters, visitor=150), ports(store, llm)
    await asyncio.gather(*(run(QUESTION, used, knobs, kept) for _ in range(3)))
    assert counters.sums[next(key for key in counters.sums if "ann" in key)] == 306
    await run(QUESTION, used, knobs, kept)
    assert len(llm.prompts) == 3


async def test_over_http_a_spent_budget_is_an_answer(settings: Settings, store: SqlStore) -> None:
    """200 with quotes and the reason; who brings no id is known by its address, and so are the next who bring none."""
    counters = MemoryCounters()
    used = replace(ports(store, ScriptedLLM("Pure ", "[1].")), counters=counters)
    kept = (Budget("visitor", 102, "tokens"), Budget("site", 10, "usd"))
    app = create_app(settings.model_copy(update={"budgets": kept, "token_prices": Prices(1, 1)}), used)
    transport = httpx2.ASGITransport(app, client=("192.0.2.7", 1234))
    async with httpx2.AsyncClient(transport=transport, base_url="http://lectern.test") as http:
        answers = []
        for _ in range(2):
            answers.append((await http.post("/chat", json={"message": "What is a reducer?"})).raise_for_status().json())
            http.cookies.clear()
    first, second = answers
    assert (first["message"], first["metadata"]["degraded"]) == ("Pure [1].", {})
    assert second["message"].startswith(BUDGET_SPENT)
    assert second["metadata"]["degraded"] == {"llm": "budget_spent"}
    spent = {key.partition(":")[2].partition(":")[2]: amount for key, amount in counters.sums.items()}
    assert spent == {"tokens:address:192.0.2.7": 102, "usd:site": pytest.approx(0.000102)}
