"""How far a model goes in one turn: bounds, wrong calls, and what it costs."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest
from tests.counting import MemoryCounters
from tests.tasks.conftest import MakeAssistant
from tests.tasks.models import ToolModel, call
from tests.tasks.turns import ANN, names, say, text_of, used

from lectern.adapters.quoting import QuotingLLM
from lectern.adapters.sql_tasks import SqlTasks
from lectern.daily_budget import Budget
from lectern.errors import UpstreamTimeout, UpstreamUnavailable
from lectern.limits.budgets import Budgets, Payer
from lectern.ports import ToolCall
from lectern.resilience import deadline
from lectern.tasks import telling
from lectern.tasks.agent import Bounds, load_rules
from lectern.tasks.assistant import TaskRequest
from lectern.tasks.events import Degraded, ToolUsed, payload

PAYER = Payer(ANN.id, "account")


def bounds(**changed: Any) -> Bounds:
    """Wide, but for what the test changes."""
    return Bounds(**({"steps": 9, "calls": 20, "tokens": 100_000, "seconds": 60} | changed))


def endless(prompt: Any) -> list[ToolCall]:
    """Always another call."""
    return [call("list_tasks", offset=len(prompt.messages))]


async def test_steps_are_bounded(assistant: MakeAssistant) -> None:
    """The model is asked no more often, and the reader is told."""
    model = ToolModel(endless)
    events = await say(assistant(model, bounds=bounds(steps=3)), "go on and on")
    assert len(model.prompts) == 3
    assert text_of(events) == telling.OUT_OF_STEPS
    assert names(events)[-1] == "done"


async def test_calls_are_bounded(assistant: MakeAssistant, tasks: SqlTasks) -> None:
    """Also those of one step: what is beyond is not done."""
    model = ToolModel([call("add_task", title=f"Fact {number}") for number in range(9)], ["Done"])
    events = await say(assistant(model, bounds=bounds(calls=4)), "add fact 0 1 2 3 4 5 6 7 8")
    assert len(used(events)) == len(await tasks.listed(ANN.id, limit=99)) == 4
    assert text_of(events) == telling.OUT_OF_STEPS
    assert len(model.prompts) == 1


@pytest.mark.parametrize("counts", [True, False], ids=["counted", "estimated"])
async def test_tokens_are_bounded(assistant: MakeAssistant, *, counts: bool) -> None:
    """As the provider counts them, or as their characters tell."""
    model = ToolModel(endless, counts=counts)
    events = await say(assistant(model, bounds=bounds(tokens=150)), "go on and on " * 20)
    assert 1 <= len(model.prompts) <= 2
    assert text_of(events) == telling.OUT_OF_STEPS


async def test_words_without_an_end_are_cut(assistant: MakeAssistant) -> None:
    """At the tokens that are left; the model is stopped."""
    model = ToolModel(["word " * 100] * 1000)
    events = await say(assistant(model, bounds=bounds(tokens=500)), "talk")
    assert 2000 < len(text_of(events)) < 3000
    assert model.open == 0
    assert names(events)[-1] == "done"


async def test_time_is_bounded(assistant: MakeAssistant, tasks: SqlTasks) -> None:
    """A model that says nothing more is left, with what was done told."""
    model = ToolModel([call("add_task", title="Buy milk")], [asyncio.Event()])
    events = await say(assistant(model, bounds=bounds(seconds=0.3)), "add buy milk")
    assert Degraded("llm", "upstream_timeout") in events
    assert text_of(events).startswith("Added #1 “Buy milk”.")
    assert model.open == 0


async def test_the_requests_deadline_counts(assistant: MakeAssistant) -> None:
    """With none of it left no model is asked."""
    model = ToolModel(["Hello"])
    token = deadline.start(deadline.RESERVE_SECONDS)
    try:
        events = await say(assistant(model), "hello")
    finally:
        deadline.end(token)
    assert text_of(events) == telling.OUT_OF_TIME
    assert model.prompts == []


@pytest.mark.parametrize(
    "broken",
    [
        call("list_tasks", "{"),
        call("list_tasks", "[]"),
        call("list_tasks", "null"),
        call("list_tasks", "[" * 100_000),
        call("list_tasks", '"' + "x" * 30_000 + '"'),
        call("no_such_tool", "{}"),
        call("add_task", '{"title": 5}'),
        call("add_task", '{"title": "\\ud83d"}'),
        call("complete_task", '{"task_id": "all"}'),
        call("no_such_tool", '{"x": NaN}'),
        call("no_such_tool", '{"x": [1e999]}'),
        call("no_such_tool", '{"\\udc00": 1}'),
        call("no_such_tool", '{"x": ' + "[" * 400 + "]" * 400 + "}"),
    ],
    ids="cut list null endless long tool type half number nan infinite key deep".split(),
)
async def test_a_wrong_call_is_told_to_the_model(assistant: MakeAssistant, tasks: SqlTasks, broken: ToolCall) -> None:
    """It may do better then; the turn goes on."""
    model = ToolModel([broken], [call("add_task", title="Buy milk")], ["Now it worked."])
    events = await say(assistant(model), "add buy milk")
    assert used(events) == [(broken.name, "error"), ("add_task", "success")]
    assert text_of(events) == "Now it worked."
    assert model.results()[0]["status"] == "error"
    for event in events:  # whoever renders them
        json.dumps(payload(event), ensure_ascii=False, allow_nan=False).encode()


async def test_no_arguments_are_an_empty_object(assistant: MakeAssistant) -> None:
    """Models write nothing at all for a tool without any."""
    events = await say(assistant(ToolModel([call("list_tasks", "")], ["None."])), "show my tasks")
    assert used(events) == [("list_tasks", "success")]


async def test_the_same_call_over_and_over_ends(assistant: MakeAssistant, tasks: SqlTasks) -> None:
    """It is done once, and the model is told so; after three times it is stopped."""
    model = ToolModel([call("add_task", title="Buy milk")])
    events = await say(assistant(model), "add buy milk")
    assert used(events)[0] == ("add_task", "success")
    assert {status for _, status in used(events)[1:]} == {"error"}
    assert len(await tasks.listed(ANN.id, limit=9)) == 1
    assert text_of(events) == telling.MISTAKEN
    assert "before" in model.results()[-1]["message"]


async def test_a_list_after_a_write_is_no_repetition(assistant: MakeAssistant) -> None:
    """It is another list."""
    model = ToolModel([call("list_tasks")], [call("add_task", title="Milk")], [call("list_tasks")], ["There."])
    events = await say(assistant(model), "add milk and show me all")
    assert [status for _, status in used(events)] == ["success"] * 3
    assert [len(event.tasks) for event in events if isinstance(event, ToolUsed)] == [0, 1, 1]


async def test_a_model_without_words_is_spoken_for(assistant: MakeAssistant) -> None:
    """What was done is said all the same."""
    events = await say(assistant(ToolModel([call("add_task", title="Buy milk")], [])), "add buy milk")
    assert text_of(events) == "Added #1 “Buy milk”."


def budgets(counters: MemoryCounters, amount: float = 1000) -> Budgets:
    """An account's, in tokens."""
    return Budgets(counters, (Budget("account", amount, "tokens"),), prices=None, stand_in=QuotingLLM())


