"""Daily budgets of the whole service: one sum for all workers, and over a restart."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.service_process import UP, environment
from tests.serving.servers import ROOT, Served, until
from tests.stub_process import Stub, running_stub

from lectern.adapters.quoting import BUDGET_SPENT

pytestmark = pytest.mark.process

MODEL = "stub-len5"
Start = Callable[..., Served]


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    """A provider."""
    with running_stub() as stub:
        yield stub


@pytest.fixture
def start(tmp_path: Path, stub: Stub) -> Iterator[Start]:
    """Starts the service with two workers, waits for its boot report, and ends it with the test."""
    started: list[Served] = []

    def run(**env: str) -> Served:
        here = {"OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": MODEL, "MIN_CONFIDENCE": "0", "LIMITS": "none"}
        records = tmp_path / f"service{len(started)}"
        records.mkdir()
        service = Served(["./entrypoint.sh"], records, ROOT, environment(tmp_path, **(here | env)))
        started.append(service)
        until(lambda: UP.search(service.log) is not None or service.process.poll() is not None, seconds=60)
        assert UP.search(service.log), service.log
        return service

    yield run
    for service in started:
        service.close()


def ask(service: Served) -> dict[str, Any]:
    """One turn over a connection of its own, so by whichever worker takes it; its answer."""
    body = {"message": "How do I run the tests?"}
    answer = httpx2.post(f"http://127.0.0.1:{service.port}/chat", json=body, timeout=30)
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


def is_quoted(told: dict[str, Any]) -> bool:
    """Whether the pages were quoted because nothing is left."""
    spent = bool(told["metadata"]["degraded"] == {"llm": "budget_spent"})
    assert told["message"].startswith(BUDGET_SPENT) == spent
    return spent


def test_all_workers_spend_one_budget_and_a_restart_goes_on(start: Start, stub: Stub) -> None:
    """After what one answer costs, three times over, whoever asks gets quotes; the next server of that day goes on."""
    cost = ask(start())["metadata"]["tokens_used"]
    assert cost > 0
    service = start(BUDGETS=f"site={4 * cost} tokens")  # one of them was spent by the first service
    until(lambda: "Today's budgets go on with" in service.log)
    quoted = [is_quoted(ask(service)) for _ in range(8)]
    assert quoted == [False] * 3 + [True] * 5
    asked = stub.stats()["requests"][MODEL]
    service.signal(signal.SIGTERM)
    assert service.exit_code() == 0
    service = start(BUDGETS=f"site={4 * cost} tokens")
    until(lambda: f"Today's budgets go on with {4 * cost} tokens" in service.log)
    assert all(is_quoted(ask(service)) for _ in range(4))
    assert stub.stats()["requests"][MODEL] == asked


def test_one_address_without_a_cookie_has_one_budget(start: Start) -> None:
    """Dropping the cookie after each question gains nothing."""
    service = start(BUDGETS="visitor=1 tokens")
    assert [is_quoted(ask(service)) for _ in range(4)] == [False, True, True, True]
