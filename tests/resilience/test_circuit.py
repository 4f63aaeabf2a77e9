"""Circuits of several workers, with one clock and one table."""

import logging

import pytest

from lectern.resilience.circuit import Circuit
from lectern.resilience.window import Permit, Rules
from lectern.serving.circuits import CircuitTable, News


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


class View:
    """The table as one worker sees it, in one process with the others."""

    def __init__(self, table: CircuitTable, worker: int) -> None:
        self.table, self.worker = table, worker
        table.reserve(worker)

    def register(self, name: str) -> None:
        """As the table."""
        self.table.register(name)

    def publish(self, name: str, news: News) -> None:
        """Into this worker's cell."""
        self.table.enter(self.worker)
        self.table.publish(name, news)

    def newest(self, name: str) -> News | None:
        """As the table."""
        return self.table.newest(name)


@pytest.fixture
def clock() -> Clock:
    """One clock for all workers, as CLOCK_MONOTONIC is."""
    return Clock()


@pytest.fixture
def workers(clock: Clock) -> list[Circuit]:
    """The same circuit in three workers."""
    table = CircuitTable()
    return [
        Circuit("llm", "answer", Rules(), shared=View(table, number), clock=clock, dice=lambda: 1.0)
        for number in (1, 2, 3)
    ]


def admitted(circuit: Circuit) -> Permit:
    """A call that must pass."""
    permit = circuit.admit()
    assert permit is not None
    return permit


def open_up(circuit: Circuit) -> None:
    """Five failures."""
    for _ in range(5):
        circuit.failed(admitted(circuit))


def test_one_workers_outage_is_all_workers_outage(workers: list[Circuit]) -> None:
    """Siblings turn calls away without a failure of their own, and describe the same."""
    open_up(workers[0])
    assert [circuit.admit() for circuit in workers] == [None, None, None]
    assert {circuit.describe() for circuit in workers} == {workers[0].describe()}
    assert workers[2].describe().state == "open"
    assert workers[2].refused_for() == 1


def test_an_opening_that_is_over_is_half_open(workers: list[Circuit], clock: Clock) -> None:
    """Nobody has asked since, and the next who does is let through."""
    open_up(workers[0])
    clock.now += 1
    state = workers[1].describe()
    assert (state.state, state.retry_after_seconds) == ("half_open", 0)
    admitted(workers[1])


def test_one_worker_probes_for_all(workers: list[Circuit], clock: Clock) -> None:
    """While it does, the others wait; its success lets all through, its end without a verdict lets another try."""
    open_up(workers[0])
    clock.now += 1
    probe = admitted(workers[1])
    assert [workers[0].admit(), workers[2].admit()] == [None, None]
    assert workers[2].describe().state == "half_open"
    workers[1].released(probe)
    probe = admitted(workers[2])
    assert workers[1].admit() is None
    workers[2].succeeded(probe)
    for circuit in workers:
        assert circuit.describe().well
        circuit.succeeded(admitted(circuit))


def test_a_worker_that_dies_while_it_probes_holds_nobody_for_long(workers: list[Circuit], clock: Clock) -> None:
    """Its probe is limited in time for its siblings too."""
    open_up(workers[0])
    clock.now += 1
    admitted(workers[0])
    assert workers[1].admit() is None
    clock.now += 30
    workers[1].succeeded(admitted(workers[1]))
    assert workers[2].describe().well


def test_what_a_dead_worker_found_out_lives_on(clock: Clock) -> None:
    """Siblings repeat what they have heard; what nobody else has heard goes with its worker."""
    table = CircuitTable()
    views = [View(table, number) for number in (1, 2)]
    first, second = (Circuit("llm", "answer", Rules(), shared=view, clock=clock, dice=lambda: 1.0) for view in views)
    open_up(first)
    assert second.admit() is None
    table.leave(1)
    assert second.describe().state == "open"
    table.leave(2)
    assert table.newest("llm.answer") is None


def test_a_success_elsewhere_clears_a_failure_here(workers: list[Circuit], clock: Clock) -> None:
    """The last that any worker knows is what all of them tell."""
    workers[0].failed(admitted(workers[0]))
    assert workers[1].describe().failure_count == 1
    workers[1].succeeded(admitted(workers[1]))
    assert workers[0].describe().well
    clock.now += 1
    workers[2].rejected(admitted(workers[2]))
    assert workers[0].describe().rejected
    clock.now += 1
    workers[1].succeeded(admitted(workers[1]))
    assert workers[0].describe().well


def test_nothing_is_told_while_all_is_well(workers: list[Circuit], monkeypatch: pytest.MonkeyPatch) -> None:
    """The undisturbed path writes nothing that is shared."""
    told: list[object] = []
    monkeypatch.setattr(View, "publish", lambda *arguments: told.append(arguments))
    for _ in range(10):
        permit = admitted(workers[0])
        workers[0].first(permit)
        workers[0].succeeded(permit)
    assert told == []


def test_a_circuit_alone_works_by_itself(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Without siblings there is the same circuit; what it does is logged once a change, not once a call."""
    circuit = Circuit("llm", "answer", Rules(), clock=clock, dice=lambda: 1.0)
    with caplog.at_level(logging.INFO, logger="lectern"):
        open_up(circuit)
        assert [circuit.admit() for _ in range(9)] == [None] * 9
        clock.now += 1
        circuit.succeeded(admitted(circuit))
    assert [record.getMessage() for record in caplog.records] == [
        "circuit llm.answer opens for 1.0 s after 5 failures",
        "circuit llm.answer is half open",
        "circuit llm.answer is closed",
    ]
    assert circuit.describe().well
