"""The image, built once; what a container saw of its own limits; and the table of measurements at the end."""

from collections.abc import Callable, Iterator

import pytest
from rich import box
from rich.console import Console
from rich.table import Table
from tests.image.containers import BASE, RESTRICTED, Container, build, podman
from tests.stub_process import Stub, running_stub

_measured: dict[str, str] = {}
Measure = Callable[[str, object], None]


@pytest.fixture(scope="session")
def measure() -> Measure:
    """Notes a measurement for the table."""

    def note(name: str, value: object) -> None:
        _measured[name] = str(value)

    return note


@pytest.fixture(scope="session", autouse=True)
def _image(measure: Measure) -> None:
    """The image; it stays, so that the next build is warm."""
    measure("base image", f"{int(podman('image', 'inspect', '--format={{.Size}}', BASE)) / 1e6:.0f} MB")
    measure("build", f"{build():.0f} s")


@pytest.fixture(scope="session")
def stub() -> Iterator[Stub]:
    """A language model's provider on the host."""
    with running_stub() as stub:
        yield stub


@pytest.fixture(scope="module")
def restricted() -> Iterator[Container]:
    """A running container under all restrictions, for tests that change nothing in it."""
    with Container(*RESTRICTED) as container:
        container.until_up()
        yield container


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if not _measured:
        return
    table = Table("", "Measured", box=box.SIMPLE_HEAD, title="The image")
    for name, value in _measured.items():
        table.add_row(name, value)
    Console(file=terminalreporter._tw._file, width=140, highlight=False, markup=False).print(table)
