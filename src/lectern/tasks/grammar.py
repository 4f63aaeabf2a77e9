"""What a plain English sentence asks of somebody's tasks, without a model. Pure.

    add        add buy milk · remind me to call mum tomorrow · create a task called “Tax” due 2026-12-01 · I need to …
    show       show my tasks · what is left · list completed tasks · what is due today
    finish     finish task 3 · mark buy milk as done · 3 is done · complete all tasks
    reopen     reopen 3 · mark buy milk as not done
    delete     delete 3 and 4 · remove milk · clear completed tasks · delete everything
    rename     rename 3 to buy oat milk · change the title of 3 to …
    due date   move milk to Friday · change the due date of 3 to 2026-12-01 · remove the due date of 3
    describe   change the description of 3 to …

A sentence is first read as a command (`commands.py`), then its tasks are looked up (`references.py`). What could mean
several things is asked back, and what is none of these is `Unknown`: nothing is ever guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from lectern.ports import Task
from lectern.tasks.arguments import MOST_TITLE_CHARACTERS
from lectern.tasks.english import dates, references
from lectern.tasks.english.adding import Add, capital
from lectern.tasks.english.changing import Change, Verb
from lectern.tasks.english.commands import Command, read
from lectern.tasks.english.listing import Show
from lectern.tasks.english.phrases import Phrase
from lectern.tasks.tools import ToolUse


@dataclass(frozen=True, slots=True)
class Uses:
    """It is clear what to do: these, in this order."""

    uses: tuple[ToolUse, ...]


@dataclass(frozen=True, slots=True)
class Unclear:
    """It could mean several things, or something is missing.

    Attributes:
        question: What to ask.
        options: Sentences that say it clearly, each of which is understood.
    """

    question: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """It is nothing of this."""


Understood = Uses | Unclear | Unknown


def understand(message: str, tasks: Sequence[Task], *, today: date, earlier: str = "") -> Understood:
    """What a message asks for. With 500 tasks it takes some 40 ms, so it belongs into a thread.

    Args:
        message: What somebody wrote, at most a few thousand characters.
        tasks: All of theirs, oldest first.
        today: The day it is for them.
        earlier: Their message before this one: when that had to be asked back, this one may answer (`the second`,
            `3`, `buy milk`).
    """
    said = read(message, today)
    if said is None and earlier:
        return _answer(Phrase.of(message), earlier, tasks, today)
    return Unknown() if said is None else _settled(said, tasks)


def _answer(said: Phrase, earlier: str, tasks: Sequence[Task], today: date) -> Understood:
    """What a message means as the answer to what was asked about the one before it."""
    asked = read(earlier, today)
    if asked is None or not said.words or not isinstance(_settled(asked, tasks), Unclear):
        return Unknown()
    match asked:
        case Add():
            return _settled(read(f"add {said.source}", today) or asked, tasks)
        case Change(verb="due", day=None) if day := dates.said(said, today):
            return _changed(replace(asked, day=day), tasks)
        case Change(verb="rename" | "describe") if not asked.readings[0][1]:
            return _changed(replace(asked, readings=((asked.readings[0][0], capital(said.text)),)), tasks)
        case Change():
            if references.Known(tasks, _PREFERRED.get(asked.verb)).meant(said).is_clear:
                return _changed(replace(asked, readings=((said, asked.readings[0][1]),)), tasks)
    return Unknown()


def _settled(command: Command, tasks: Sequence[Task]) -> Understood:
    match command:
        case Show(status=status):
            return Uses((ToolUse("list_tasks", {"status": status or "all"}),))
        case Add():
            return _added(command)
        case Change():
            return _changed(command, tasks)


def _added(add: Add) -> Understood:
    if add.bad_date:
        return Unclear(f"There is no day “{add.bad_date}”. When is it due? Please give {dates.WANTED}.")
    if not add.title:
        return Unclear("What shall the task be called?")
    if len(add.title) > MOST_TITLE_CHARACTERS:
        return Unclear(f"A title has at most {MOST_TITLE_CHARACTERS} characters. Can you say it in fewer words?")
    arguments = {"title": add.title} | ({"due_date": add.due.isoformat()} if add.due else {})
    return Uses((ToolUse("add_task", arguments),))


def _changed(change: Change, tasks: Sequence[Task]) -> Understood:
    if not tasks:
        return Unclear("You have no tasks yet. Say for example “add buy milk”.", ("show my tasks",))
    target, text, found = _best(change, tasks)
    if found.is_clear and len(found.tasks) > 1 and change.verb in _SINGLE:
        found = replace(found, is_clear=False)
    if not found.is_clear or not found.tasks:
        return _which(change, text, target, found, tasks)
    if missing := _missing(change, text, found.tasks[0]):
        return Unclear(missing)
    if change.is_intended:
        question = f"When you have done {_list(found.tasks, 'and')}, say “{_sentence(change, text, found.tasks[0])}”."
        return Unclear(question, tuple(_sentence(change, text, task) for task in found.tasks[: references.MOST_SHOWN]))
    return Uses(tuple(_use(change, text, task) for task in found.tasks))


def _best(change: Change, tasks: Sequence[Task]) -> tuple[Phrase, str, references.Meant]:
    """The reading that names a whole title, else the first that is clear, or finds anything, or the first."""
    known = references.Known(tasks, _PREFERRED.get(change.verb))
    read_so = [(target, text, known.meant(target)) for target, text in change.readings]
    titles = {task.title.casefold() for task in tasks}
    whole = (each for each in read_so if each[2].is_clear and each[0].text.casefold() in titles)
    clear = (each for each in read_so if each[2].is_clear and each[2].tasks)
    found = (each for each in read_so if each[2].tasks)
    return next(whole, None) or next(clear, None) or next(found, read_so[0])


def _missing(change: Change, text: str, task: Task) -> str:
    """What to ask for before the change can be made; empty when nothing is missing."""
    if change.verb == "due" and change.day is None:
        return f"When is {_label(task)} due? Please give {dates.WANTED}."
    if change.verb == "rename":
        if not text:
            return f"What shall {_label(task)} be called?"
        if len(text) > MOST_TITLE_CHARACTERS:
            return f"A title has at most {MOST_TITLE_CHARACTERS} characters. Can you say it in fewer words?"
    return f"What is the description of {_label(task)}?" if change.verb == "describe" and not text else ""


def _use(change: Change, text: str, task: Task) -> ToolUse:
    number = {"task_id": task.id}
    changes: dict[Verb, dict[str, Any]] = {
        "reopen": {"status": "pending"},
        "rename": {"title": text},
        "describe": {"description": text},
        "due": {"due_date": change.day.isoformat() if change.day else None},
        "undue": {"due_date": None},
    }
    match change.verb:
        case "finish":
            return ToolUse("complete_task", number)
        case "delete":
            return ToolUse("delete_task", number)
        case verb:
            return ToolUse("update_task", number | changes[verb])


def _which(change: Change, text: str, target: Phrase, found: references.Meant, tasks: Sequence[Task]) -> Unclear:
    """Which task is meant: one of those that were found, else one of all that it could be done with."""
    preferred = _PREFERRED.get(change.verb)
    likely = references.Known(tasks, preferred).likely
    is_pointer = references.is_pointer(target)
    if found.is_clear or (is_pointer and not likely):  # all of a kind of which there is none
        kind = references.status_said(target.keys) or preferred
        return Unclear(f"There are no {kind} tasks." if kind else "There are no such tasks.", ("show my tasks",))
    said = f"There is no task {found.missing[0]}. " if found.missing else f"I find no task “{target.text}”. "
    if found.tasks or is_pointer:
        said = ""
    shown = list(found.tasks) or likely or list(tasks)
    sentences = [
        _sentence(change, text, task) for task in shown[: references.MOST_SHOWN] if not _missing(change, text, task)
    ]
    return Unclear(f"{said}Which one do you mean: {_list(shown, 'or')}?", tuple(sentences))


def _sentence(change: Change, text: str, task: Task) -> str:
    """What to say so that this is done with one task."""
    pattern = _SENTENCES[change.verb]
    return pattern.format(number=task.id, text=text, day=change.day.isoformat() if change.day else "")


def _label(task: Task) -> str:
    return f"#{task.id} “{task.title}”"


def _list(tasks: Sequence[Task], word: str) -> str:
    """The first tasks in one line, and how many more there are."""
    labels = [_label(task) for task in tasks[: references.MOST_SHOWN]]
    if more := len(tasks) - len(labels):
        labels.append(f"one of {more} more" if word == "or" else f"{more} more")
    return f" {word} ".join(filter(None, (", ".join(labels[:-1]), labels[-1])))


_PREFERRED: Final[dict[Verb, Any]] = {"finish": "pending", "reopen": "completed"}
"""With which tasks something is done, when several are meant by what was said."""

_SINGLE: Final = frozenset({"rename", "describe"})
"""What is done with one task at a time."""

_SENTENCES: Final[dict[Verb, str]] = {
    "finish": "finish task {number}",
    "reopen": "reopen task {number}",
    "delete": "delete task {number}",
    "rename": "rename task {number} to {text}",
    "describe": "change the description of task {number} to {text}",
    "due": "move task {number} to {day}",
    "undue": "remove the due date of task {number}",
}
