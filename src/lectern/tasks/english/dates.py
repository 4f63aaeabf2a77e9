"""Days as people write them in English: 2026-12-01, today, next Friday, in 3 days, the 1st of December. Pure.

Only what means one day, whoever reads it: 01/12/2026 does not.
"""

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from lectern.tasks.english.phrases import Phrase, by_first

WANTED: Final = "a date like 2026-12-01, tomorrow, Friday or in 3 days"
"""What is understood, as a sentence says it."""

_DAYS: Final = {"today": 0, "tonight": 0, "tomorrow": 1, "yesterday": -1}
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = tuple("january february march april may june july august september october november december".split())
_SHORT: Final = 3
_NUMBERS: Final = {
    word: number
    for number, words in enumerate(
        ("", "a an one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
    for word in words.split()
}
_UNITS: Final = {"day": 1, "days": 1, "week": 7, "weeks": 7}
_BEFORE: Final = by_first(
    """due, due on, due by, due date, with due date, with a due date, with the due date, deadline
    of, by, on, for, until, till, to, is"""
)
_HOUR: Final = re.compile(r"\d{1,2}([:.]\d\d)?([ap]\.?m|h)?|noon|midnight", re.ASCII)
_ISO: Final = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", re.ASCII)
_NUMBER: Final = re.compile(r"(\d{1,4})(?:[nr]d|st|th)?", re.ASCII)
_MOST_WORDS: Final = 9
"""Of a day with all that may stand before it: with a due date of the 1st of December 2026."""


def day(keys: Sequence[str], today: date, *, short: bool = True) -> date | None:
    """The day that these words name; None for what names none.

    Args:
        keys: Words without case, without punctuation around them.
        today: From which others are counted; a weekday is the next one after it.
        short: Whether `fri` is Friday; `sun` at the end of a sentence may be the star.
    """
    words = list(keys)
    if words[:1] == ["the"]:
        del words[0]
    try:
        return _relative(words, today) or _weekday(words, today, short=short) or _calendar(words, today)
    except (ValueError, OverflowError):
        return None


def split(phrase: Phrase, today: date) -> tuple[Phrase, date] | None:
    """The phrase without the day at its end, and the day; None when there is none."""
    keys = phrase.keys
    for start in range(max(0, len(keys) - _MOST_WORDS), len(keys)):
        behind = phrase[start:].without(_BEFORE)
        if len(behind) and (found := day(behind.keys, today, short=len(behind) < len(phrase) - start)):
            return phrase[:start], found
    return None


def said(phrase: Phrase, today: date) -> date | None:
    """The day that the whole phrase names, with words before it or not."""
    return day(phrase.without(_BEFORE).keys, today)


def without_hour(phrase: Phrase) -> tuple[Phrase, str]:
    """The phrase without `at 5 pm` at its end, and that as it was written; it is empty when there is none."""
    keys = phrase.keys
    for size in (2, 3):
        if len(keys) > size and keys[-size] == "at" and _HOUR.fullmatch("".join(keys[1 - size :])):
            return phrase[:-size], phrase[-size:].text
    return phrase, ""


def written_wrong(phrase: Phrase) -> str:
    """The last word, when it looks like 2026-12-01 but there is no such day; else empty."""
    found = _ISO.fullmatch(phrase.keys[-1]) if len(phrase) else None
    if found is None:
        return ""
    try:
        date(*(int(part) for part in found.groups()))
    except ValueError:
        return found[0]
    return ""


def _relative(words: list[str], today: date) -> date | None:
    match words:
        case [word] if word in _DAYS:
            return today + timedelta(days=_DAYS[word])
        case ["day", "after", "tomorrow"]:
            return today + timedelta(days=2)
        case ["next", unit] if unit in {"week", "month"}:
            return _ahead(today, 1, unit)
        case ["in", number, unit] if count := _count(number):
            return _ahead(today, count, unit)
    return None


def _weekday(words: list[str], today: date, *, short: bool) -> date | None:
    which = words[0] if len(words) == 2 and words[0] in {"this", "next", "coming"} else None  # noqa: PLR2004
    number = _named(words[1:] if which else words, _WEEKDAYS, short=short or which is not None)
    if number is None:
        return None
    ahead = (number - today.weekday() - 1) % 7 + 1
    if which == "next":  # of the week that begins with the next Monday
        ahead = 7 - today.weekday() + number
    return today + timedelta(days=ahead)


def _calendar(words: list[str], today: date) -> date | None:
    if len(words) == 1:
        found = _ISO.fullmatch(words[0])
        return date(*(int(part) for part in found.groups())) if found else None
    words = [word.strip(",") for word in words if word != "of"]
    year = int(words.pop()) if len(words) == 3 and re.fullmatch(r"\d{4}", words[2], re.ASCII) else None  # noqa: PLR2004
    if len(words) != 2:  # noqa: PLR2004
        return None
    named = [_named([word], _MONTHS, short=True) for word in words]
    numbers = [_NUMBER.fullmatch(word) for word in words]
    for month, number in zip(named, reversed(numbers), strict=True):
        if month is not None and number is not None:
            return _next(int(number[1]), month + 1, year, today)
    return None


def _next(day_of_month: int, month: int, year: int | None, today: date) -> date:
    """That day of that year, or the next such day from today on; 29 February waits for a leap year."""
    if year is not None:
        return date(year, month, day_of_month)
    for coming in range(today.year, today.year + 9):
        if day_of_month <= monthrange(coming, month)[1] and (found := date(coming, month, day_of_month)) >= today:
            return found
    raise ValueError


def _named(words: Sequence[str], names: Sequence[str], *, short: bool) -> int | None:
    if len(words) != 1:
        return None
    for number, name in enumerate(names):
        if words[0] == name or (short and words[0] in {name[:_SHORT], name[: _SHORT + 1]}):
            return number
    return None


def _count(word: str) -> int:
    """How many a word says; 0 for one that says none."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= len("9999") else _NUMBERS.get(word, 0)


def _ahead(today: date, count: int, unit: str) -> date | None:
    if unit in _UNITS:
        return today + timedelta(days=count * _UNITS[unit])
    if unit not in {"month", "months"}:
        return None
    year, month = divmod(today.year * 12 + today.month - 1 + count, 12)
    return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))
