"""Questions beside translations: how it is judged, and over real processes that each kind has places of its own."""

from pathlib import Path

import pytest
from loadtests.bench.record import RowRecord
from loadtests.bench.row import Options, Skipped
from loadtests.bench.rows import chapters
from loadtests.bench.rows.chapters import Asked, Translations, corpus, judged, longest_first, repetition
from loadtests.openloop import NobodyAnsweredError
from loadtests.wire import Trace


def answers(*first_tokens: float, error: str = "") -> list[Trace]:
    """Answers whose first tokens took so many seconds."""
    return [Trace(1.0, 200, 1.1, [1.0 + first, 3.0], 3.0, error=error) for first in first_tokens]


def test_percentiles_of_both_kinds_are_compared() -> None:
    """A p95 twice as late is 2 ×; the fewest translations of all phases count, and those that failed."""
    without, beside = Asked(answers(0.2, 0.2), answers(0.1)), Asked(answers(0.4, 0.4), answers(0.11))
    over = [Trace(0.0, 200, ended=1.0), Trace(0.0, 502, ended=1.0, error="status 502")]
    phases = [Translations(over, least=20), Translations(least=19)]
    found = judged(without, beside, beside, phases, {"rewrite": 7, "answer": 4})
    RowRecord.of(chapters.ROW, [found], 1)
    values = found.values
    assert values["first token p95, with translations, of without"] == pytest.approx(2)
    assert values["the stub's own p95, with, of without"] == pytest.approx(1.1)
    assert values["translations in flight, at least"] == 19
    assert values["translations that failed"] == 1
    assert values["calls for chapters"] == 7
    assert values["errors"] == 0
    assert [len(times) for times in found.samples.values()] == [2, 2]


def test_nobody_answered_is_no_figure() -> None:
    """A phase in which every question failed is told as that."""
    well, broken = Asked(answers(0.2), answers(0.1)), Asked(answers(0.2, error="status 503"), answers(0.1))
    with pytest.raises(NobodyAnsweredError, match="status 503"):
        judged(well, well, broken, [Translations()], {})


def test_chapters_are_files_of_a_site(tmp_path: Path) -> None:
    """The longest first, so that the first twenty last."""
    (tmp_path / "part").mkdir()
    (tmp_path / "short.md").write_text("# A", encoding="utf-8")
    (tmp_path / "part" / "long.mdx").write_text("# B\n\nmore", encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"x" * 100)
    assert longest_first(tmp_path) == ["part/long.mdx", "short.md"]


def test_without_a_site_the_row_is_skipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message names the folder and the variable."""
    monkeypatch.setenv("LECTERN_CORPUS", str(tmp_path / "none"))
    with pytest.raises(Skipped, match=r"No site at .*none: LECTERN_CORPUS"):
        chapters.ROW.measure(Options())


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_twenty_translations_take_no_place_of_a_question() -> None:
    """With fewer places for answers than chapters want calls, first tokens come as without any chapter.

    Of one line for both, every question would wait for whole calls of chapters, which take seconds, and many would get
    passages instead. A ratio of 1.5 leaves a busy machine room that the target of the bench (1.1) does not.
    """
    try:
        pages = corpus()
    except Skipped as missing:
        pytest.skip(str(missing))
    found = repetition(pages, scale=0.6, LLM_CONCURRENCY="16", STUDY_CONCURRENCY="16")
    values = found.values
    assert values["errors"] == values["translations that failed"] == 0
    assert values["translations in flight, at least"] == chapters.TRANSLATIONS
    assert values["calls for chapters"] >= chapters.TRANSLATIONS
    own = values["the stub's own p95, with, of without"]
    assert values["first token p95, with translations, of without"] < 1.5 * max(1.0, own)
