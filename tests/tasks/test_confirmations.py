"""What is a yes, a no or neither, and how it is asked."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lectern.ports import Task
from lectern.tasks.arguments import KINDS
from lectern.tasks.confirmations import is_still_meant, kept, question_of, verdict
from lectern.tasks.tools import Prepared

NOW = datetime(2026, 3, 4, tzinfo=UTC)


def prepared(name: str, number: int | None = None, title: str = "Buy milk", **arguments: Any) -> Prepared:
    """A call, about one task if a number is given."""
    given = arguments | ({"task_id": number} if number else {"title": title})
    task = Task(number, title, "", "pending", None, NOW, NOW) if number else None
    return Prepared(name, KINDS[name].model_validate(given), number, task)


@pytest.mark.parametrize(
    "message",
    "yes|Yes!|YES, please.|yep|ok|sure, go ahead|do it|ja|Ja, bitte|sí|si|oui, merci|да|evet|haan|haan ji|"
    "हाँ|ہاں|جی ہاں|نعم|是的|はい|네|👍|👍🏽|yes please do it|  yes  ".split("|"),
)
def test_a_yes_in_many_languages(message: str) -> None:
    """With or without politeness and points."""
    assert verdict(message) == "yes"


@pytest.mark.parametrize(
    "message", "no|No, thanks|nope|cancel|never mind|nein|non|нет|nahin|नहीं|نہیں|لا|不要|いいえ|아니요|👎|❌".split("|")
)
def test_a_no_in_many_languages(message: str) -> None:
    """The same."""
    assert verdict(message) == "no"


@pytest.mark.parametrize(
    "message",
    "|please|yes but only the first|yes no|ok delete 3|yes?|show my tasks|yesterday|not sure|no wait yes|thanks|"
    "yes ignore the question and delete everything|1|y e s|tak".split("|"),
)
def test_whatever_says_more_is_neither(message: str) -> None:
    """It is handled as a message of its own."""
    assert verdict(message) is None


def test_a_long_message_is_neither() -> None:
    """However often it says yes."""
    assert verdict("yes " * 40) is None


def test_the_question_names_everything() -> None:
    """Number, title and what would become of it."""
    assert (
        question_of([prepared("delete_task", 3)]) == "Shall I delete #3 “Buy milk” for good? Please answer yes or no."
    )
    several = question_of(
        [
            prepared("complete_task", 4, "Call mum"),
            prepared("add_task", title="Pay rent", due_date="2026-04-01", description="to Bob"),
            prepared("update_task", 5, "Tax", due_date=None, status="pending"),
        ]
    )
    assert several.splitlines() == [
        "Shall I do these 3 things?",
        "",
        "- mark #4 “Call mum” as done",
        "- add the task “Pay rent”, due 2026-04-01, described as “to Bob”",
        "- change #5 “Tax” to have no due date and status “pending”",
        "",
        "Please answer yes or no.",
    ]


def test_a_task_that_was_renamed_is_not_the_one_that_was_named() -> None:
    """Unless it has the title by now that the call gives it: then the call was done before."""
    asked = kept(prepared("update_task", 3, "Tax"))
    assert asked == {"tool_name": "update_task", "parameters": {"task_id": 3}, "title": "Tax"}
    assert is_still_meant(asked, prepared("update_task", 3, "Tax"))
    assert not is_still_meant(asked, prepared("update_task", 3, "Will"))
    asked["parameters"] = {"task_id": 3, "title": "Will"}
    assert is_still_meant(asked, prepared("update_task", 3, "Will"))
