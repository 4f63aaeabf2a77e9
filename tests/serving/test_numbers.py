"""The table of numbers: exact over processes, whoever dies in the middle; nothing that is over counts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving.servers import ROOT

from lectern.serving.numbers import Entry, Held, NumberTable

FAR = 1e9

_CHILDREN = """
import os, time
from lectern.serving.numbers import Held, NumberTable
table = NumberTable(64, shared=True)
for child in range(4):
    if os.fork() == 0:
        for _ in range(500):
            while True:
                try:
                    table.change(["a", "b"], 1.0, lambda n: ([(n[0] + 1, 9.0), (n[1] + 2, 9.0)], None))
                    break
                except Held:
                    time.sleep(0.0001)
        os._exit(0)
for child in range(4):
    os.wait()
print(table.change(["a", "b"], 1.0, lambda n: (None, n)))
"""

_KILLED = """
import os, signal, time
from lectern.serving.numbers import Held, NumberTable
table = NumberTable(8, shared=True)
inside, tell = os.pipe()

def stay(numbers):
    os.write(tell, b".")
    time.sleep(60)

child = os.fork()
if child == 0:
    table.change(["a"], 1.0, stay)
os.read(inside, 1)
try:
    table.change(["b"], 1.0, lambda n: (None, n))
except Held:
    print("held")
print(table.change(["b"], 1.0, lambda n: ([(5.0, 9.0)], n), alone=False))
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
print(table.change(["b"], 1.0, lambda n: (None, n)))
"""


def run(program: str) -> list[str]:
    """What a program prints. In a process of its own: a fork wants one without threads."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT / "src", timeout=60
    )
    return done.stdout.splitlines()


def add(amount: float, until: float = FAR) -> Callable[[list[float]], tuple[list[Entry], float]]:
    """Adds to one number, and tells what it was."""
    return lambda numbers: ([(numbers[0] + amount, until)], numbers[0])


def read(table: NumberTable, *keys: str, now: float = 1.0) -> list[float]:
    """The numbers of some keys."""
    return table.change(keys, now, lambda numbers: (None, numbers))


def test_four_processes_lose_no_change() -> None:
    """Two numbers that are changed two thousand times by four processes at once are exact."""
    assert run(_CHILDREN) == ["[2000.0, 4000.0]"]


def test_a_process_that_is_killed_inside_holds_nobody_up() -> None:
    """While it is inside others are told so, and may change what is there all the same; its end frees the lock."""
    assert run(_KILLED) == ["held", "[0.0]", "[5.0]"]


def test_keys_are_apart() -> None:
    """A number is seen under its own key only, any text is a key, and there are numbers without a lock's file."""
    for shared in (True, False):
        table = NumberTable(64, shared=shared)
        for key, amount in (("a", 1.0), ("b", 2.0), ("", 3.0), ("ü\ud800\x00" * 99, 4.0)):
            table.change([key], 1.0, add(amount))
        assert read(table, "a", "b", "", "ü\ud800\x00" * 99, "c") == [1.0, 2.0, 3.0, 4.0, 0.0]


def test_what_is_over_says_nothing() -> None:
    """From its moment on a number is none, and its row is the first to be used again."""
    table = NumberTable(8, shared=False)
    table.change(["old"], 1.0, add(7, until=5.0))
    assert read(table, "old", now=4.9) == [7.0]
    assert read(table, "old", now=5.0) == [0.0]
    for key in "abcdefgh":
        table.change([key], 6.0, add(1))
    assert read(table, *"abcdefgh", now=6.0) == [1.0] * 8


def test_where_all_is_taken_the_smallest_gives_way() -> None:
    """A flood of new keys never takes the place of a number that is larger than theirs."""
    table = NumberTable(8, shared=False)
    table.change(["large"], 1.0, add(1000))
    for number in range(5000):
        table.change([f"flood{number}"], 1.0, add(number % 900))
    assert read(table, "large") == [1000.0]
    assert read(table, "flood4999") == [4999 % 900]


