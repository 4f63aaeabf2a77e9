"""Whether a write is what the reader asked for, by the reader's own words. Pure, and bound to no language.

A model reads titles and descriptions that anybody may have written, and may obey what stands there. So a write is only
done at once when the reader's message itself speaks of it; every other one is asked about first:

- adding: half of the new task's words come from the reader, now or earlier in the conversation;
- completing and changing: the message names this task and no other, by its number or by words that stand in no other
  title, and does not only ask to be told of it; what is new in it comes from the reader as with adding;
- deleting, which cannot be undone: the same, and the message has a word for deleting. In a language that has none here
  the reader is asked.

As no message names just one task twice over, more than one task is never changed without asking.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from lectern.ports import Task
from lectern.tasks.arguments import AddTask, DeleteTask, UpdateTask
from lectern.tasks.titles import found_in, words
from lectern.tasks.tools import Prepared

_NUMBER: Final = re.compile(r"(?<![A-Za-z\d.:/-])\d{1,10}(?![A-Za-z\d]|[.:/-]\d)")
"""A number on its own, in any script's digits; no part of a date, a time or a version."""

_NAMED_SHARE: Final = 1 / 3
_NAMED_BY_ONE_WORD_SHARE: Final = 3 / 8
"""How much of a title's letters a message says when it names the task: `the sales report` of a long title, `dentist` of
`dentist appointment`; not `call` of `call the plumber`."""

_SAID_SHARE: Final = 1 / 2
"""How much of a new text's letters the reader said: models put sentences into other forms."""

_LEAST_LETTERS: Final = 3
"""Shorter words of alphabets are articles and the like, in most languages."""

_COMMAND_WORDS: Final = frozenset(
    "task tasks todo todos list add create delete remove finish complete done mark update change rename show set "
    "all and any every everything for from into please the that this with new one".split()
)
"""What English messages to the assistant are made of, whatever task they are about."""

_DELETING: Final = (
    "delete deleting remov eras discard drop clear trash scrap wipe cancel forget empty throw rid "
    "lösch entfern streich supprim efface enlev borra elimin quita apag exclu rimuov verwijder usun usuń "
    "skasuj удал сотри стер видал sil hapus xóa hata hatao mita mitao nikal "
    "حذف احذف امسح مسح ازل أزل مٹا ہٹا ختم پاک हटा मिटा डिलीट মুছ நீக்க 删 刪 移除 削除 消 삭제 지워 지우 ลบ"
).split()

_ASKING: Final = frozenset(
    word
    for asking in (
        "show list what which when how why who where tell display explain is are do does did "
        "zeig zeige was welche wann wie warum muestra qué cuál cuándo montre quel quelle quelles mostra cosa quale "
        "покажи что какие когда göster ne ما ماذا اعرض متى کیا کون کب क्या कौन कब kya kaun kab"
    ).split()
    for word in words(asking)
)
_ASKING_AT_THE_END: Final = frozenset(
    word
    for asking in "دکھاؤ دکھائیں دکھا بتاؤ بتائیں दिखाओ दिखाएं बताओ बताइए dikhao batao bataiye göster nedir".split()
    for word in words(asking)
)
"""Words with which one asks to be shown or told."""


@dataclass(frozen=True)
class Said:
    """What speaks for a write.

    Attributes:
        message: What the reader says now.
        earlier: What the reader said before in this conversation.
        tasks: The reader's tasks as they were when the message came.
    """

    message: str
    earlier: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()

    @cached_property
    def named(self) -> frozenset[int]:
        """The numbers of those tasks that the message names; found once a turn, as 500 titles take milliseconds."""
        return frozenset(task.id for task in named_tasks(self.message, self.tasks))

    def names_only(self, task: Task) -> bool:
        """Whether the message names this task and no other; also one that was not there when the message came."""
        if any(task.id == known.id for known in self.tasks):
            return self.named == {task.id}
        return named_tasks(self.message, (*self.tasks, task)) == [task]


