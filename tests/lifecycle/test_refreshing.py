"""CONTENT_DIR and the index, over real processes: indexed at first, kept up with in the background later."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import httpx2
import pytest
from tests.local_model import model_folder
from tests.sample_pages import one_page
from tests.service_process import UP, environment
from tests.serving.servers import ROOT, Served, alive, until

from lectern.adapters.local_index import LocalIndex

pytestmark = pytest.mark.process

Start = Callable[..., Served]
REFRESHED = "is indexed as site"


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """The owner's folder, with one page."""
    return one_page(tmp_path / "content")


@pytest.fixture
def start(tmp_path: Path, content: Path) -> Iterator[Start]:
    """Starts services over the folder, and ends them with the test."""
    started: list[Served] = []

    def run(**env: str) -> Served:
        records = tmp_path / f"service{len(started)}"
        records.mkdir()
        service = Served(["./entrypoint.sh"], records, ROOT, environment(tmp_path, CONTENT_DIR=str(content), **env))
        started.append(service)
        until(lambda: UP.search(service.log) is not None or service.process.poll() is not None, seconds=60)
        assert UP.search(service.log), service.log
        return service

    yield run
    for service in started:
        service.close()


def stop(service: Served) -> None:
    """End it in order."""
    service.signal(signal.SIGTERM)
    assert service.exit_code() == 0


def found(service: Served, query: str) -> list[str]:
    """The links of what a search finds, over a connection of its own."""
    answer = httpx2.post(f"http://127.0.0.1:{service.port}/search", json={"query": query}, timeout=30)
    return [result["href"] for result in answer.raise_for_status().json()["results"]]


def sides(service: Served) -> list[int]:
    """The processes beside the service that prepare or refresh, by their command lines."""
    beside = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes().split(b"\0")
                session = int((folder / "stat").read_text().rpartition(")")[2].split()[3])
            except OSError:
                continue
            if b"lectern.cli" in command and session == service.process.pid:
                beside.append(int(folder.name))
    return beside


def test_a_first_start_answers_from_the_folder(start: Start) -> None:
    """Its very first search finds the owner's page, under its own address; there is no built-in site."""
    service = start(SITE_NAME="sky", SITE_URL="https://sky.example/docs")
    assert found(service, "gibbous phase") == ["https://sky.example/docs/moon#phases"]
    assert found(service, "run the tests") == []
    assert "site sky" in service.log


def test_a_later_start_keeps_up_with_the_folder(start: Start, content: Path) -> None:
    """It answers at once from what it has; then one worker indexes what changed, without a restart."""
    stop(start())
    (content / "moon.md").unlink()
    (content / "sun.md").write_text("# Sun\n\n## Corona\n\nThe corona is hotter than the surface.\n")
    service = start()
    assert "Preparing" not in service.log
    until(lambda: REFRESHED in service.log)
    assert f"{REFRESHED} 'docs': pages 1 new, 0 changed, 1 gone, 0 same." in service.log
    until(lambda: all(found(service, "hot corona") == ["/pages/docs/sun#corona"] for _ in range(6)), seconds=10)
    assert found(service, "gibbous") == []
    assert service.log.count(REFRESHED) == 1


def test_a_folder_that_did_not_change_costs_no_process(start: Start) -> None:
    """Neither after a first start nor at a second one is anything run."""
    first = start()
    assert first.log.count(REFRESHED) == 1  # the preparation
    until(lambda: not sides(first))
    stop(first)
    second = start()
    until(lambda: found(second, "gibbous") != [])
    assert sides(second) == []
    assert REFRESHED not in second.log


def test_the_built_in_site_gives_way(start: Start, content: Path) -> None:
    """A folder that comes to a service with the built-in pages replaces them."""
    page = (content / "moon.md").rename(content.parent / "moon.md")
    service = start()
    assert found(service, "run the tests")[0].startswith("/pages/lectern/")
    stop(service)
    page.rename(content / "moon.md")
    service = start()
    until(lambda: found(service, "gibbous phase") == ["/pages/docs/moon#phases"])
    until(lambda: found(service, "run the tests") == [])


def test_vectors_follow_in_the_background(start: Start) -> None:
    """The first start answers by words and waits for no vector; they come by themselves where a model is at hand."""
    service = start(EMBEDDING_MODEL_PATH=str(model_folder()))
    until(lambda: "Vectors: 1 made, 0 missing." in service.log, seconds=60)
    until(lambda: found(service, "when is it nearly full in the sky") == ["/pages/docs/moon#phases"], seconds=10)


def test_a_refresh_ends_with_its_service_and_leaves_the_old_index(start: Start, content: Path) -> None:
    """Stopped in the middle it leaves no process, and the index as it was; the next start goes on."""
    stop(start())
    for number in range(1500):
        (content / f"{number}.md").write_text(f"# Page {number}\n\n" + f"All about marzipan {number}. " * 40)
    service = start()
    until(lambda: bool(sides(service)))
    [beside] = sides(service)
    until(lambda: os.getpriority(os.PRIO_PROCESS, beside) == 19)
    assert found(service, "gibbous") == ["/pages/docs/moon#phases"]
    stop(service)
    until(lambda: not alive(beside), seconds=5)
    assert REFRESHED not in service.log
    assert anyio.run(LocalIndex(content.parent / "data" / "index").sites) == {"docs": 1}


def test_a_killed_worker_takes_its_refresh_along(start: Start, content: Path) -> None:
    """`kill -9` of the worker in charge leaves no process behind, and another worker takes over."""
    stop(start())
    for number in range(300):
        (content / f"{number}.md").write_text(f"# Page {number}\n\n" + f"All about marzipan {number}. " * 40)
    service = start()
    until(lambda: bool(sides(service)))
    [beside] = sides(service)
    worker = int(Path(f"/proc/{beside}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(worker, signal.SIGKILL)
    until(lambda: not alive(beside), seconds=60)  # it has the lowest priority, also for ending
    until(lambda: f"{REFRESHED} 'docs': pages 300 new" in service.log, seconds=60)
