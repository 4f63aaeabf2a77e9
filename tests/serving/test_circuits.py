"""The table of circuits: one cell a worker, the newest counts, and nothing half-written is believed."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st
from tests.serving.servers import ROOT

from lectern.serving.circuits import _CELL, CircuitTable, News

OPEN: News = (1, 5, 130.0, 100.0, False)

_FORK = f"""
import os
from lectern.serving.circuits import CircuitTable
shared = CircuitTable()
shared.register("llm.answer")
shared.reserve(1)
if os.fork() == 0:
    shared.enter(1)
    shared.publish("llm.answer", {OPEN})
    os._exit(0)
os.wait()
print(shared.newest("llm.answer"))
"""


def table(*workers: int) -> CircuitTable:
    """A table with one circuit and cells for these workers."""
    made = CircuitTable()
    made.register("llm.answer")
    for worker in workers:
        made.reserve(worker)
    return made


def test_what_one_worker_tells_the_others_read() -> None:
    """The newest news count, whoever told them."""
    shared = table(1, 2)
    assert shared.newest("llm.answer") is None
    shared.enter(1)
    shared.publish("llm.answer", OPEN)
    shared.enter(2)
    assert shared.newest("llm.answer") == OPEN
    closed: News = (0, 0, 0.0, 101.0, True)
    shared.publish("llm.answer", closed)
    shared.enter(1)
    assert shared.newest("llm.answer") == closed


def test_the_memory_is_shared_with_a_forked_process() -> None:
    """What a child writes, its parent reads. In a process of its own: a fork wants one without threads."""
    done = subprocess.run([sys.executable, "-c", _FORK], capture_output=True, text=True, check=True, cwd=ROOT / "src")
    assert done.stdout.strip() == str(OPEN)


def test_a_worker_that_ended_is_forgotten() -> None:
    """Its news go with it, and the next worker gets its cell."""
    shared = table(1, 2)
    shared.enter(1)
    shared.publish("llm.answer", OPEN)
    shared.leave(1)
    assert shared.newest("llm.answer") is None
    shared.reserve(3)
    assert shared._cells == {2: 1, 3: 0}


def test_the_master_and_unknown_circuits_tell_nothing() -> None:
    """Without a cell or a row there is nothing to write, and nothing to read."""
    shared = table(1)
    shared.publish("llm.answer", OPEN)
    assert shared.newest("llm.answer") is None
    shared.enter(1)
    shared.publish("other", OPEN)
    assert shared.newest("other") is None


def test_too_many_have_no_place() -> None:
    """More circuits and workers than there is room for go without, and harm nobody."""
    shared = table(*range(1, 200))
    shared.enter(199)
    shared.publish("llm.answer", OPEN)
    assert shared.newest("llm.answer") is None
    for number in range(40):
        shared.register(f"part.{number}")
    assert len(shared._rows) == 16


@given(at=st.integers(0, _CELL.size - 1), flip=st.integers(1, 255))
def test_a_cell_that_is_not_whole_is_left_out(at: int, flip: int) -> None:
    """Any changed byte is noticed; the other workers' cells still count."""
    shared = table(1, 2)
    older: News = (0, 1, 0.0, 90.0, False)
    shared.enter(1)
    shared.publish("llm.answer", older)
    shared.enter(2)
    shared.publish("llm.answer", OPEN)
    shared._memory[_CELL.size + at] ^= flip
    assert shared.newest("llm.answer") == older


def test_an_unchanged_row_is_not_read_again() -> None:
    """A call on the undisturbed path compares bytes and makes nothing new."""
    shared = table(1)
    shared.enter(1)
    shared.publish("llm.answer", OPEN)
    assert shared.newest("llm.answer") is shared.newest("llm.answer")
