"""What the scenarios share, and the table at their end: what was done, what clients met, what they were told."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich import box
from rich.console import Console
from rich.table import Table
from tests.chaos.scenario import Outcome
from tests.service_process import run_verb
from tests.stub_process import Stub, running_stub

Note = Callable[[Outcome], None]


@pytest.fixture(scope="session")
def stub() -> Iterator[Stub]:
    """A provider."""
    with running_stub() as stub:
        yield stub


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a schema and an index, to be copied."""
    folder = tmp_path_factory.mktemp("prepared")
    done = run_verb(folder, "prepare")
    assert done.returncode == 0, done.stderr
    return folder / "data"


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Notes what a scenario led to, for the table."""

    def keep(outcome: Outcome) -> None:
        record_property("chaos", outcome.counts())

    return keep


_columns: dict[str, dict[str, Any]] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what the table wants."""
    for name, value in report.user_properties:
        if name == "chaos" and isinstance(value, dict):
            _columns[report.nodeid.rpartition("::")[2].removeprefix("test_")] = value


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, a scenario a column."""
    if not _columns:
        return
    table = Table(
        "", *(name.replace("_", " ") for name in _columns), box=box.SIMPLE_HEAD, title="Streams that were cut"
    )
    for row in dict.fromkeys(name for column in _columns.values() for name in column):
        table.add_row(row, *(f"{column.get(row, 0):,}" for column in _columns.values()))
    Console(file=terminalreporter._tw._file, width=140, highlight=False).print(table)
