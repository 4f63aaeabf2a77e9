"""docs/performance.md says what the bench measures: no target moves without the document."""

import re

import pytest
from loadtests.bench.measured import Measured
from loadtests.bench.row import Row
from loadtests.bench.rows import ROWS
from tests.serving.servers import ROOT

TEXT = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
IN_TABLE = [row for row in ROWS if row.name != "capacity"]  # which has a section of its own
TABLE = TEXT.partition("<!-- bench -->")[2].partition("<!-- /bench -->")[0]


@pytest.mark.parametrize("row", IN_TABLE, ids=[row.name for row in IN_TABLE])
def test_every_target_stands_beside_its_figure(row: Row) -> None:
    """Each figure that has one, under its row's title, with what was measured."""
    section = re.split(r"\n\| \S", TABLE.partition(f"| {row.title} |")[2])[0]
    for figure in row.figures:
        if figure.target is not None:
            line = rf" {re.escape(figure.name)} \| {re.escape(Measured(figure, (0.0,)).target)} \| [-0-9]"
            assert re.search(line, section), figure.name


@pytest.mark.parametrize("name", ["bench", "peers", "capacity"])
def test_what_programs_write_has_its_place(name: str) -> None:
    """Once each, and in order."""
    assert re.findall(rf"<!-- /?{name} -->", TEXT) == [f"<!-- {name} -->", f"<!-- /{name} -->"]


def test_the_commands_exist() -> None:
    """Each module that the document has readers run is there."""
    commands = re.findall(r"python -m (loadtests[\w.]+)", TEXT)
    assert commands
    for command in commands:
        path = ROOT / command.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), command
