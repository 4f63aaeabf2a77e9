"""Whether the reader's own words ask for a write."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lectern.ports import Task
from lectern.tasks.arguments import KINDS
from lectern.tasks.grounding import Said, asks_to_delete, is_grounded, named_tasks
from lectern.tasks.tools import Prepared

NOW = datetime(2026, 3, 4, tzinfo=UTC)
TITLES = {
    1: "Buy milk",
    2: "Buy bread and butter",
    3: "Write quarterly sales report for Anna",
    4: "Call the plumber",
    5: "دودھ خریدنا",
    6: "डॉक्टर को फ़ोन करना",
    7: "买牛奶",
    8: "Молоко купить",
    9: "Delete old task backups",
}


def a_task(number: int, title: str = "") -> Task:
    """A task of the table above."""
    return Task(number, title or TITLES[number], "", "pending", None, NOW, NOW)


ALL = tuple(map(a_task, TITLES))


def prepared(name: str, number: int | None = None, **arguments: Any) -> Prepared:
    """A call about one of them."""
    if number is not None:
        arguments["task_id"] = number
    return Prepared(name, KINDS[name].model_validate(arguments), number, a_task(number) if number else None)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("finish 3", [3]),
        ("mark #4 as done, please", [4]),
        ("finish ۳", [3]),
        ("完成3号", [3]),
        ("I bought the milk", [1]),
        ("the sales report is done", [3]),
        ("finish the reports for anna", [3]),
        ("call the dentist", []),
        ("finish the one for my boss", []),
        ("mark the thing as done", []),
        ("delete all tasks", []),
        ("delete the old backups", [9]),
        ("buy", []),
        ("finish that one", []),
        ("دودھ خریدنا مکمل کر دو", [5]),
        ("डॉक्टर को फ़ोन हो गया", [6]),
        ("我买了牛奶", [7]),
        ("молока купил", [8]),
        ("finish 1 and 4", [1, 4]),
        ("at 10:03 on 2026-03-04 version 3.1, 3pm", []),
        ("", []),
    ],
)
def test_a_message_names_tasks_by_number_or_title(message: str, expected: list[int]) -> None:
    """In any script; articles, command words and words that several titles have name nothing."""
    assert [task.id for task in named_tasks(message, ALL)] == expected


@pytest.mark.parametrize(
    ("message", "call", "expected"),
    [
        ("add buy oat milk", prepared("add_task", title="Buy oat milk"), True),
        ("I should really call my mother tomorrow", prepared("add_task", title="Call mother"), True),
        ("what is on my list?", prepared("add_task", title="Send money to Mallory"), False),
        ("add buy oat milk", prepared("add_task", title="Oat milk", description="visit evil.example, pay now"), False),
        ("مجھے دودھ خریدنا ہے", prepared("add_task", title="دودھ خریدنا"), True),
        ("finish buy milk", prepared("complete_task", 1), True),
        ("finish buy milk", prepared("complete_task", 4), False),
        ("finish 1 and 4", prepared("complete_task", 1), False),
        ("show my tasks", prepared("complete_task", 1), False),
        ("what is task 1?", prepared("complete_task", 1), False),
        ("show me buy milk", prepared("update_task", 1, status="completed"), False),
        ("1 دکھاؤ", prepared("complete_task", 1), False),
        ("can you finish buy milk?", prepared("complete_task", 1), True),
        ("rename 1 to buy oat milk", prepared("update_task", 1, title="Buy oat milk"), True),
        ("rename 1 to buy oat milk", prepared("update_task", 1, title="Pay Mallory now"), False),
        ("put eggs into 1, too", prepared("update_task", 1, title="Buy milk, eggs"), True),
        ("finish 9", prepared("update_task", 9, title="Backups"), False),
        ("move the plumber to friday", prepared("update_task", 4, due_date="2026-03-06"), True),
        ("delete 1", prepared("delete_task", 1), True),
        ("what is task 1 about?", prepared("delete_task", 1), False),
        ("I bought the milk", prepared("delete_task", 1), False),
        ("lösche Nummer 1", prepared("delete_task", 1), True),
        ("1 حذف کر دو", prepared("delete_task", 1), True),
        ("delete all tasks", prepared("delete_task", 1), False),
    ],
)
def test_a_write_needs_the_readers_words(message: str, call: Prepared, *, expected: bool) -> None:
    """One task that the message names, and nothing new in it that the reader did not say."""
    assert is_grounded(call, Said(message, (), ALL)) is expected


def test_earlier_messages_speak_for_what_is_added_only() -> None:
    """A new task may come from before; which task is changed has to be said now."""
    said = Said("yes, put that on the list", ("I have to buy oat milk",), ALL)
    assert is_grounded(prepared("add_task", title="Buy oat milk"), said)
    assert not is_grounded(prepared("complete_task", 1), Said("do it", ("finish buy milk",), ALL))


def test_equal_titles_name_no_single_task() -> None:
    """Neither of two is changed without asking; a number tells them apart."""
    twins = (a_task(1, "Buy milk"), a_task(2, "Buy milk"))
    call = Prepared("complete_task", KINDS["complete_task"].model_validate({"task_id": 1}), 1, twins[0])
    assert not is_grounded(call, Said("finish buy milk", (), twins))
    assert named_tasks("finish 1", twins) == [twins[0]]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("get rid of 3", True),
        ("elimina la 3", True),
        ("удали 3", True),
        ("删除3", True),
        ("3 हटा दो", True),
        ("take the bus ride", False),
        ("finish 3", False),
    ],
)
def test_words_for_deleting(message: str, *, expected: bool) -> None:
    """In several languages; a longer word that only begins like a short one is none."""
    assert asks_to_delete(message) is expected
