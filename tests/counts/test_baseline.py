"""The judgement on counts: what fails, what asks for a new baseline, and what another interpreter changes."""

import json
from pathlib import Path

import pytest
from tests.counts import __main__ as command
from tests.counts import baseline
from tests.counts.baseline import Baseline, nearest, update
from tests.counts.regions import REGIONS
from tests.counts.valgrind import NotCounted, count, figures

COMMITTED = {"python": 1_000_000, "turn": 50_000_000, "health": 1_000_000}


def verdicts(**changed: int) -> dict[str, str]:
    """Each figure's verdict when these differ from what is committed."""
    compared = Baseline("CPython", COMMITTED).compare(COMMITTED | changed)
    return {item.name: item.verdict for item in compared}


@pytest.mark.parametrize(
    ("turn", "verdict"),
    [(52_400_000, "same"), (52_600_000, "more"), (47_600_000, "same"), (47_400_000, "less")],
)
def test_five_per_cent_are_tolerated(turn: int, verdict: str) -> None:
    """A figure that grew by more is a failure, one that shrank by more is news; the others stay as they are."""
    assert verdicts(turn=turn) == {"turn": verdict, "health": "same"}


def test_a_new_figure_is_more_than_none() -> None:
    """What is counted and not committed to fails until it is."""
    assert verdicts(search=7)["search"] == "more"


def test_another_interpreter_is_scaled_and_tolerated_more() -> None:
    """Where plain Python costs a fifth more, so may a turn, but not a half more."""
    assert verdicts(python=1_200_000, turn=60_000_000, health=1_300_000) == {"turn": "same", "health": "same"}
    assert verdicts(python=1_200_000, turn=75_000_000, health=1_200_000)["turn"] == "more"


def test_the_nearest_interpreter_is_compared_with(tmp_path: Path) -> None:
    """Of several builds the one whose Python costs most nearly the same."""
    file = tmp_path / "baseline.json"
    file.write_text(json.dumps({"near": COMMITTED, "far": COMMITTED | {"python": 2_000_000}}))
    found = nearest(COMMITTED | {"python": 1_010_000}, file)
    assert found is not None
    assert found.build == "near"
    assert nearest(COMMITTED, tmp_path / "none.json") is None


def test_an_update_is_what_the_next_count_is_compared_with(tmp_path: Path) -> None:
    """It forgets other builds: their figures are those of older code."""
    file = tmp_path / "baseline.json"
    file.write_text(json.dumps({"old": COMMITTED}))
    update(COMMITTED | {"turn": 1}, file)
    found = nearest(COMMITTED, file)
    assert found == Baseline(baseline.build(), COMMITTED | {"turn": 1})


def test_a_thousand_tokens_cost_what_a_long_turn_costs_more() -> None:
    """The provider's and the reader's own part is taken off."""
    counted = {region.name: 0 for region in REGIONS} | {"python": 5}
    times = {region.name: region.times for region in REGIONS}
    counted |= {"turn": 100 * times["turn"], "long": 1100 * times["long"]}
    counted |= {"peers": 10 * times["peers"], "peers_long": 60 * times["peers_long"]}
    found = figures(counted)
    assert (found["python"], found["turn"], found["thousand_tokens"]) == (5, 90, 1900)


def test_the_committed_figures_are_those_that_are_counted() -> None:
    """A figure that has a new name, or none any more, is missed here and not in CI."""
    counted = figures(dict.fromkeys((region.name for region in REGIONS), 0))
    for committed in json.loads(baseline.FILE.read_text()).values():
        assert committed.keys() == counted.keys()


@pytest.mark.parametrize(("factor", "code"), [(1.0, 0), (1.2, 1), (0.8, 0)])
def test_only_more_ends_in_failure(factor: float, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is what CI sees; less asks for a new baseline in words."""
    committed, *_ = json.loads(baseline.FILE.read_text()).values()
    found = committed | {"turn": round(committed["turn"] * factor)}
    assert command.judge(found) == code
    assert ("make counts-baseline" in capsys.readouterr().out) == (factor < 1)


def test_without_valgrind_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One sentence with the package's name, and nothing is started."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotCounted, match="apt-get install valgrind"):
        count()
