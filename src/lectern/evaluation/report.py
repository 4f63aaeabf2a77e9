"""An evaluation as people and programs read it: tables for a terminal, plain data for JSON."""

from dataclasses import asdict
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from lectern.evaluation.scoring import DEPTH, FIRST, Evaluation, Figures, Result
from lectern.ports import Passage

_COLUMNS: Final = ("page@1", "page@5", "section@1", "section@5", "MRR@10")


def figures_table(evaluation: Evaluation) -> Table:
    """Hit rates by kind, the sum last; below it the two rates of refusing."""
    table = Table(title="What the first passages hold", caption=_caption(evaluation), caption_justify="left")
    table.add_column("kind")
    for name in ("questions", *_COLUMNS):
        table.add_column(name, justify="right")
    for kind, figures in evaluation.by_kind.items():
        table.add_row(kind, *_cells(figures))
    if evaluation.overall is not None:
        table.add_section()
        table.add_row("all", *_cells(evaluation.overall), style="bold")
    return table


def misses_list(evaluation: Evaluation) -> Text:
    """Every question that a reader would have been served badly on, and what stood first instead; five lines each."""
    lines = Text()
    for result in evaluation.misses:
        question = result.question
        wanted = "; ".join(f"{answer.path} # {answer.heading or 'lead'}" for answer in question.answers)
        lines.append(f"\n{question.id} ({question.kind}): {question.question}\n", style="bold")
        lines.append(f"  {_reason(result)}\n  wanted: {wanted or 'nothing'}\n")
        lines.append(f"  found:  {'; '.join(map(_place, result.passages[:3])) or 'nothing'}\n")
    return lines


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The whole evaluation as plain data; rates are 0 to 1, or null when no question bears on them."""
    return {
        "overall": asdict(evaluation.overall) if evaluation.overall else None,
        "by_kind": {kind: asdict(figures) for kind, figures in evaluation.by_kind.items()},
        "min_confidence": evaluation.min_confidence,
        "false_refusals": evaluation.false_refusals,
        "false_answers": evaluation.false_answers,
        "questions": [_result(result) for result in evaluation.results],
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "id": result.question.id,
        "kind": result.question.kind,
        "question": result.question.question,
        "confidence": round(result.confidence, 4),
        "refused": result.refused,
        "page_rank": result.page_rank,
        "section_rank": result.section_rank,
        "missed": result.missed,
        "found": [
            {"path": passage.document, "heading": list(passage.heading_path), "score": round(passage.score, 4)}
            for passage in result.passages
        ],
    }


def _cells(figures: Figures) -> list[str]:
    rates = (figures.page_at_1, figures.page_at_5, figures.section_at_1, figures.section_at_5, figures.mrr_at_10)
    return [str(figures.questions), *(f"{rate:.2f}" for rate in rates)]


def _caption(evaluation: Evaluation) -> str:
    def percent(share: float | None) -> str:
        return "no such question" if share is None else f"{share:.0%}"

    return (
        f"Refused although the site answers: {percent(evaluation.false_refusals)}. "
        f"Answered although it does not: {percent(evaluation.false_answers)}. "
        f"Refused means a confidence below {evaluation.min_confidence:g}."
    )


def _reason(result: Result) -> str:
    if not result.answerable:
        return f"not refused (confidence {result.confidence:.2f})"
    reasons = []
    if result.refused:
        reasons.append(f"refused (confidence {result.confidence:.2f})")
    if result.section_rank is None:
        reasons.append(f"its section is not in {DEPTH}")
    elif result.section_rank > FIRST:
        reasons.append(f"its section is at {result.section_rank}")
    return ", ".join(reasons)


def _place(passage: Passage) -> str:
    return f"{passage.document} # {passage.heading_path[-1] if passage.heading_path else 'lead'}"
