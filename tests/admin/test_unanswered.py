"""Questions put together, and written so that no program takes them for anything else."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.admin.unanswered import as_csv, as_markdown, grouped, normal
from lectern.ports import Unanswered

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def asked(*questions: str) -> list[Unanswered]:
    """Questions, the newest first."""
    return [Unanswered(question, NOON - timedelta(minutes=age)) for age, question in enumerate(questions)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is it?", "what is it"),
        ("What  is\nit", "  WHAT IS IT!? "),
        ("یہ کیا ہے؟", "یہ کیا ہے"),
        ("ﬁles", "files"),
        ("Straße", "STRASSE"),
        ("«why»", "Why…"),
    ],
)
def test_the_same_words(one: str, other: str) -> None:
    """Capitals, blanks, compatibility forms and signs at the ends make no difference."""
    assert normal(one) == normal(other)


@pytest.mark.parametrize(("one", "other"), [("C", "C++"), ("a b", "ab"), ("???", "!!!")])
def test_other_words(one: str, other: str) -> None:
    """What may be part of a name stays; nothing but signs is what it is."""
    assert normal(one) != normal(other)


def test_most_asked_first_then_last_asked() -> None:
    """The newest wording stands for all, the best score for its page."""
    questions = [
        Unanswered("New?", NOON),
        Unanswered("OFTEN", NOON - timedelta(hours=1), 0.1, "Far", "/far"),
        Unanswered("Older", NOON - timedelta(hours=2)),
        Unanswered("often?", NOON - timedelta(hours=3), 0.3, "Near", "/near"),
        Unanswered("often", NOON - timedelta(hours=4)),
    ]
    often, new, older = grouped(questions)
    assert (often.question, often.count, often.best_score, often.title, often.href) == (
        "OFTEN",
        3,
        0.3,
        "Near",
        "/near",
    )
    assert often.last_asked == NOON - timedelta(hours=1)
    assert (new.question, new.best_score, older.question) == ("New?", None, "Older")


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1+1", "\u00a0=1", "\ufeff@x", "|cmd", "%A"],
)
def test_no_cell_is_a_formula(text: str) -> None:
    """Whatever a spreadsheet would compute begins with an apostrophe, in every column of text."""
    [found] = grouped([Unanswered(text, NOON, 0.5, text, text)])
    [row] = csv.DictReader(io.StringIO(as_csv([found])))
    assert (row["question"], row["title"], row["href"]) == (f"'{text}",) * 3


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=5))
def test_any_text_comes_back_from_csv(texts: list[str]) -> None:
    """Commas, quotes and line ends are text; as many rows as questions."""
    questions = grouped(asked(*texts))
    rows = list(csv.DictReader(io.StringIO(as_csv(questions), newline="")))
    assert [row["question"].removeprefix("'") for row in rows] == [q.question.removeprefix("'") for q in questions]


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_one_row_of_markdown(question: str, title: str, href: str) -> None:
    """No text ends a cell or a line, or opens a tag."""
    [found] = grouped([Unanswered(question, NOON, 0.5, title, f"https://x/{href}")])
    lines = as_markdown([found]).split("\n")
    assert len(lines) == 4
    assert lines[2].replace("\\|", "").count("|") == 6


def test_a_link_that_is_none_is_text() -> None:
    """A page's address that a browser would run is not linked."""
    [found] = grouped([Unanswered("Why?", NOON, 0.5, "Page", "javascript:alert(1)")])
    assert "javascript" not in as_markdown([found])
    assert "| Page |" in as_markdown([found])
