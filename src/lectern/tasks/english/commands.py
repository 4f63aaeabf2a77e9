"""A sentence read as a command, before anybody looks at the tasks. Pure."""

from collections.abc import Callable
from datetime import date
from typing import Final

from lectern.tasks.english.adding import Add, added, made, reminded, titled
from lectern.tasks.english.changing import (
    FIELDS,
    Change,
    changed,
    field_changed,
    marked,
    moved,
    off,
    renamed,
    simple,
    stated,
)
from lectern.tasks.english.listing import Show, listing
from lectern.tasks.english.phrases import Phrase, by_first, by_last
from lectern.tasks.english.references import NOUNS, is_number

Command = Add | Show | Change

_Openings = dict[str, list[tuple[str, ...]]]

_POLITE: Final = by_first(
    """please, pls, kindly, hey, hi, hello, ok, okay, so, now, then, also, and, just, can you, could you, would you
    will you, can we, i want you to, i'd like you to, i would like you to, i want to, i'd like to
    i wanna, i would like to, let's, let us, help me, help me to, go ahead and, you can, you should, i need you to"""
)
_THANKS: Final = by_last("please, pls, thanks, thank you, thank you very much, for me, would you, will you")
_ADD: Final = by_first("add, create, schedule, insert, note down, write down, jot down")
_NEW: Final = by_first("make, new, note, put, write, set up")
_REMIND: Final = by_first("remind me, remember, don't let me forget, do not let me forget, don't forget, do not forget")
_NEED: Final = by_first(
    """i need to, i have to, i must, i should, i've got to, i have got to, i gotta, i ought to, i will have to"""
)
_FINISH: Final = by_first(
    """finish, complete, close, tick, tick off, check off, cross off, cross out, done, done with, finished, completed
    i finished, i've finished, i have finished, i just finished, i completed, i've completed, i have completed
    i'm done with, i am done with, i did, i've done, i have done, i just did, i closed"""
)
_OFF: Final = by_first("check, cross")
_MARK: Final = by_first("mark, set, make, flag, turn")
_REOPEN: Final = by_first("reopen, re-open, unfinish, uncheck, untick, unmark, undo, restore, reactivate")
_DELETE: Final = by_first(
    "delete, remove, erase, drop, cancel, discard, clear, clear out, clean up, wipe, scrap, get rid of, throw away,"
    "throw out, empty, trash"
)
_RENAME: Final = by_first("rename, retitle, re-title")
_CHANGE: Final = by_first("change, update, edit, modify, alter, correct")
_MOVE: Final = by_first("move, postpone, reschedule, delay, push, push back, shift, extend, put off")


def read(message: str, today: date) -> Command | None:
    """The command that a sentence is; None when it is none.

    Args:
        message: What somebody wrote.
        today: The day that `tomorrow` is counted from.
    """
    said = Phrase.of(message).without(_POLITE).without(_THANKS, behind=True)
    if _is_label(said):
        return titled(said[1:], today)
    needed = said.after(_NEED)
    for each in (said, needed):
        if each is not None and (shown := listing(each.keys)):
            return shown
    if needed is not None:
        return _needed(needed, today)
    for openings, reading in _READINGS:
        if (rest := said.after(openings)) is not None and (command := reading(rest, today)):
            return command
    return stated(said, today)


def _is_label(said: Phrase) -> bool:
    """Whether it begins with `todo:`."""
    return len(said) > 1 and said.keys[0] in {"task", "todo", "to-do"} and said.source[said.words[0].end - 1] == ":"


def _needed(needed: Phrase, today: date) -> Command:
    """What somebody has to do is a task, unless it is something to be done with tasks."""
    for openings, reading in _READINGS:
        if (rest := needed.after(openings)) is not None:
            command = reading(rest, today)
            if isinstance(command, Change):
                target = command.readings[0][0]
                if set(target.keys) & NOUNS or is_number(target):
                    return Change(command.verb, command.readings, command.day, is_intended=command.verb == "finish")
            elif openings is _ADD and isinstance(command, Add) and set(rest.keys) & NOUNS:
                return command
    return titled(needed, today)


def _add(rest: Phrase, today: date) -> Command | None:
    """A task, or something that one has: `add a due date of Friday to 3`."""
    if (behind := rest.after(FIELDS)) is not None:
        command = field_changed(rest[: len(rest) - len(behind)], behind, today)
        if command is not None and (command.day or is_number(command.readings[0][0])):
            return command
    return added(rest, today)


_READINGS: Final[tuple[tuple[_Openings, Callable[[Phrase, date], Command | None]], ...]] = (
    (_ADD, _add),
    (_NEW, made),
    (_REMIND, reminded),
    (_FINISH, simple("finish")),
    (_OFF, off),
    (_REOPEN, simple("reopen")),
    (_DELETE, simple("delete")),
    (_RENAME, renamed),
    (_MARK, marked),
    (_CHANGE, changed),
    (_MOVE, moved),
)