def is_grounded(prepared: Prepared, said: Said) -> bool:
    """Whether a write may be done without asking."""
    arguments, task = prepared.arguments, prepared.task
    if isinstance(arguments, AddTask):
        return came_from_reader(f"{arguments.title} {arguments.description}", said)
    if task is None:
        return True  # there is no such task; at most it was deleted by this very call, when it was tried before
    if only_asks(said.message) or not said.names_only(task):
        return False
    if isinstance(arguments, UpdateTask):
        return changed_by_reader(f"{arguments.title or ''} {arguments.description or ''}", task, said)
    return not isinstance(arguments, DeleteTask) or asks_to_delete(said.message)


def named_tasks(message: str, tasks: Sequence[Task]) -> list[Task]:
    """The tasks that a message names, by number or by title, each once.

    Args:
        message: What the reader says.
        tasks: All of the reader's.
    """
    numbers = {int(number) for number in _NUMBER.findall(message)}
    titles = {task.id: (task, _telling(words(task.title))) for task in tasks}
    counted = Counter(word for _, title in titles.values() for word in set(title))
    heard = frozenset(found_in(counted, frozenset(words(message))))
    return [
        task
        for number, (task, title) in titles.items()
        if number in numbers or _is_named(title, heard, {word for word in title if counted[word] == 1})
    ]


def came_from_reader(text: str, said: Said) -> bool:
    """Whether at least half of a text was said by the reader."""
    wanted, spoken = words(text), _spoken(said)
    return _weight(found_in(wanted, spoken)) >= _SAID_SHARE * _weight(wanted)


def changed_by_reader(text: str, task: Task, said: Said) -> bool:
    """Whether a task's new text is the reader's: some of it was said, and at least half of what the task had not yet.

    What only repeats the task's own words is not: an order in its title would.
    """
    wanted, had = words(text), frozenset(words(f"{task.title} {task.description}"))
    if not wanted:
        return True
    spoken = _spoken(said)
    new = [word for word in wanted if word not in had]
    return bool(found_in(wanted, spoken)) and _weight(found_in(new, spoken)) >= _SAID_SHARE * _weight(new)


def asks_to_delete(message: str) -> bool:
    """Whether a message has a word for deleting."""
    spoken = words(message)
    begun = any(
        word == stem or (len(stem) > _LEAST_LETTERS and word.startswith(stem)) for stem in _STEMS for word in spoken
    )
    return begun or any(sign in message for sign in _SIGNS)


def only_asks(message: str) -> bool:
    """Whether a message asks to be told something: it begins so, or ends so where the verb comes last."""
    spoken = words(message)
    if not spoken:
        return False
    return spoken[0] in _ASKING or spoken[-1] in _ASKING_AT_THE_END


def _spoken(said: Said) -> frozenset[str]:
    return frozenset(word for each in (said.message, *said.earlier) for word in words(each))


def _is_named(title: Sequence[str], heard: frozenset[str], own: set[str]) -> bool:
    """Whether enough of a title is said: all of it, or with a word that no other title has."""
    shared = [word for word in title if word in heard]
    share = _NAMED_SHARE if len(shared) > 1 else _NAMED_BY_ONE_WORD_SHARE
    if not shared or _weight(shared) < share * _weight(title):
        return False
    return len(shared) == len(title) or not own.isdisjoint(shared)


def _telling(title: Sequence[str]) -> list[str]:
    """Those words of a title that tell it from others; all of them when there are none."""
    kept = [
        word for word in title if word not in _COMMAND_WORDS and not (word.isascii() and len(word) < _LEAST_LETTERS)
    ]
    return kept or list(title)


def _weight(found: Sequence[str]) -> int:
    return sum(map(len, found))


_SIGNS: Final = tuple(stem for stem in _DELETING if not words(stem) or "\u3000" <= stem[0] <= "\u9fff" or stem == "ลบ")
"""Those of scripts without blanks stand anywhere in a sentence."""

_STEMS: Final = tuple({found[0] for stem in _DELETING if stem not in _SIGNS and (found := words(stem))})
