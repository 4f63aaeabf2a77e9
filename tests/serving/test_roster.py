"""The roster: a region a worker, nothing half-written is found, and wishes reach only what they are for."""

import copy
import subprocess
import sys
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from tests.serving.servers import ROOT

from lectern.serving import process
from lectern.serving.roster import _SLOT, _SLOTS, Entry, Roster, Wished

_FORK = """
import os
from lectern.serving.roster import Roster
shared = Roster(shared=True)
shared.reserve(1)
if os.fork() == 0:
    shared.enter(1)
    shared.add(b"t" * 16, b"c" * 16, owner=7, now=1.0)
    os._exit(0)
os.wait()
[entry] = shared.find(b"t" * 16)
print(entry.second, entry.owner)
shared.leave(1)
print(shared.find(b"t" * 16))
"""


def workers(*numbers: int) -> list[Roster]:
    """The same memory, as these workers see it."""
    shared = Roster(shared=True)
    for number in numbers:
        shared.reserve(number)
    made = [copy.copy(shared) for _ in numbers]
    for number, roster in zip(numbers, made, strict=True):
        roster.enter(number)
    return made


def an_id() -> bytes:
    """One that nobody has."""
    return uuid4().bytes


def test_what_one_worker_adds_the_others_find() -> None:
    """By its own id and by that of what it belongs to, as long as it is there."""
    one, other = workers(1, 2)
    turn, conversation = an_id(), an_id()
    place = one.add(turn, conversation, owner=7, now=1.0)
    assert place is not None
    for roster in (one, other):
        assert roster.find(turn) == [Entry(turn, conversation, 7, place)]
        assert roster.find_latest(conversation) == Entry(turn, conversation, 7, place)
        assert roster.find(conversation) == []
        assert roster.find_latest(turn) is None
    one.remove(place)
    assert other.find(turn) == []
    assert other.find_latest(conversation) is None


def test_wishes_reach_the_owner() -> None:
    """The moment it was last wanted, and that it is to stop."""
    one, other = workers(1, 2)
    turn = an_id()
    place = one.add(turn, an_id(), owner=0, now=1.0)
    assert place is not None
    assert one.wishes(place) == Wished()
    [entry] = other.find(turn)
    other.want(entry, 5.0)
    assert one.wishes(place) == Wished(5.0)
    other.stop(entry)
    assert one.wishes(place) == Wished(5.0, stop=True)


def test_a_late_wish_to_stop_stops_no_other() -> None:
    """Who found an entry and is slow may write when its slot is another's already."""
    one, other = workers(1, 2)
    turn = an_id()
    place = one.add(turn, an_id(), owner=0, now=1.0)
    assert place is not None
    [entry] = other.find(turn)
    one.remove(place)
    assert one.add(an_id(), an_id(), owner=0, now=2.0) == place
    other.stop(entry)
    assert not one.wishes(place).stop


def test_a_new_entry_inherits_no_wishes() -> None:
    """The slot of one that was wanted and stopped is clean again."""
    [one] = workers(1)
    turn = an_id()
    place = one.add(turn, an_id(), owner=0, now=1.0)
    assert place is not None
    [entry] = one.find(turn)
    one.want(entry, 5.0)
    one.stop(entry)
    one.remove(place)
    assert one.add(an_id(), an_id(), owner=0, now=2.0) == place
    assert one.wishes(place) == Wished()


def test_the_latest_of_a_conversation_is_found() -> None:
    """Whichever worker has it."""
    one, other = workers(1, 2)
    conversation, latest = an_id(), an_id()
    one.add(an_id(), conversation, owner=0, now=1.0)
    other.add(latest, conversation, owner=0, now=3.0)
    one.add(an_id(), conversation, owner=0, now=2.0)
    found = one.find_latest(conversation)
    assert found is not None
    assert found.first == latest


def test_two_that_have_the_same_see_each_other() -> None:
    """Of two workers that begin one turn at once, whoever looks after adding it finds both."""
    one, other = workers(1, 2)
    turn = an_id()
    one.add(turn, an_id(), owner=0, now=1.0)
    other.add(turn, an_id(), owner=0, now=1.0)
    assert len(one.find(turn)) == len(other.find(turn)) == 2


