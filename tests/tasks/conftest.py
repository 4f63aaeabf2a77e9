"""An assistant over real tables in a file of the test's own."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.scripted import FixedIndex, hits
from tests.sql_parts import database_of
from tests.tasks.models import ToolModel

from lectern.adapters.quoting import QuotingLLM
from lectern.adapters.sql_conversations import SqlConversations
from lectern.adapters.sql_store import SqlStore
from lectern.adapters.sql_tasks import SqlTasks
from lectern.ports import LLM, Ports, Tasks
from lectern.tasks.agent import Bounds
from lectern.tasks.assistant import Assistant, Knobs

TODAY = date(2026, 3, 4)
MakeAssistant = Callable[..., Assistant]


@pytest.fixture
def tasks(store: SqlStore) -> SqlTasks:
    """Tasks beside the conversations."""
    return SqlTasks(database_of(store))


@pytest.fixture
def knobs() -> Knobs:
    """Small enough to see their effect."""
    bounds = Bounds(steps=4, calls=8, tokens=5_000, seconds=60)
    return Knobs(history_turns=6, prompt_tokens=2_000, most_tasks=20, bounds=bounds, waiting_seconds=5, rules="Rules.")


@pytest.fixture
def assistant(store: SqlStore, tasks: SqlTasks, knobs: Knobs) -> MakeAssistant:
    """Makes an assistant with models of the test's choice; with none it is the grammar."""

    def make(*llms: LLM | ToolModel, tasks: Tasks = tasks, budgets: Any = None, **changed: Any) -> Assistant:
        ports = Ports(store, FixedIndex(hits()), QuotingLLM(), conversations=SqlConversations(database_of(store)))
        return Assistant(
            replace(ports, tasks=tasks),
            replace(knobs, **changed),
            llms=llms,
            budgets=budgets,
            today=lambda: TODAY,
        )

    return make
