"""An ingest, timed from outside, with what the provider saw of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loadtests.bench.row import Options, Skipped
from loadtests.bench.rows import ingest

_PAGE = "# Page {0}\n\n" + "\n\n".join(f"## Part {part}\n\nWords of page {{0}} and part {part}." for part in range(8))


@pytest.mark.process
def test_a_small_site_is_timed_both_ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Both are timed, the one with vectors waits for the provider, and never has more open than it may."""
    folder = tmp_path / "site" / "faq"
    folder.mkdir(parents=True)
    for number in range(60):
        (folder / f"page-{number}.md").write_text(_PAGE.format(number), encoding="utf-8")
    monkeypatch.setenv("LECTERN_CORPUS", str(folder.parent))
    [repetition] = ingest.ROW.measure(Options(repeat=1, scale=0.1))
    values = repetition.values
    assert values.keys() == {figure.name for figure in ingest.ROW.figures}
    assert values["by words"] > 0
    assert values["with vectors"] > 0.2
    assert 0 < values["requests open, of the limit"] <= 1
    assert 1 < values["most requests open"] <= ingest.REQUESTS
    open_for = repetition.detail["seconds_open"]
    assert isinstance(open_for, dict)
    assert sum(open_for.values()) < values["with vectors"]


def test_without_a_site_the_row_is_skipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message names the folder and the variable."""
    monkeypatch.setenv("LECTERN_CORPUS", str(tmp_path / "none"))
    with pytest.raises(Skipped, match=r"No site at .*none: LECTERN_CORPUS"):
        ingest.ROW.measure(Options())


@given(st.dictionaries(st.integers(0, 8), st.floats(0.001, 100), min_size=1))
def test_the_mean_lies_between_the_fewest_and_the_most(open_for: dict[int, float]) -> None:
    """And is the number itself where it never changed."""
    mean = ingest.mean_open(open_for)
    assert min(open_for) - 1e-9 <= mean <= max(open_for) + 1e-9
    assert ingest.mean_open({4: 2.5}) == 4
    assert ingest.mean_open({}) == 0
