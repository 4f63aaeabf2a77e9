"""Which tasks a person means: by number, by words of the title, by `it`, or all of a kind. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from lectern.ports import Task, TaskStatus
from lectern.tasks.arguments import MOST_TITLE_CHARACTERS
from lectern.tasks.english.phrases import Phrase, by_first, by_last
from lectern.tasks.titles import matching_words, words

COMPLETED_WORDS: Final = frozenset("done completed finished complete closed".split())
PENDING_WORDS: Final = frozenset(
    "pending open unfinished incomplete undone uncompleted remaining outstanding active left todo to-do".split()
)
NOUNS: Final = frozenset(
    "task tasks todo todos to-do to-dos item items reminder reminders list lists entry entries".split()
)

_ARTICLES: Final = by_first("the, my, our, this, that, task, tasks, number, numbers, no, nr, item, todo, to-do")
_BEHIND: Final = by_last("task, item, todo, to-do, one, from my list, from the list, off my list, off the list, off")
_POINTERS: Final = frozenset(
    tuple(each.split())
    for each in (
        "it,that,this,that one,this one,the one,one,them,those,these,the task,the item,that task,this task,my task,"
        "a task,task,the last one,the last,the other one,the first one,the second one,one of them,something"
    ).split(",")
)
_ALL: Final = frozenset("all everything every each whole entire".split())
_FILLING: Final = frozenset("of the my our that are is i have on and a in off from not".split())
_DENIALS: Final = frozenset("not aren't isn't haven't".split())
_EMPTY: Final = frozenset("the a an my our task item todo about for of to that one with".split())
_NUMBER: Final = re.compile(r"#?(\d{1,9})", re.ASCII)
_WRITTEN: Final = {
    word: number for number, word in enumerate("one two three four five six seven eight nine ten".split(), start=1)
}
MOST_SHOWN: Final = 5
"""How many tasks a question names."""

MOST_TOGETHER: Final = 20
"""How many tasks one sentence names by their titles."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The tasks that were found.

    Attributes:
        tasks: The ones that are meant, or, when it is not clear which, those that may be.
        is_clear: Whether they are meant, all of them.
        missing: Numbers that no task has.
    """

    tasks: tuple[Task, ...] = ()
    is_clear: bool = False
    missing: tuple[int, ...] = ()


def is_pointer(phrase: Phrase) -> bool:
    """Whether these words point at a task without saying which."""
    return not phrase.words or phrase.keys in _POINTERS


def is_number(phrase: Phrase) -> bool:
    """Whether these words are nothing but numbers of tasks."""
    return bool(_numbers(phrase))


class Known:
    """Somebody's tasks, among which others are found by what is said of them.

    Args:
        tasks: All that there are.
        preferred: Which are likelier: one finishes what is pending. Also what `everything` means then.
    """

    def __init__(self, tasks: Sequence[Task], preferred: TaskStatus | None) -> None:
        self._tasks = tasks
        self.likely = [task for task in tasks if preferred is None or task.status == preferred]
        self._preferred = preferred
        self._titles = [(task, _plain(task.title)) for task in tasks]
        self._titled: list[tuple[Task, list[str]]] | None = None

    def meant(self, phrase: Phrase) -> Meant:
        """The tasks that these words mean."""
        if is_pointer(phrase):  # where nothing points, as in a bare `delete`, one task is no answer either
            return Meant(tuple(self.likely), is_clear=len(self.likely) == 1 and bool(phrase.words))
        # A title goes first: a task may be called “all”, or “3 eggs”.
        if named := self._with_title(phrase.text):
            return self._one_of(named)
        if numbers := _numbers(phrase):
            return self._numbered(numbers)
        if (kind := _all_of(phrase)) is not None:
            wanted = kind or self._preferred
            return Meant(tuple(task for task in self._tasks if wanted is None or task.status == wanted), is_clear=True)
        found = self._named(phrase)
        if not found.tasks and len(parts := _parts(phrase)) in range(2, MOST_TOGETHER + 1):
            return _together(self._part(part) for part in parts)
        return found

    def _part(self, phrase: Phrase) -> Meant:
        """One of several that are named together."""
        numbers = _numbers(phrase)
        return self._numbered(numbers) if numbers else self._named(phrase)

    def _with_title(self, text: str) -> list[Task]:
        wanted = _plain(text)
        return [task for task, title in self._titles if title == wanted]

    def _numbered(self, numbers: Sequence[int]) -> Meant:
        by_number = {task.id: task for task in self._tasks}
        if missing := tuple(number for number in numbers if number not in by_number):
            return Meant(missing=missing)
        return Meant(tuple(by_number[number] for number in numbers), is_clear=True)

    def _named(self, phrase: Phrase) -> Meant:
        """The tasks whose titles have all the words that count."""
        phrase = phrase.without(_ARTICLES).without(_BEHIND, behind=True)
        if named := self._with_title(phrase.text):
            return self._one_of(named)
        if len(phrase.text) > MOST_TITLE_CHARACTERS:
            return Meant()
        if self._titled is None:
            self._titled = [(task, words(task.title)) for task in self._tasks]
        wanted = [word for word in dict.fromkeys(words(phrase.text)) if word not in _EMPTY]
        likely = [each for each in self._titled if self._preferred in {None, each[0].status}]
        return self._one_of(matching_words(wanted, likely) or matching_words(wanted, self._titled))

    def _one_of(self, found: Sequence[Task]) -> Meant:
        likely = [task for task in found if self._preferred in {None, task.status}] or list(found)
        return Meant(tuple(likely), is_clear=len(likely) == 1)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _numbers(phrase: Phrase) -> list[int]:
    """The numbers that the phrase consists of; none when there is anything else in it."""
    numbers = []
    for word in phrase.without(_ARTICLES).words:
        if word.is_quoted:
            return []
        for piece in word.key.split(","):
            if found := _NUMBER.fullmatch(piece):
                numbers.append(int(found[1]))
            elif piece in _WRITTEN and (len(phrase) > 1 or piece != "one"):
                numbers.append(_WRITTEN[piece])
            elif piece not in {"and", "&", "", "task", "tasks", "number"}:
                return []
    return list(dict.fromkeys(numbers))


def _all_of(phrase: Phrase) -> TaskStatus | str | None:
    """The status of what `all completed tasks` means, empty for any; None when the phrase is none of this."""
    keys = phrase.keys
    others = [key for key in keys if key not in _ALL | _FILLING | NOUNS | COMPLETED_WORDS | PENDING_WORDS]
    is_many = any(key in _ALL for key in keys) or any(key in NOUNS and key.endswith("s") for key in keys)
    is_kind = any(key in COMPLETED_WORDS for key in keys)
    is_list = "list" in keys and len(keys) > 1
    if others or not (is_many or is_kind or is_list):
        return None
    return status_said(keys) or ""


def status_said(keys: Sequence[str]) -> TaskStatus | None:
    """Which tasks words ask for: `not done` is pending; None for all, and for both."""
    words_said = set(keys)
    completed = bool(words_said & COMPLETED_WORDS)
    if completed and words_said & _DENIALS:
        return "pending"
    pending = bool(words_said & PENDING_WORDS - {"todo", "to-do"})
    if completed == pending:
        return None
    return "completed" if completed else "pending"


def _parts(phrase: Phrase) -> list[Phrase]:
    """What stands between `and` and commas."""
    parts, start = [], 0
    for at, word in enumerate(phrase.words):
        if word.key in {"and", "&"} and not word.is_quoted:
            parts.append(phrase[start:at])
            start = at + 1
        elif phrase.source[word.start : word.end].endswith(","):
            parts.append(phrase[start : at + 1])
            start = at + 1
    return [part for part in (*parts, phrase[start:]) if len(part)]


def _together(parts: Iterable[Meant]) -> Meant:
    """All of them when each is clear, else the first that is not."""
    found: dict[int, Task] = {}
    for part in parts:
        if not part.is_clear:
            return part
        found |= {task.id: task for task in part.tasks}
    return Meant(tuple(found.values()), is_clear=True)
