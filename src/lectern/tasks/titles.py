"""Words of titles and of what readers say, in any script, and which tasks a few words mean. Pure."""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from lectern.ports import Task

_WORD: Final = re.compile(r"[^\W_]+")
_UNSPACED: Final = re.compile(r"[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u3040-\u30FF\u3400-\u9FFF\uF900-\uFAFF]+")
"""Scripts that put no blanks between words: Thai, Lao, Burmese, Khmer, kana and Han."""

_LEAST_STEM: Final = 4
_STEM_SHARE: Final = 0.7
"""Two words are forms of one when they begin with the same letters, this share of the longer one: report, reports."""


def words(text: str) -> list[str]:
    """The words of a text without case, accents or points; pairs of characters where no blanks divide words."""
    found: list[str] = []
    # Marks (vowel signs of Urdu, Hindi or Thai) belong to their word, but are no letters to a regular expression.
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", text.casefold())
        if unicodedata.category(character) not in {"Mn", "Mc", "Cf"}
    )
    for word in _WORD.findall(unicodedata.normalize("NFC", plain)):
        if _UNSPACED.search(word):
            found += [word[at : at + 2] for at in range(max(1, len(word) - 1))]
        else:
            found.append(word)
    return found


def is_form_of(word: str, other: str) -> bool:
    """Whether two words are the same, or forms of one."""
    if word == other:
        return True
    if word[:_LEAST_STEM] != other[:_LEAST_STEM]:  # which tells most apart, quickly
        return False
    least = math.ceil(max(_LEAST_STEM, _STEM_SHARE * max(len(word), len(other))))
    if min(len(word), len(other)) < least or (word + other).isdigit():
        return False
    return word[:least] == other[:least]


def found_in(wanted: Iterable[str], said: Collection[str]) -> list[str]:
    """Those of the wanted words of which a form was said."""
    begun: defaultdict[str, list[str]] = defaultdict(list)  # forms of one word begin alike
    for other in said:
        begun[other[:_LEAST_STEM]].append(other)
    return [word for word in wanted if _is_in(word, begun.get(word[:_LEAST_STEM], ()))]


def _is_in(word: str, said: Collection[str]) -> bool:
    return word in said or any(is_form_of(word, other) for other in said)


def matching(title: str, tasks: Sequence[Task]) -> list[Task]:
    """The tasks that a title, or words of one, may mean; those that are not done first choice, then those that are.

    Args:
        title: As somebody wrote it.
        tasks: Among which.
    """
    return matching_words(words(title), [(task, words(task.title)) for task in tasks])


def matching_words(wanted: Sequence[str], titled: Sequence[tuple[Task, Sequence[str]]]) -> list[Task]:
    """The same with words that are at hand: those of 500 titles take tens of milliseconds to find.

    Args:
        wanted: Of what somebody wrote.
        titled: Tasks with the words of their titles.
    """
    wanted = list(wanted)
    exact = [task for task, said in titled if list(said) == wanted]
    found = exact or ([task for task, said in titled if all(_is_in(word, said) for word in wanted)] if wanted else [])
    return [task for task in found if task.status == "pending"] or found
