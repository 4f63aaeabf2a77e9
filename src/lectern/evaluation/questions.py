"""Labelled questions: what readers ask, and which sections answer. One JSON object a line."""

import json
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from lectern.errors import InvalidRequest

MULTI: Final = "multi"
"""The kind of question that is answered only by all of its sections together."""


class BadQuestions(InvalidRequest):
    """The file of questions is not what the evaluation wants; the message names the line."""

    code: ClassVar[str] = "bad_questions"


@dataclass(frozen=True, slots=True)
class Answer:
    """A section that answers.

    Attributes:
        path: Its document, below the ingested folder.
        heading: Its heading as written; None for the page's lead.
    """

    path: str
    heading: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """A reader's question and where its answer stands.

    Attributes:
        id: Names the question; unique in its file.
        question: The reader's words.
        kind: `direct`, `paraphrase`, `typo`, `multi` … any word; figures are given for each.
        answers: Any one of them answers, but a `multi` question wants all. Empty when the site does not answer.
    """

    id: str
    question: str
    kind: str
    answers: tuple[Answer, ...]


def load_questions(path: Path) -> list[Question]:
    """Read labelled questions. Blank lines are passed over, fields that are not known too.

    Raises:
        BadQuestions: The file cannot be read, holds no question, or a line is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise BadQuestions(f"{path} cannot be read: {reason}.") from error
    questions: dict[str, Question] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            question = _read(json.loads(line), questions)
        except (ValueError, RecursionError, _Wrong) as error:
            reason = str(error) if isinstance(error, _Wrong) else "it is no JSON"
            raise BadQuestions(f"{path}, line {number}: {reason}.") from error
        questions[question.id] = question
    if not questions:
        raise BadQuestions(f"{path} holds no question.")
    return list(questions.values())


class _Wrong(Exception):
    """What is wrong with a line."""


def _read(line: Any, earlier: Container[str]) -> Question:  # noqa: ANN401 - JSON
    if not isinstance(line, dict):
        raise _Wrong("it wants a JSON object")
    for name in ("id", "question", "kind"):
        if not isinstance(line.get(name), str) or not line[name].strip():
            raise _Wrong(f"{name!r} wants a text")
    if line["id"] in earlier:
        raise _Wrong(f"the id {line['id']!r} stands on an earlier line")
    if not isinstance(line.get("answers"), list):
        raise _Wrong("'answers' wants a list, empty when the site does not answer")
    return Question(line["id"], line["question"], line["kind"], tuple(_answers(line["answers"])))


def _answers(answers: list[Any]) -> Iterator[Answer]:
    for answer in answers:
        if not isinstance(answer, dict) or not isinstance(answer.get("path"), str) or not answer["path"]:
            raise _Wrong("each answer wants a 'path'")
        heading = answer.get("heading")
        if heading is not None and not isinstance(heading, str):
            raise _Wrong("an answer's 'heading' wants a text, or null for the page's lead")
        yield Answer(answer["path"], heading)
