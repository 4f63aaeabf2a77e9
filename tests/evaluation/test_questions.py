"""What a file of labelled questions may hold, and how a wrong one is refused."""

import json
from pathlib import Path

import pytest

from lectern.errors import InvalidRequest
from lectern.evaluation.questions import Answer, BadQuestions, Question, load_questions

GOOD = {"id": "q1", "question": "How?", "kind": "direct", "answers": [{"path": "a.md", "heading": "How"}]}


def written(tmp_path: Path, *lines: str) -> Path:
    """A file of these lines."""
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_questions_are_read_in_order(tmp_path: Path) -> None:
    """Leads have no heading, unanswerable questions no answers; blank lines and further fields are passed over."""
    lead = {"id": "q2", "question": "Und?", "kind": "multi", "answers": [{"path": "b.md", "heading": None}], "note": 1}
    nothing = {"id": "q3", "question": "Weather?", "kind": "unanswerable", "answers": []}
    file = written(tmp_path, json.dumps(GOOD), "", json.dumps(lead), "   ", json.dumps(nothing), "")
    assert load_questions(file) == [
        Question("q1", "How?", "direct", (Answer("a.md", "How"),)),
        Question("q2", "Und?", "multi", (Answer("b.md", None),)),
        Question("q3", "Weather?", "unanswerable", ()),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "JSON object"),
        (json.dumps({**GOOD, "id": ""}), "'id' wants a text"),
        (json.dumps({**GOOD, "id": 7}), "'id' wants a text"),
        (json.dumps({**GOOD, "question": " "}), "'question' wants a text"),
        (json.dumps({**GOOD, "kind": None}), "'kind' wants a text"),
        (json.dumps({**GOOD, "answers": None}), "'answers' wants a list"),
        (json.dumps({**GOOD, "answers": ["a.md"]}), "wants a 'path'"),
        (json.dumps({**GOOD, "answers": [{"path": ""}]}), "wants a 'path'"),
        (json.dumps({**GOOD, "answers": [{"path": "a.md", "heading": 3}]}), "'heading' wants a text"),
        (json.dumps({**GOOD, "id": "q0"}), "earlier line"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    """The message says which line is wrong and what it wants."""
    file = written(tmp_path, json.dumps({**GOOD, "id": "q0"}), "", line)
    with pytest.raises(BadQuestions, match=r"line 3: ") as caught:
        load_questions(file)
    assert reason in caught.value.message
    assert isinstance(caught.value, InvalidRequest)


def test_a_file_without_questions_is_refused(tmp_path: Path) -> None:
    """Missing, empty and binary files are refused by name."""
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\x00")
    for file in (tmp_path / "missing.jsonl", written(tmp_path, "", " "), binary, tmp_path):
        with pytest.raises(BadQuestions, match=file.name):
            load_questions(file)
