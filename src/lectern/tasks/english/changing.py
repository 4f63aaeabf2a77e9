"""Sentences that do something with tasks there are: what stands for the task, and what is new. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from lectern.tasks.english import dates
from lectern.tasks.english.adding import capital
from lectern.tasks.english.phrases import Phrase, by_first
from lectern.tasks.english.references import COMPLETED_WORDS, PENDING_WORDS

Verb = Literal["finish", "reopen", "delete", "rename", "describe", "due", "undue"]

FIELDS: Final = by_first(
    """due date, the due date, a due date, deadline, the deadline, a deadline, date, the date, title, the title
    name, the name, description, the description, a description"""
)
"""How the fields of a task are called."""

_WHOSE: Final = frozenset("of for on from to".split())
_INTO: Final = frozenset("to as into with".split())
_IS: Final = frozenset("is are was were as to be".split())
_NOT: Final = frozenset("not isn't aren't".split())
_BEHIND: Final = frozenset("yet already again now".split())
_POSSESSIVE: Final = re.compile(r"['’`]s$", re.IGNORECASE)
_MOST_READINGS: Final = 4
_QUESTIONS: Final = frozenset(
    "who what what's which when where why how is are do does did has have if whether don't not never no".split()
)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is done with tasks there are.

    Attributes:
        verb: What.
        readings: What stands for the tasks, with the new text where the verb wants one; more than one when the words
            can be divided in several ways, the likeliest first.
        day: The new due date.
        is_intended: Whether it was only said that it has to be done.
    """

    verb: Verb
    readings: tuple[tuple[Phrase, str], ...]
    day: date | None = None
    is_intended: bool = False


def simple(verb: Verb) -> Callable[[Phrase, date], Change | None]:
    """The reading of what stands behind a verb that wants only tasks; `remove the due date of 3` leaves the task."""

    def reading(rest: Phrase, today: date) -> Change | None:
        del today
        behind = rest.after(FIELDS) if verb == "delete" else None
        if behind is None or not behind.words or behind.keys[0] not in _WHOSE:
            return Change(verb, ((rest, ""),))
        return Change("undue", ((behind[1:], ""),)) if _is_date(rest[: len(rest) - len(behind)]) else None

    return reading


def off(rest: Phrase, today: date) -> Change | None:
    """`check 3 off` finishes it; `check the oven` does not."""
    return simple("finish")(rest, today) if "off" in rest.keys else None


def marked(rest: Phrase, today: date) -> Change | None:
    """What stands behind `mark` or `set`: a status, a day, or a field with what it becomes."""
    return _status(rest) or _due(rest, today) or changed(rest, today, renames=False)


def renamed(rest: Phrase, today: date) -> Change:
    """What stands behind `rename`: a task, and its new title."""
    del today
    return Change("rename", _readings(rest) or ((rest, ""),))


def changed(rest: Phrase, today: date, *, renames: bool = True) -> Change | None:
    """What stands behind `change`: a field, a status, a day, or, where it `renames`, a new title."""
    if (behind := rest.after(FIELDS)) is not None:
        return field_changed(rest[: len(rest) - len(behind)], behind, today)
    if owned := _owned(rest, today):
        return owned
    if renames and (status := _status(rest)):
        return status
    if (found := dates.split(rest, today)) and len(found[0]):
        return Change("due", ((found[0], ""),), found[1])
    if not renames:
        return None
    return Change("rename", _readings(rest) or ((rest, ""),))


def moved(rest: Phrase, today: date) -> Change:
    """What stands behind `move`: a task, and the day."""
    found = dates.split(rest, today)
    return Change("due", ((found[0], ""),), found[1]) if found else Change("due", ((rest, ""),))


def field_changed(field: Phrase, rest: Phrase, today: date) -> Change | None:
    """`the due date of X to Y`, and `a due date of Y to X`."""
    whose = rest[1:] if rest.words and rest.keys[0] in _WHOSE else rest
    if _is_date(field):
        if found := dates.split(whose, today):
            return Change("due", ((found[0], ""),), found[1])
        for at, key in enumerate(whose.keys):
            if key in _WHOSE and (day := dates.said(whose[:at], today)):
                return Change("due", ((whose[at + 1 :], ""),), day)
        return Change("due", ((whose, ""),))
    verb: Verb = "describe" if "description" in field.keys else "rename"
    return Change(verb, _readings(whose) or ((whose, ""),))


def _status(rest: Phrase) -> Change | None:
    """`X as done`, `X not done`."""
    keys = list(rest.keys)
    while keys and keys[-1] in _BEHIND:
        keys.pop()
    if not keys or keys[-1] not in COMPLETED_WORDS | PENDING_WORDS:
        return None
    is_done = keys.pop() in COMPLETED_WORDS
    while keys and keys[-1] in _IS | _NOT | {"still"}:
        if keys.pop() in _NOT:
            is_done = False
    return Change("finish" if is_done else "reopen", ((rest[: len(keys)], ""),))


def _due(rest: Phrase, today: date) -> Change | None:
    """`X due Friday`, `X is due Friday`."""
    keys = rest.keys
    if "due" not in keys or not (found := dates.split(rest, today)):
        return None
    target, day = found
    return Change("due", ((target, ""),), day) if "due" in keys[len(target) :] else None


def _owned(rest: Phrase, today: date) -> Change | None:
    """`milk's due date to Friday`."""
    for at, key in enumerate(rest.keys):
        if key.endswith("'s") and (behind := rest[at + 1 :].after(FIELDS)) is not None:
            field = rest[at + 1 : len(rest) - len(behind)]
            owner = Phrase.of(_POSSESSIVE.sub("", rest[: at + 1].text))
            if _is_date(field):
                return Change("due", ((owner, ""),), dates.said(behind, today))
            text = behind[1:] if behind.words and behind.keys[0] in _INTO else behind
            return Change("describe" if "description" in field.keys else "rename", ((owner, capital(text.text)),))
    return None


def _readings(rest: Phrase) -> tuple[tuple[Phrase, str], ...]:
    """The ways to divide `X to Y`, the first word first; where there is a colon, `X: Y` before them."""
    places = [at for at, key in enumerate(rest.keys) if key in _INTO and 0 < at < len(rest) - 1][:_MOST_READINGS]
    readings = [(rest[:at], capital(rest[at + 1 :].text)) for at in places]
    for at, word in enumerate(rest.words[:-1]):
        if not word.is_quoted and rest.source[word.end - 1] == ":":
            readings.insert(0, (rest[: at + 1], capital(rest[at + 1 :].text)))
            break
    return tuple(readings)


def _is_date(field: Phrase) -> bool:
    return bool({"date", "deadline"} & set(field.keys))


def stated(said: Phrase, today: date) -> Change | None:
    """`3 is done`, `the milk is not done yet`, `milk is due Friday`."""
    if not said.words or said.keys[0] in _QUESTIONS or not set(said.keys) & {"is", "are", "isn't", "aren't"}:
        return None
    return _status(said) or _due(said, today)
