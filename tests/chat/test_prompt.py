"""The prompt."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from tests.scripted import passage

from lectern.chat.prompt import CHARACTERS_PER_TOKEN, build_prompt
from lectern.ports import Turn


def turn(question: str, answer: str) -> Turn:
    """An earlier turn."""
    return Turn(
        id="t", conversation_id="c", question=question, answer=answer, outcome="answered", created_at=datetime.now(UTC)
    )


def test_passages_are_numbered_and_named() -> None:
    """Each passage stands under the number it is cited by, with its page and heading."""
    prompt = build_prompt(
        "Why?", context="", passages=[passage(1), passage(2)], history=[], rules="Rules.", budget_tokens=1000
    )
    assert prompt.messages[0].content == "Rules."
    assert "[1] Page 1 › Part\nSome text." in prompt.messages[-1].content
    assert "[2] Page 2 › Part\nSome text." in prompt.messages[-1].content
    assert prompt.messages[-1].content.endswith("Question: Why?")


def test_history_comes_as_turns_oldest_first() -> None:
    """Earlier questions and answers are messages of their own; a turn without an answer is left out."""
    history = [turn("one", "1"), turn("cut off", ""), turn("two", "2")]
    prompt = build_prompt("three", context="", passages=[], history=history, rules="R", budget_tokens=1000)
    assert [(m.role, m.content) for m in prompt.messages[1:-1]] == [
        ("user", "one"),
        ("assistant", "1"),
        ("user", "two"),
        ("assistant", "2"),
    ]


def test_old_turns_go_before_passages() -> None:
    """When room is short, history gives way first, its oldest turn above all."""
    history = [turn("old", "x" * 1500), turn("new", "y" * 100)]
    prompt = build_prompt(
        "q", context="", passages=[passage(1, "z" * 500)], history=history, rules="R", budget_tokens=250
    )
    text = "".join(message.content for message in prompt.messages)
    assert "z" * 500 in text
    assert "y" * 100 in text
    assert "x" not in text


def test_highlighted_text_is_told_apart() -> None:
    """What the reader highlighted is named as such."""
    prompt = build_prompt("explain", context="const x = 1", passages=[], history=[], rules="R", budget_tokens=500)
    assert "The reader highlighted this text:\nconst x = 1" in prompt.messages[-1].content


@given(
    lengths=st.lists(st.integers(1, 4000), max_size=8),
    answers=st.lists(st.integers(0, 4000), max_size=6),
    context=st.integers(0, 8000),
    budget=st.integers(200, 3000),
)
def test_the_budget_is_kept(lengths: list[int], answers: list[int], context: int, budget: int) -> None:
    """However much there is, the prompt stays within its budget, and the rules and the question are in it."""
    prompt = build_prompt(
        "The question?",
        context="c" * context,
        passages=[passage(n, "p" * length) for n, length in enumerate(lengths, start=1)],
        history=[turn("q", "a" * length) for length in answers],
        rules="The rules.",
        budget_tokens=budget,
    )
    text = "".join(message.content for message in prompt.messages)
    separators = 40 + 2 * len(lengths)
    assert len(text) <= budget * CHARACTERS_PER_TOKEN + separators
    assert "The rules." in text
    assert "The question?" in text
