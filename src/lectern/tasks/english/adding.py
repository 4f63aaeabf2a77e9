"""Sentences that give somebody a new task: its title, and the day at the end. Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from lectern.tasks.english import dates
from lectern.tasks.english.phrases import Phrase, by_first, by_last
from lectern.tasks.english.references import NOUNS

_ARTICLES: Final = by_first("a, an, another, one, the, new, my")
_NAMED: Final = by_first(
    "called, named, titled, entitled, to, for, that says, saying, with the title, with title, about, that"
)
_OWN_LIST: Final = by_first(
    "to my list, to the list, to my tasks, to my to-do list, to my todo list, to my task list, on my list"
)
_ON_LIST: Final = by_last(
    """to my list, to the list, to my tasks, to the tasks, to my to-do list, to my todo list, to my task list
    to my todos, on my list, on the list, on my to-do list, on my todo list, on my task list
    as a task, as a todo, as a new task"""
)
_TO: Final = frozenset("to that about of".split())
_MOST_WORDS_BEFORE_TO: Final = 8


@dataclass(frozen=True, slots=True)
class Add:
    """A new task.

    Attributes:
        title: Empty when it was not said.
        due: When it is due.
        bad_date: What stands where a day is expected and is none.
    """

    title: str
    due: date | None = None
    bad_date: str = ""


def added(rest: Phrase, today: date) -> Add:
    """What stands behind `add`.

    Args:
        rest: `buy milk tomorrow`, `a new task called …`.
        today: The day that others are counted from.
    """
    inner = _without_noun(rest)
    return titled(rest if inner is None else inner, today)


def made(rest: Phrase, today: date) -> Add | None:
    """`make`, `put` and `note` begin many sentences; with a task in them they are about one."""
    inner = _without_noun(rest)
    if inner is None and len(rest.without(_ON_LIST, behind=True)) == len(rest):
        return None
    return titled(rest if inner is None else inner, today)


def reminded(rest: Phrase, today: date) -> Add:
    """What stands behind `remind me`: `to call mum tomorrow`, `tomorrow to call mum`."""
    for at, key in enumerate(rest.keys[:_MOST_WORDS_BEFORE_TO]):
        if key in _TO:
            if at == 0:
                return titled(rest[1:], today)
            if day := dates.said(rest[:at], today):
                add = titled(rest[at + 1 :], today)
                return Add(add.title, add.due or day, add.bad_date)
            break
    return titled(rest, today)


def titled(rest: Phrase, today: date) -> Add:
    """The title, and the day behind it; `tomorrow at 5` leaves the hour to the title."""
    rest = rest.without(_ON_LIST, behind=True)
    own = rest.after(_OWN_LIST)
    rest = rest if own is None else own
    hour = ""
    found = dates.split(rest, today)
    if found is None:
        before, hour = dates.without_hour(rest)
        found = dates.split(before, today) if hour else None
    if found is None:
        return Add(capital(rest.text), bad_date=dates.written_wrong(rest))
    title, due = found
    title = title.without(_ON_LIST, behind=True)
    return Add(capital(f"{title.text} {hour}".strip()) if title.words else "", due)


def capital(title: str) -> str:
    """With a capital letter, where the first word has none of its own (iPhone has)."""
    first = title.split(" ", 1)[0]
    return title[:1].upper() + title[1:] if first.islower() else title


def _without_noun(rest: Phrase) -> Phrase | None:
    """What follows `a new task called`; None when it does not begin so."""
    inner = rest.without(_ARTICLES)
    if not inner.words or inner.keys[0] not in NOUNS:
        return None
    inner = inner[1:]
    if inner.words and inner.keys[0] in NOUNS:
        inner = inner[1:]
    listed = inner.after(_OWN_LIST)
    inner = inner if listed is None else listed
    named = inner.after(_NAMED)
    return inner if named is None else named
