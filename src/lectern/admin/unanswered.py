"""Questions that the site does not answer, put together and written for programs and people. Pure."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from lectern.admin.schemas import UnansweredQuestion
from lectern.ports import Unanswered

COLUMNS: Final = ("question", "count", "best_score", "title", "href", "last_asked")

# What a spreadsheet takes for the beginning of a formula (https://owasp.org/www-community/attacks/CSV_Injection), in
# the forms that it takes for them, too.
_FORMULA: Final = tuple("=+-@|%\t\r\n\uff1d\uff0b\uff0d\uff20")
_MARKS: Final = re.compile(r"([\\`*_\[\]<>|#])")


def grouped(asked: Iterable[Unanswered]) -> list[UnansweredQuestion]:
    """Questions of the same words as one, those that were asked most first, then those that were asked last.

    Args:
        asked: Newest first.
    """
    groups: dict[str, list[Unanswered]] = {}
    for question in asked:
        groups.setdefault(normal(question.question), []).append(question)
    found = [_group(questions) for questions in groups.values()]
    return sorted(found, key=lambda group: (group.count, group.last_asked), reverse=True)


def normal(question: str) -> str:
    """The words of a question: in one form of Unicode, in small letters, without signs at the ends."""
    text = " ".join(unicodedata.normalize("NFKC", question).casefold().split())
    begin, end = 0, len(text)
    while begin < end and _is_sign(text[begin]):
        begin += 1
    while end > begin and _is_sign(text[end - 1]):
        end -= 1
    return text[begin:end] or text


def as_csv(questions: Sequence[UnansweredQuestion]) -> str:
    """A table with a line of headings; no text in it is a formula to a spreadsheet."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(COLUMNS)
    for row in questions:
        texts = [_safe(text) for text in (row.question, row.title, row.href)]
        score = "" if row.best_score is None else f"{row.best_score:g}"
        table.writerow([texts[0], row.count, score, texts[1], texts[2], row.last_asked.isoformat()])
    return written.getvalue()


def as_markdown(questions: Sequence[UnansweredQuestion]) -> str:
    """A table for an issue or a page; no text in it is markup."""
    lines = ["| Question | Asked | Best score | Nearest page | Last asked |", "|---|---:|---:|---|---|"]
    for row in questions:
        score = "" if row.best_score is None else f"{row.best_score:.2f}"
        cells = (_plain(row.question), row.count, score, _link(row), f"{row.last_asked:%Y-%m-%d}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def _group(questions: Sequence[Unanswered]) -> UnansweredQuestion:
    best = max(questions, key=lambda question: -1e308 if question.score is None else question.score)
    newest = questions[0]
    return UnansweredQuestion(
        question=newest.question,
        count=len(questions),
        best_score=best.score,
        title=best.title,
        href=best.href,
        last_asked=newest.asked_at,
    )


def _is_sign(character: str) -> bool:
    return unicodedata.category(character)[0] in "PZ"


def _safe(text: str) -> str:
    """The text as text: an apostrophe before what would be a formula, which spreadsheets do not show."""
    return f"'{text}" if text.lstrip(" \u00a0\ufeff\u200b").startswith(_FORMULA) else text


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def _link(row: UnansweredQuestion) -> str:
    if not row.href.startswith(("https://", "http://", "/")):
        return _plain(row.title)
    href = re.sub(r"[\s<>|\\]", lambda found: f"%{ord(found[0]):02X}", row.href)
    return f"[{_plain(row.title) or 'page'}](<{href}>)"
