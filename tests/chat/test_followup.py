"""Follow-up questions."""

from datetime import UTC, datetime

import pytest

from lectern.chat.followup import is_followup, search_query
from lectern.ports import Turn


def turn(question: str) -> Turn:
    """An earlier turn."""
    return Turn(
        id="t", conversation_id="c", question=question, answer="…", outcome="answered", created_at=datetime.now(UTC)
    )


@pytest.mark.parametrize(
    "question",
    ["why?", "and in TypeScript?", "How do I test it?", "What about middleware?", "Can you show an example?", "more"],
)
def test_questions_that_lean_on_the_last_one(question: str) -> None:
    """A question that points back or names no topic is a follow-up."""
    assert is_followup(question)


@pytest.mark.parametrize(
    "question",
    [
        "How do I run the tests?",
        "What rules does a reducer have to follow with combineReducers?",
        "Is there a way to type the store that configureStore returns in TypeScript projects?",
    ],
)
def test_questions_that_stand_alone(question: str) -> None:
    """A question with its own topic is searched for as it is, even with a pronoun in it."""
    assert not is_followup(question)


def test_a_follow_up_is_joined_back_to_the_question_that_stands_alone() -> None:
    """The words of the questions in between are searched for too, and nothing older."""
    history = [turn("How do I deploy a Space?"), turn("What is a store enhancer?"), turn("why?")]
    query = search_query("and how do I test it?", history=history)
    assert query == "and how do I test it?\nwhy?\nWhat is a store enhancer?"


def test_a_question_that_stands_alone_ignores_the_history() -> None:
    """A change of topic is not dragged back to the old one."""
    question = "How do I run the tests in parallel?"
    assert search_query(question, history=[turn("What is a store enhancer?")]) == question


def test_highlighted_text_says_what_this_means() -> None:
    """With highlighted text, its first words are searched for, not the history's."""
    query = search_query("explain this", context="word " * 500, history=[turn("What is a thunk?")])
    assert query.startswith("explain this\nword word")
    assert len(query.split()) < 80
    assert "thunk" not in query
