"""What the figures of an evaluation mean."""

import pytest

from lectern.evaluation.questions import Answer, Question
from lectern.evaluation.scoring import heading_key, judge, summarise
from lectern.ports import Hits, Passage


def passage(document: str, heading: str = "") -> Passage:
    """A passage of a section; without a heading, of a page's lead."""
    path = ("Above", heading) if heading else ()
    return Passage(f"{document}{heading}", "site", document, "", "/", "", heading, path, "", "", 1.0)


def asked(kind: str, *answers: tuple[str, str | None]) -> Question:
    """A question with these answers."""
    return Question(f"{kind}-{len(answers)}", "?", kind, tuple(Answer(*answer) for answer in answers))


FOUND = Hits((passage("a.md", "One"), passage("b.md"), passage("a.md", "Two"), passage("c.md", "One")), 0.5)


@pytest.mark.parametrize(
    ("question", "page", "section"),
    [
        (asked("direct", ("a.md", "One")), 1, 1),
        (asked("direct", ("a.md", "Two")), 1, 3),
        (asked("direct", ("b.md", None)), 2, 2),
        (asked("direct", ("a.md", None)), 1, None),
        (asked("direct", ("b.md", "One")), 2, None),
        (asked("direct", ("d.md", "One")), None, None),
        (asked("direct", ("d.md", "One"), ("c.md", "One"), ("a.md", "Two")), 1, 3),
        (asked("multi", ("a.md", "One"), ("a.md", "Two")), 1, 3),
        (asked("multi", ("a.md", "Two"), ("c.md", "One")), 4, 4),
        (asked("multi", ("a.md", "One"), ("d.md", "One")), None, None),
    ],
)
def test_ranks_say_when_the_answer_had_been_found(question: Question, page: int | None, section: int | None) -> None:
    """Any answer counts, but a `multi` question is found only when all its sections are; a lead is a section too."""
    result = judge(question, FOUND, min_confidence=0.2)
    assert (result.page_rank, result.section_rank) == (page, section)


def test_only_the_first_ten_passages_count() -> None:
    """A section at rank eleven is not found."""
    hits = Hits((*(passage(f"{number}.md") for number in range(10)), passage("a.md")), 1.0)
    assert judge(asked("direct", ("a.md", None)), hits, min_confidence=0).section_rank is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('What is a "thunk"?', "What is a “thunk”?"),
        ("`configureStore.middleware` must be a callback", "configureStore.middleware must be a callback"),
        ("Don't forget to call **dispatch(action)**", "Don’t forget to call dispatch(action)"),
        ("EXPORTING  Typed_Hooks", "Exporting typed hooks"),
    ],
)
def test_headings_are_compared_by_their_letters(one: str, other: str) -> None:
    """Quotes, markup, case and spaces do not make two headings of one."""
    assert heading_key(one) == heading_key(other)
    assert heading_key(one) != heading_key(other + " 2")


def test_figures_are_means_over_answerable_questions() -> None:
    """Hit rates and MRR are worked out by kind and overall; unanswerable questions bear only on refusals."""
    results = [
        judge(asked("direct", ("a.md", "One")), FOUND, min_confidence=0.4),
        judge(asked("direct", ("c.md", "One")), FOUND, min_confidence=0.6),
        judge(asked("multi", ("a.md", "One"), ("d.md", "One")), FOUND, min_confidence=0.4),
        judge(asked("unanswerable"), FOUND, min_confidence=0.4),
        judge(asked("unanswerable"), FOUND, min_confidence=0.6),
    ]
    evaluation = summarise(results, min_confidence=0.4)
    direct = evaluation.by_kind["direct"]
    assert list(evaluation.by_kind) == ["direct", "multi"]
    assert (direct.questions, direct.page_at_1, direct.page_at_5) == (2, 0.5, 1.0)
    assert (direct.section_at_1, direct.section_at_5) == (0.5, 1.0)
    assert direct.mrr_at_10 == pytest.approx((1 + 1 / 4) / 2)
    assert evaluation.overall is not None
    assert evaluation.overall.section_at_5 == pytest.approx(2 / 3)
    assert evaluation.false_refusals == pytest.approx(1 / 3)
    assert evaluation.false_answers == 0.5
    assert [result.question.kind for result in evaluation.misses] == ["direct", "multi", "unanswerable"]


def test_a_set_without_one_sort_of_question_has_no_figure_for_it() -> None:
    """A rate over nothing is not given rather than 0 or 1."""
    answerable = summarise([judge(asked("direct", ("a.md", "One")), FOUND, min_confidence=0)], min_confidence=0)
    assert (answerable.false_refusals, answerable.false_answers) == (0.0, None)
    unanswerable = summarise([judge(asked("none"), Hits((), 0.0), min_confidence=0.2)], min_confidence=0.2)
    assert (unanswerable.overall, unanswerable.false_refusals, unanswerable.false_answers) == (None, None, 0.0)