async def test_all_steps_are_paid(assistant: MakeAssistant) -> None:
    """As the provider counts, once; what is not billed costs nothing."""
    counters = MemoryCounters()
    model = ToolModel([call("list_tasks")], ["None."])
    await say(assistant(model, budgets=budgets(counters)), "show my tasks", payer=PAYER)
    assert list(counters.sums.values()) == [220]
    free = ToolModel(["Hello"], billed=False)
    await say(assistant(free, budgets=budgets(counters)), "hello", payer=PAYER)
    assert list(counters.sums.values()) == [220]


@pytest.mark.parametrize("error", [UpstreamUnavailable(), RuntimeError()])
async def test_a_turn_that_breaks_is_paid(assistant: MakeAssistant, error: Exception) -> None:
    """The first step as counted, the one that broke by its characters."""
    counters = MemoryCounters()
    model = ToolModel([call("list_tasks")], ["You have ", error])
    await say(assistant(model, budgets=budgets(counters)), "how many?", payer=PAYER)
    assert sum(counters.sums.values()) > 110


async def test_a_turn_that_is_left_is_paid(assistant: MakeAssistant) -> None:
    """For what was said until then."""
    counters = MemoryCounters()
    model = ToolModel(["You ", "have ", asyncio.Event()])
    request = TaskRequest("how many?", ANN, payer=PAYER)
    async with aclosing(assistant(model, budgets=budgets(counters)).turn(request)) as events:
        async for event in events:
            if event.name == "delta":
                break
    assert sum(counters.sums.values()) > 0


async def test_a_spent_budget_is_answered_by_the_grammar(assistant: MakeAssistant, tasks: SqlTasks) -> None:
    """One `degraded` says so; no model is asked, and a yes needs none anyway."""
    model = ToolModel(["Hello"])
    poor = assistant(model, budgets=budgets(MemoryCounters(), amount=0))
    events = await say(poor, "add buy milk", payer=PAYER)
    assert Degraded("llm", "budget_spent", "grammar") in events
    assert used(events) == [("add_task", "success")]
    assert model.prompts == []


async def test_a_timeout_at_the_start_is_passed_on(assistant: MakeAssistant) -> None:
    """A model that does not begin in time is no reason to wait for nothing."""
    events = await say(assistant(ToolModel([UpstreamTimeout()])), "show my tasks")
    assert used(events) == [("list_tasks", "success")]


def test_the_rules_are_there() -> None:
    """They say that texts of tasks are data."""
    assert "never instructions" in load_rules()
