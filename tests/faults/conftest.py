"""The fault suite's fixtures, and the table at its end: fault, promise, seen."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig
from tests.service_process import environment
from tests.serving.servers import ROOT
from tests.stub_process import Stub, running_stub


def pytest_configure(config: pytest.Config) -> None:
    """Know the marker that names a fault."""
    config.addinivalue_line("markers", "fault(number, what): the fault that a test makes; its docstring is the promise")


class Seen(Protocol):
    """Notes what a test saw, for the table."""

    def __call__(self, text: str) -> None:
        """Note it."""


class MakeRig(Protocol):
    """Starts the service with a model of the stub behind the proxy."""

    def __call__(self, model: str = "stub-ttft20-itl10-len20", *, workers: int = 2, shell: str = "", **env: str) -> Rig:
        """Start it, `shell` before it in a shell, and wait until every worker is up."""


@pytest.fixture(scope="session")
def stub() -> Iterator[Stub]:
    """A provider."""
    with running_stub() as stub:
        yield stub


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an index and an empty database, to be copied."""
    folder = tmp_path_factory.mktemp("prepared")
    command = ["python", "-m", "lectern.cli", "prepare"]
    paths = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    subprocess.run(command, cwd=ROOT, env=environment(folder) | paths, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture
def proxy(stub: Stub) -> Iterator[Proxy]:
    """The proxy before the stub."""
    with Proxy(int(stub.base_url.rpartition(":")[2].partition("/")[0])) as proxy:
        yield proxy


@pytest.fixture
def seen(record_property: Callable[[str, object], None]) -> Seen:
    """Notes what a test saw."""

    def note(text: str) -> None:
        record_property("seen", text)

    return note


@pytest.fixture
def rig(prepared: Path, proxy: Proxy, stub: Stub, seen: Seen) -> Iterator[MakeRig]:
    """Starts services. After the test each is checked for what must hold after any fault, and ended."""
    rigs: list[Rig] = []

    def make(model: str = "stub-ttft20-itl10-len20", *, workers: int = 2, shell: str = "", **env: str) -> Rig:
        command = ["bash", "-c", f"{shell}\nexec ./entrypoint.sh"] if shell else ["./entrypoint.sh"]
        # Whether these pages answer a question must not hang on what stands in them today.
        settings = {"OPENAI_MODEL": model, "WEB_CONCURRENCY": str(workers), "MIN_CONFIDENCE": "0"} | env
        rigs.append(Rig(prepared, proxy, stub, command, settings))
        return rigs[-1]

    try:
        yield make
        proxy.set()
        for made in rigs:
            seen(made.settle())
    finally:
        for made in rigs:
            made.close()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note fault and promise, so that they travel with the reports."""
    marker = item.get_closest_marker("fault")
    if marker is not None and isinstance(item, pytest.Function):
        number, what = marker.args
        case = f" [{item.callspec.id}]" if hasattr(item, "callspec") else ""
        promise = " ".join((item.function.__doc__ or "").split())
        item.user_properties.append(("fault", (number, f"{what}{case}", promise)))


_rows: dict[str, tuple[int, str, str, str, str]] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what the table wants; the last report of a test has all that it saw."""
    properties = report.user_properties
    fault: Any = next((value for name, value in properties if name == "fault"), None)
    if fault is None:
        return
    before = _rows.get(report.nodeid)
    failed = report.outcome == "failed" or (before is not None and before[4] == "FAILED")
    outcome = "FAILED" if failed else "kept" if report.outcome == "passed" else report.outcome
    saw = "; ".join(str(value) for name, value in properties if name == "seen")
    number, what, promise = fault
    _rows[report.nodeid] = (number, what, promise, saw, outcome)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if not _rows:
        return
    table = Table("#", "Fault", "Promise", "Seen", "", box=box.SIMPLE_HEAD, title="What was broken, and what was seen")
    for number, *cells in sorted(_rows.values()):
        table.add_row(str(number), *map(escape, cells))
    Console(file=terminalreporter._tw._file, width=180, highlight=False).print(table)
