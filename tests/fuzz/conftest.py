"""The fuzz suite's fixtures: a real service on each database, and how hard to try."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.database_servers import Postgres
from tests.fuzz.callers import CALLERS, SETTINGS, Headers
from tests.service_process import run_verb, running_service
from tests.serving.servers import Served
from tests.stub_process import Stub, running_stub

_runs: list[str] = []


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to try.

    Attributes:
        seed: Where the dice start; the same one makes the same requests.
        cases: Most requests that are made up for an operation, besides those that cover its schema.
        seconds: Go on making up requests for this long; None to stop when there were `cases`.
    """

    seed: int
    cases: int
    seconds: int | None


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make fuzz SEED=7 CASES=500 SECONDS=600`."""
    parser.addoption("--fuzz-seed", type=int, default=1)
    parser.addoption("--fuzz-cases", type=int, default=20)
    parser.addoption("--fuzz-seconds", type=int, default=None)


@pytest.fixture
def effort(request: pytest.FixtureRequest) -> Effort:
    """What the command line says."""
    option = request.config.getoption
    return Effort(option("--fuzz-seed"), option("--fuzz-cases"), option("--fuzz-seconds"))


@pytest.fixture
def runs() -> list[str]:
    """What is told of each run at the end."""
    return _runs


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many requests were made."""
    if _runs:
        terminalreporter.section("fuzzing")
        for line in _runs:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def stub() -> Iterator[Stub]:
    """A provider."""
    with running_stub() as stub:
        yield stub


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stub: Stub) -> Iterator[Served]:
    """A running service that knows every caller, has a model and limits nobody, on either database."""
    folder = tmp_path_factory.mktemp("fuzzed")
    settings = SETTINGS | {"OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": "stub-len5"}
    if request.param == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        settings["DATABASE_URL"] = postgres.make("fuzzed")
        # A start does not wait for Postgres' schema; whoever signs up at once would be told to come back.
        done = run_verb(folder, "migrate", **settings)
        assert done.returncode == 0, done.stderr
    with running_service(folder, **settings) as served:
        yield served


@pytest.fixture(scope="session")
def credentials(service: Served) -> dict[str, Headers]:
    """What each caller sends, by its name: all made before anybody has used up the sign-ups of this address."""
    return {caller.name: caller.headers(f"http://127.0.0.1:{service.port}") for caller in CALLERS}