def test_a_worker_that_died_is_forgotten() -> None:
    """The master clears what it left, and the next worker gets its region, empty."""
    shared = Roster(shared=True)
    shared.reserve(1)
    dead, next_ = copy.copy(shared), copy.copy(shared)
    dead.enter(1)
    turns = [an_id() for _ in range(3)]
    places = [dead.add(turn, an_id(), owner=0, now=1.0) for turn in turns]
    shared.leave(1)
    assert [shared.find(turn) for turn in turns] == [[], [], []]
    shared.reserve(2)
    next_._cells = shared._cells
    next_.enter(2)
    assert next_.add(turns[0], an_id(), owner=0, now=1.0) == places[0]


def test_a_full_region_takes_no_more_until_one_is_removed() -> None:
    """As many as a worker may have turns under way, and what is one too many has no place."""
    [one] = workers(1)
    places = [one.add(an_id(), an_id(), owner=0, now=1.0) for _ in range(_SLOTS)]
    assert None not in places
    assert _SLOTS >= 1250
    assert one.add(an_id(), an_id(), owner=0, now=1.0) is None
    assert places[7] is not None
    one.remove(places[7])
    assert one.add(an_id(), an_id(), owner=0, now=1.0) == places[7]


def test_who_has_no_region_finds_and_adds_nothing() -> None:
    """The master, and one worker too many."""
    shared = Roster(shared=True)
    assert shared.add(an_id(), an_id(), owner=0, now=1.0) is None
    for number in range(1, 200):
        shared.reserve(number)
    shared.enter(199)
    assert shared.add(an_id(), an_id(), owner=0, now=1.0) is None
    shared.enter(128)
    assert shared.add(an_id(), an_id(), owner=0, now=1.0) is not None


@given(written=st.integers(0, 15), turn=st.binary(min_size=16, max_size=16).filter(any))
def test_an_id_that_is_half_written_is_not_found(written: int, turn: bytes) -> None:
    """However far its owner has come with writing or clearing it, it is there or it is not."""
    one, other = workers(1, 2)
    conversation = an_id()
    place = one.add(turn, conversation, owner=0, now=1.0)
    assert place is not None
    one._memory[place : place + 16] = turn[:written] + bytes(16 - written)
    whole = not any(turn[written:])
    assert bool(other.find(turn)) == whole
    if not any(turn[:written]):
        assert other.find_latest(conversation) is None


@given(noise=st.binary(min_size=_SLOT.size * 4, max_size=_SLOT.size * 4), mark=st.integers(0, 2**64 - 1))
def test_whatever_stands_in_a_region_harms_nobody(noise: bytes, mark: int) -> None:
    """Bytes of any kind, as a process that was killed may leave them, raise nothing and hide nothing of the others."""
    one, other = workers(1, 2)
    turn = an_id()
    one._memory[one._free[-1] : one._free[-1] + len(noise)] = noise
    one._mark(0, mark)
    other.add(turn, an_id(), owner=0, now=1.0)
    assert len(one.find(turn)) == 1
    one.find(noise[8:24])
    one.find_latest(noise[24:40])


def test_the_memory_is_shared_with_a_forked_process() -> None:
    """What a child adds, its parent finds and clears. In a process of its own: a fork wants one without threads."""
    done = subprocess.run([sys.executable, "-c", _FORK], capture_output=True, text=True, check=True, cwd=ROOT / "src")
    assert done.stdout.splitlines() == [f"{b'c' * 16!r} 7", "[]"]


def test_without_a_master_a_process_has_its_own() -> None:
    """Under another host there is one region, and a number of the container that stays."""
    roster = process.roster()
    turn = an_id()
    place = roster.add(turn, an_id(), owner=0, now=1.0)
    assert place is not None
    assert len(roster.find(turn)) == 1
    roster.remove(place)
    assert process.instance() == process.instance() < 4096
