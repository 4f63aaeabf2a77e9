"""The table of docs/performance.md."""

import subprocess
import sys
from pathlib import Path

from loadtests.bench import table
from loadtests.bench.record import write
from tests.loadtests.bench.records import a_record, came_to
from tests.serving.servers import ROOT

RECORD = a_record(
    came_to(0, 8, 0.7, 80), came_to(1, 9, 0.9, 90), came_to(0, 30, 0.75, 85), broken="OSError: a | b\nat /a/place"
)
TABLE = """\
| What | Figure | Target | Median (range) | Met |
|---|---|---|---|---|
| Chats at once \\| of all | errors | 0 | 0 (0 to 1) | **no** |
|  | added wait, p50 | ≤ 10 ms | 9 ms (8 to 30 ms) | yes |
|  | chats a second, of the relay's | ≥ 0.8 × | 0.75 × (0.7 to 0.9 ×) | **no** |
|  | CPU a token |  | 85 µs (80 to 90 µs) |  |
| Start to first answer | | | broke off: OSError: a \\| b | no |"""


def test_each_figure_is_a_line() -> None:
    """With its target, its median and range, and whether it was met; nothing in a cell ends the cell."""
    assert table.table(RECORD) == TABLE


def test_the_section_says_when_and_on_what() -> None:
    """Date, commit, machine and versions come from the record; a smaller load is not passed over."""
    said = table.section(a_record(came_to(0, 8, 0.9, 80), scale=0.5)).partition("\n\n")[0]
    assert said == (
        "Measured on 2026-01-02 at commit `0123456789ab`, 1 repetitions: A Processor, 2 cores, 7.8 GiB, Linux 6.1,"
        " Python 3.11.7; load before it began: 0.25. uvicorn 0.54.0. At 0.5 of the load that the targets are about."
    )


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    command = [sys.executable, "-m", "loadtests.bench.table", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_prints_or_writes(tmp_path: Path) -> None:
    """Into a copy of the real document, whose other parts stay; what is no record or has no markers is refused."""
    path, document = tmp_path / "run.json", tmp_path / "performance.md"
    write(RECORD, path)
    real = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    document.write_text(real, encoding="utf-8")
    assert TABLE in run(path).stdout
    assert run(path, path).stdout.count(TABLE) == 2
    assert run(path, "--write", document).returncode == 0
    written = document.read_text(encoding="utf-8")
    assert TABLE in written
    assert written.partition("<!-- bench -->")[0] == real.partition("<!-- bench -->")[0]
    assert written.partition("<!-- /bench -->")[2] == real.partition("<!-- /bench -->")[2]
    for arguments in ((document,), (path, "--write", path)):
        refused = run(*arguments)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
