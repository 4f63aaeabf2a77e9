"""The record of a run: it comes back as it was written, and what is none is told in one line."""

import json
import math
from pathlib import Path

import pytest
from loadtests.bench.record import RecordError, RowRecord, read, write
from loadtests.bench.row import Repetition
from tests.loadtests.bench.records import COST, ERRORS, RATE, WAIT, a_record, a_row, came_to


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Every repetition of every figure, the distributions and what broke off."""
    record = a_record(came_to(0, 1.5, 0.9, 80, gap_of_lectern=[1.0, 2.0]), came_to(1, 2.5, 0.7, 90), broken="no port")
    write(record, tmp_path / "deep" / "run.json")
    assert read(tmp_path / "deep" / "run.json") == record
    assert record.rows[0].figures[1].values == (1.5, 2.5)
    assert record.rows[0].samples.keys() == {"gap: lectern"}


def test_a_record_stays_small(tmp_path: Path) -> None:
    """A hundred thousand gaps are thinned to a few kilobytes."""
    gaps = [float(number % 977) for number in range(100_000)]
    write(a_record(came_to(0, 1, 1, 1, gap_of_lectern=gaps, gap_of_stub=gaps)), tmp_path / "run.json")
    assert (tmp_path / "run.json").stat().st_size < 10_000


@pytest.mark.parametrize(
    ("repetitions", "said"),
    [
        ([], "no repetition"),
        ([Repetition({ERRORS.name: 0, WAIT.name: 1, RATE.name: 1})], "CPU a token"),
        ([Repetition(came_to(0, 1, 1, 1).values | {"other": 1})], "other"),
        ([came_to(0, 1, 1, 1), came_to(0, 1, math.nan, math.inf)], f"no number: .*{COST.name}.*{RATE.name}"),
    ],
)
def test_a_row_that_does_not_yield_what_it_names_is_no_record(repetitions: list[Repetition], said: str) -> None:
    """A figure that is missing, unknown or no number never reaches a table."""
    with pytest.raises(ValueError, match=said):
        RowRecord.of(a_row(*repetitions), repetitions, 1)


def changed(text: str, **fields: object) -> str:
    """A record's JSON with other fields."""
    return json.dumps(json.loads(text) | fields)


def test_what_is_no_record_is_told_in_one_line(tmp_path: Path) -> None:
    """A file that is missing, cut, of another kind or of another format; each time which file and what is wrong."""
    path = tmp_path / "run.json"
    write(a_record(came_to(0, 1, 1, 1, gap_of_stub=[1.0, 2.0])), path)
    good = path.read_text()
    valueless = good.replace('"values":[0.0]', '"values":[]')
    longer = good.replace('"milliseconds":[', '"milliseconds":[0,')
    assert valueless != good != longer
    bad = {
        good[: len(good) // 2]: "Invalid JSON",
        "": "Invalid JSON",
        "{}": "at: Field required",
        "[]": "no record of the bench",
        changed(good, format=2): "a record of format 2; this bench reads format 1",
        changed(good, rows=[{"name": "chats"}]): "rows.0.title: Field required",
        valueless: "the figure errors has no value",
        longer: "quantiles, where",
    }
    for content, said in bad.items():
        path.write_text(content)
        with pytest.raises(RecordError) as caught:
            read(path)
        assert said in str(caught.value)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordError, match="no record"):
        read(path)
    with pytest.raises(RecordError, match=r"nowhere\.json: No such file"):
        read(tmp_path / "nowhere.json")