def test_nothing_is_changed_by_a_decision_that_fails() -> None:
    """An error passes through, the numbers stay, and the lock is given back."""
    table = NumberTable(8, shared=True)
    table.change(["a"], 1.0, add(1))

    def fail(_numbers: list[float]) -> tuple[None, None]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        table.change(["a"], 1.0, fail)
    assert read(table, "a") == [1.0]


@given(
    changes=st.lists(
        st.tuples(
            st.lists(st.sampled_from("abcdefghijkl"), min_size=1, max_size=3, unique=True),
            st.floats(0, 1e6),
            st.floats(0, 20),
        ),
        max_size=60,
    )
)
def test_it_is_a_dictionary_that_forgets(changes: list[tuple[list[str], float, float]]) -> None:
    """While its rows are enough, a table holds what a dictionary of numbers and moments would."""
    table, model, now = NumberTable(128, shared=False), dict[str, Entry](), 0.0
    if max(map(len, _by_set(table, "abcdefghijkl").values())) > 8:
        return  # these keys do not all have room, which is chance
    for keys, number, lasts in changes:
        now += 1.0
        before = [model[key][0] if key in model and model[key][1] > now else 0.0 for key in keys]
        assert read(table, *keys, now=now) == before
        entry = (number, now + lasts)
        table.change(keys, now, lambda _, entry=entry, keys=keys: ([entry] * len(keys), None))  # type: ignore[misc]
        model |= dict.fromkeys(keys, entry)


@given(written=st.integers(0, 5), used=st.booleans())
def test_a_row_whose_writer_was_killed_is_whole_or_nobodys(written: int, used: bool) -> None:  # noqa: FBT001
    """After any number of its stores a row tells the old number, the new one, or nothing; never another's."""
    table = NumberTable(8, shared=False)
    if used:
        for key in "abcdefgh":
            table.change([key], 1.0, add(100))
    places = [table._place(key) for key in ("new", *"abcdefgh")]
    row = table._free(0, 1.0)
    stores: list[tuple[Any, int, float]] = [
        (table._floats, row + 24, 0.0),
        (table._words, row, places[0][1]),
        (table._words, row + 8, places[0][2]),
        (table._floats, row + 16, 3.0),
        (table._floats, row + 24, FAR),
    ]
    for view, at, value in stores[:written]:
        view[at] = value
    found = read(table, "new")[0]
    assert found == (3.0 if written == 5 else 0.0)
    assert set(read(table, *"abcdefgh")) <= {100.0, 0.0}


def test_the_stores_are_in_that_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order that the test before relies on is the order that is written in."""
    table = NumberTable(8, shared=False)
    stores: list[tuple[str, int]] = []

    class Watched:
        def __init__(self, name: str, view: Any) -> None:
            self.name, self.view = name, view

        def __getitem__(self, at: int) -> object:
            return self.view[at]

        def __setitem__(self, at: int, value: float) -> None:
            stores.append((self.name, at // 8))
            self.view[at] = value

    monkeypatch.setattr(table, "_words", Watched("words", table._words))
    monkeypatch.setattr(table, "_floats", Watched("floats", table._floats))
    table.change(["new"], 1.0, add(3))
    assert stores == [("floats", 3), ("words", 0), ("words", 1), ("floats", 2), ("floats", 3)]


def test_a_held_number_is_told_within_no_time() -> None:
    """Whoever finds it held by another process hears so at once, and has let go of what it held itself."""
    table = NumberTable(1024, shared=True)
    keys = [f"key{number}" for number in range(40)]
    sets = sorted({table._place(key)[0] for key in keys})
    assert table._locks is not None
    inside, tell = os.pipe()
    program = f"import fcntl,os,time; fcntl.lockf({table._locks},2,1,{sets[-1]}); os.write({tell},b'.'); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", program], pass_fds=(table._locks, tell))
    try:
        os.read(inside, 1)
        began = time.monotonic()
        with pytest.raises(Held):
            read(table, *keys)
        assert time.monotonic() - began < 1
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        os.close(inside)
        os.close(tell)
    assert read(table, *keys) == [0.0] * len(keys)


def _by_set(table: NumberTable, keys: str) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for key in keys:
        found.setdefault(table._place(key)[0], []).append(key)
    return found
