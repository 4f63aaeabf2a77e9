"""What a search was worth, question by question and summed up. Pure: results in, figures out.

A question counts as found within k when one of its sections is among the first k, or all of them for a `multi`
question; a page is found when any of its sections is.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from lectern.evaluation.questions import MULTI, Answer, Question
from lectern.ports import Hits, Passage

DEPTH: Final = 10
"""How many passages are asked for: MRR looks at ten."""

FIRST: Final = 5
"""How many passages a reader is shown, by default."""

_MARKUP: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Result:
    """One question and what was found for it.

    Attributes:
        question: The question.
        passages: The first ten passages.
        confidence: The search's own.
        page_rank: Rank, from 1, at which its page (all its pages, for `multi`) had been found; None when not in ten.
        section_rank: The same for its section.
        refused: Whether the confidence is below the threshold.
    """

    question: Question
    passages: tuple[Passage, ...]
    confidence: float
    page_rank: int | None
    section_rank: int | None
    refused: bool

    @property
    def answerable(self) -> bool:
        """Whether the site answers it at all."""
        return bool(self.question.answers)

    @property
    def missed(self) -> bool:
        """Whether a reader is served badly: a wrong refusal, a wrong answer, or no right section in five."""
        if not self.answerable:
            return not self.refused
        return self.refused or self.section_rank is None or self.section_rank > FIRST


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over the answerable questions of a kind; all but `questions` are 0 to 1."""

    questions: int
    page_at_1: float
    page_at_5: float
    section_at_1: float
    section_at_5: float
    mrr_at_10: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything an evaluation found out.

    Attributes:
        results: One a question, in order.
        overall: Figures over all answerable questions; None when there are none.
        by_kind: The same by kind, in order of first appearance.
        min_confidence: The threshold below which a question is refused.
        false_refusals: Share of answerable questions that are refused; None when there are none.
        false_answers: Share of unanswerable questions that are not refused; None when there are none.
    """

    results: tuple[Result, ...]
    overall: Figures | None
    by_kind: dict[str, Figures]
    min_confidence: float
    false_refusals: float | None
    false_answers: float | None

    @property
    def misses(self) -> list[Result]:
        """Results that a reader would have been served badly by."""
        return [result for result in self.results if result.missed]


def judge(question: Question, hits: Hits, *, min_confidence: float) -> Result:
    """Compare what was found with what answers."""
    sections = [
        {index for index, answer in enumerate(question.answers) if _is(passage, answer)} for passage in hits.passages
    ]
    paths = sorted({answer.path for answer in question.answers})
    pages = [{paths.index(passage.document)} if passage.document in paths else set() for passage in hits.passages]
    wants_all = question.kind == MULTI
    return Result(
        question=question,
        passages=hits.passages,
        confidence=hits.confidence,
        page_rank=_rank(pages, len(paths) if wants_all else 1),
        section_rank=_rank(sections, len(question.answers) if wants_all else 1),
        refused=hits.confidence < min_confidence,
    )


def summarise(results: Sequence[Result], *, min_confidence: float) -> Evaluation:
    """Sum results up."""
    answerable = [result for result in results if result.answerable]
    kinds = dict.fromkeys(result.question.kind for result in answerable)
    return Evaluation(
        results=tuple(results),
        overall=_figures(answerable) if answerable else None,
        by_kind={kind: _figures([r for r in answerable if r.question.kind == kind]) for kind in kinds},
        min_confidence=min_confidence,
        false_refusals=_share(result.refused for result in answerable),
        false_answers=_share(not result.refused for result in results if not result.answerable),
    )


def heading_key(heading: str) -> str:
    """What two spellings of a heading have in common: letters and digits, without case, markup or punctuation."""
    return _MARKUP.sub("", unicodedata.normalize("NFKC", heading).casefold())


def _is(passage: Passage, answer: Answer) -> bool:
    if passage.document != answer.path:
        return False
    if answer.heading is None or not passage.heading_path:
        return answer.heading is None and not passage.heading_path
    return heading_key(passage.heading_path[-1]) == heading_key(answer.heading)


def _rank(found: Sequence[set[int]], wanted: int) -> int | None:
    """The rank at which as many different things as wanted had been found."""
    seen: set[int] = set()
    for rank, these in enumerate(found[:DEPTH], 1):
        seen |= these
        if len(seen) >= wanted > 0:
            return rank
    return None


def _figures(results: Sequence[Result]) -> Figures:
    def within(ranks: Iterable[int | None], limit: int) -> float:
        return _share(rank is not None and rank <= limit for rank in ranks) or 0.0

    pages = [result.page_rank for result in results]
    sections = [result.section_rank for result in results]
    return Figures(
        questions=len(results),
        page_at_1=within(pages, 1),
        page_at_5=within(pages, FIRST),
        section_at_1=within(sections, 1),
        section_at_5=within(sections, FIRST),
        mrr_at_10=sum(1 / rank for rank in sections if rank) / len(results),
    )


def _share(flags: Iterable[bool]) -> float | None:
    """The share that is true; None of nothing."""
    listed = list(flags)
    return sum(listed) / len(listed) if listed else None
