"""What the whole service takes of the machine with every remote part configured, idle after some turns."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from tests.database_servers import Postgres
from tests.qdrant_server import QdrantServer, Refused, running_qdrant
from tests.service_process import environment
from tests.serving.servers import ROOT, Served, until
from tests.stub_process import running_stub

from lectern.adapters.sql_migrations import migrate

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="this kernel does not tell"),
]

MOST_PSS_BYTES = 200e6
"""The promise; 168 to 173 MB measured."""

MOST_OWN_SHARE = 0.5
"""Of the master's memory, what a worker may have of its own; 0.28 measured, 1 without a preloaded, frozen app."""

MOST_THREADS = 10
"""Of an idle worker: 7, of which the loop's own pool for names has 4."""


@pytest.fixture(scope="module")
def qdrant() -> Iterator[QdrantServer]:
    """The real engine behind Qdrant's REST calls."""
    with running_qdrant() as server:
        yield server


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, qdrant: QdrantServer) -> Iterator[Served]:
    """Two workers with everything remote, ingested, after some turns."""
    folder = tmp_path_factory.mktemp("memory")
    database = postgres.make("memory")
    migrate(database)
    with ExitStack() as stack:
        stub = stack.enter_context(running_stub())
        remotes = {
            "OPENAI_BASE_URL": stub.base_url,
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_MODEL": "stub-ttft0-itl0-len20",
            "EMBEDDING_MODEL": "stub-embed",
            "COHERE_BASE_URL": stub.base_url.removesuffix("/v1"),
            "COHERE_API_KEY": "test",
            "COHERE_RERANK_MODEL": "stub-tagrank",
            "DATABASE_URL": database,
            "QDRANT_URL": qdrant.url,
        }
        env = environment(folder, **remotes)
        # The figures are those of the service, not of what measures its coverage.
        env = {name: value for name, value in env.items() if not name.startswith("COVERAGE_")}
        ingest = Served(["./entrypoint.sh", "ingest", "docs", "--site", "lectern"], _made(folder / "ingest"), ROOT, env)
        stack.callback(ingest.close)
        assert ingest.exit_code(60) == 0, ingest.log
        served = Served(["./entrypoint.sh"], _made(folder / "service"), ROOT, env)
        stack.callback(served.close)
        until(lambda: " is up: " in served.log or served.process.poll() is not None, seconds=60)
        assert " is up: " in served.log, served.log
        for _ in range(20):
            assert ask(served)["degraded"] == {}
        assert qdrant.calls["query"] >= 20
        yield served


def test_it_fits_the_promise(service: Served) -> None:
    """The proportional set size of all its processes together."""
    rollups = [rolled_up(process) for process in processes(service)]
    assert sum(rollup["Pss"] for rollup in rollups) < MOST_PSS_BYTES, rollups


def test_workers_share_what_the_master_loaded(service: Served) -> None:
    """A worker's own memory is a part of the master's, and not another copy of it."""
    master, *workers = [rolled_up(process) for process in processes(service)]
    for worker in workers:
        assert worker["Private_Dirty"] < MOST_OWN_SHARE * master["Rss"], (worker, master)


def test_nothing_stays_that_has_done_its_work(service: Served) -> None:
    """Beside the master there are two workers and no other process; an idle worker has few threads."""
    until(lambda: len(processes(service)) == 3)
    _, *workers = processes(service)
    until(lambda: all(worker.num_threads() <= MOST_THREADS for worker in workers))


def test_workers_share_the_vectors(service: Served, qdrant: QdrantServer) -> None:
    """The local index, which answers while Qdrant is down, maps its matrix from one file and writes none of it."""

    def down(_: str) -> None:
        raise Refused(503, "down")

    def mapped() -> bool:
        assert "index" in ask(service)["degraded"]
        return all(matrices(worker) for worker in workers)

    _, *workers = processes(service)
    qdrant.fault = down
    try:
        until(mapped)
    finally:
        qdrant.fault = None
    for worker in workers:
        [matrix] = matrices(worker)
        assert kilobytes(matrix)["Rss"] > 0
        assert kilobytes(matrix)["Private_Dirty"] == 0


def matrices(process: psutil.Process) -> list[str]:
    """What the kernel tells of each mapping of the index's vectors."""
    areas = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path(f"/proc/{process.pid}/smaps").read_text(), flags=re.MULTILINE)
    return [area for area in areas if area.partition("\n")[0].endswith("/vectors.f32")]


def ask(service: Served) -> dict[str, Any]:
    """Ask on a connection of its own, so that any worker may answer; what the answer says of itself."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=30) as http:
        answer = http.post("/chat", json={"message": "How do I deploy to a Space?"}).raise_for_status().json()
    return dict(answer["metadata"])


def processes(service: Served) -> list[psutil.Process]:
    """The master, and all below it."""
    master = psutil.Process(service.process.pid)
    return [master, *master.children(recursive=True)]


def rolled_up(process: psutil.Process) -> dict[str, int]:
    """What a process takes, in bytes, by the kernel's names."""
    text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    return {name: 1024 * value for name, value in kilobytes(text).items()}


def kilobytes(text: str) -> dict[str, int]:
    """The lines `Name: value kB` of a report of the kernel's."""
    return {name: int(value) for name, value in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
