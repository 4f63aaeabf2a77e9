"""The tables: medians and ranges of what was measured, and a reason where nothing was."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from loadtests.bench.machine import Machine
from loadtests.peers import record as records
from loadtests.peers import table
from loadtests.peers.environments import Environment
from loadtests.peers.faults import Outcome
from loadtests.peers.record import PeerRecord, Record, RecordError


def wave(first: float, *, asked: int = 50, answered: int = 50) -> dict[str, Any]:
    """Figures of a wave; first token and total p95 follow from its p50."""
    times = {"p50": first, "p95": first + 100, "p99": first + 200, "max": first + 300}
    return {
        "asked": asked,
        "answered": answered,
        "first_token_ms": times if answered else None,
        "total_ms": times | {"p95": first + 1000} if answered else None,
        "cpu_us_a_token": 120.4,
        "health": {"ms": {"p99": 7.0}, "failures": 0},
    }


def outcome(**fields: Any) -> Outcome:
    """An outcome of nothing special."""
    plain: dict[str, Any] = dict.fromkeys(Outcome.__dataclass_fields__, False)
    return Outcome(
        **plain | {"status": 200, "tokens": 3, "seconds": 1.0, "calls": 1, "health_ms": 2.0, "excerpt": ""} | fields
    )


def run() -> Record:
    """A run of three: one measured, one that was not installed, one whose readers all failed."""
    one = PeerRecord("one", "One", "pages", "1.2", environment=Environment({"a": "1", "b": "2"}, 3 * 2**20))
    one.ready_seconds, one.pss_idle_bytes, one.pss_after_bytes = [2.0, 3.0, 2.5], 64 * 2**20, 75 * 2**20
    one.waves = {50: [wave(300), wave(500), wave(310)], 100: [wave(700)]}
    one.left, one.stopped = {"readers": 10, "closed": 9}, {"readers": 10, "whole": 10}
    one.faults = {"fail500": outcome(status=502, told=True, ended=True), "stall": outcome(tokens=10)}
    gone = PeerRecord("gone", "Gone", "all | everything", absent="not installed: no such version")
    mute = PeerRecord("mute", "Mute", "nothing", waves={50: [wave(0, answered=0)]})
    at = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
    here = Machine("A CPU", 2, 23.5, "Linux 6", 0.1)
    return Record(at, "abc123", here, {"python": "3.11.7"}, "stub-len40", 3, 300.0, [one, gone, mute])


def cells(text: str, title: str) -> list[str]:
    """The cells of the first line that begins with a title."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {title}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_weights_are_of_the_record() -> None:
    """Packages, size, the median and range of starts, memory before and after; or why there is none."""
    text = table.weights(run().peers)
    assert cells(text, "One") == ["One 1.2", "pages", "2", "3", "2.5 (2.0–3.0)", "64 → 75"]
    assert cells(text, "Gone")[:2] == ["Gone", "not installed: no such version"]
    assert cells(text, "Mute")[2:] == ["–", "–", "–", "–"]


def test_waves_are_medians_with_their_range() -> None:
    """Each figure by itself, errors of all repetitions together, nothing where nobody was answered."""
    text = table.waves(run().peers, 50)
    assert cells(text, "One")[1:4] == ["0.31 (0.30–0.50)", "0.41 (0.40–0.60)", "1.31 (1.30–1.50)"]
    assert cells(text, "One")[4:] == ["0 of 150", "120", "7"]
    assert cells(text, "Gone")[1:] == ["–"] * 6
    assert cells(text, "Mute")[1:5] == ["–", "–", "–", "50 of 50"]


def test_failures_are_in_words() -> None:
    """A line a service that was there, a column a failure."""
    text = table.faults(run().peers)
    assert cells(text, "One")[1].startswith("status 502 after 1.0 s")
    assert cells(text, "One")[2] == "–"
    assert cells(text, "One")[3].startswith("10 tokens, then nothing for 40 s")
    assert cells(text, "One")[4:] == ["9 of 10 calls of the provider closed", "10 of 10 whole"]
    assert "Gone" not in text


def test_the_section_says_where_and_when() -> None:
    """The date, the commit, the machine; then a table a size."""
    text = table.section(run())
    assert text.startswith("Measured on 2026-11-21 at commit `abc123`, in one run of 5 min: A CPU, 2 cores, 23.5 GiB")
    assert text.index("50 readers who ask") < text.index("100 readers who ask") < text.index("What a reader gets")
    bare = run()
    bare.peers[0].faults = {}
    assert "What a reader gets" not in table.section(bare)


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    """What is read is what was written, and says the same."""
    file = tmp_path / "new" / "peers.json"
    records.write(run(), file)
    assert records.read(file) == run()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), ("{}", "no record of the peers"), ("[1", "no record of the peers"), (2, "of format 2")],
)
def test_what_is_no_record_is_told(tmp_path: Path, content: str | int | None, message: str) -> None:
    """One line that names the file and the reason."""
    file = tmp_path / "peers.json"
    if isinstance(content, int):
        records.write(run(), file)
        content = file.read_text().replace('"format": 1', f'"format": {content}')
    if content is not None:
        file.write_text(content)
    with pytest.raises(RecordError, match=message) as caught:
        records.read(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)
