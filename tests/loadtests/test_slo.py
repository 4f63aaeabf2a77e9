"""Promises, and whether a load test kept them."""

from pathlib import Path

import pytest
from loadtests import slo

FILE = """
errors = 2
[[promise]]
name = "chat: done"
percentile = 95
milliseconds = 100
"""


def judged(errors: int, measured: float | None) -> list[bool]:
    """Whether each promise of a file was kept."""
    promises = slo.Slo(2, (slo.Promise("chat: done", 95, 100),))
    return [verdict.kept for verdict in slo.judge(promises, errors, lambda _name, _percent: measured)]


def test_a_file_is_read(tmp_path: Path) -> None:
    """Errors and promises, as they stand there; the file that comes along is one."""
    path = tmp_path / "slo.toml"
    path.write_text(FILE)
    assert slo.load(path) == slo.Slo(2, (slo.Promise("chat: done", 95, 100),))
    assert slo.load().promises


@pytest.mark.parametrize("wrong", ["", 'errors = 0\n[[promise]]\nname = "x"', FILE.replace("95", "101"), "errors ="])
def test_a_wrong_file_is_refused(tmp_path: Path, wrong: str) -> None:
    """A promise that cannot be read is not silently kept."""
    path = tmp_path / "slo.toml"
    path.write_text(wrong)
    with pytest.raises(ValueError, match=r"slo\.toml|Invalid|invalid"):
        slo.load(path)


def test_a_promise_is_kept_up_to_its_figure() -> None:
    """The figure itself still keeps it; one more breaks it, as does one error more, or a line that nobody asked for."""
    assert judged(2, 100) == [True, True]
    assert judged(2, 100.1) == [True, False]
    assert judged(3, 1) == [False, True]
    assert judged(0, None) == [True, False]
