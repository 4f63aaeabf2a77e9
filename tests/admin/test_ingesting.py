"""Ingests at the operator's wish: over a whole service with two workers, and what a desk makes of how they end."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.admin.conftest import BEARER, TOKEN
from tests.sample_pages import one_page
from tests.service_process import UP, environment
from tests.serving.servers import ROOT, Served, until

from lectern.admin.ingesting import IngestDesk
from lectern.errors import IngestRunning
from lectern.ops import file_lock

Start = Callable[..., Served]


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """The owner's folder, with one page."""
    return one_page(tmp_path / "content")


@pytest.fixture
def service(tmp_path: Path, content: Path) -> Iterator[Served]:
    """A service over the folder, with two workers and an operator."""
    records = tmp_path / "service"
    records.mkdir()
    env = environment(tmp_path, CONTENT_DIR=str(content), ADMIN_TOKEN=TOKEN)
    service = Served(["./entrypoint.sh"], records, ROOT, env)
    try:
        until(lambda: UP.search(service.log) is not None or service.process.poll() is not None, seconds=60)
        assert UP.search(service.log), service.log
        yield service
    finally:
        service.close()


def ask(service: Served, method: str, path: str, **more: Any) -> httpx2.Response:
    """One request over a connection of its own, so by whichever worker takes it."""
    return httpx2.request(method, f"http://127.0.0.1:{service.port}{path}", headers=BEARER, timeout=30, **more)


def last(service: Served) -> dict[str, Any]:
    """How the last ingest went."""
    answer = ask(service, "GET", "/ingest")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.process
def test_new_pages_are_found_without_a_restart(service: Served, content: Path) -> None:
    """What was written since the start is indexed, all workers find it, and all know how the ingest went."""
    assert last(service)["status"] == "never"
    (content / "sun.md").write_text("# Sun\n\n## Corona\n\nThe corona is hotter than the surface.\n")
    (content / "moon.md").unlink()
    answer = ask(service, "POST", "/ingest")
    assert (answer.status_code, answer.json(), answer.headers["cache-control"]) == (
        202,
        {"status": "started"},
        "private, no-store",
    )
    until(lambda: last(service)["status"] != "running", seconds=60)
    bodies = [last(service) for _ in range(8)]
    assert all(body == bodies[0] for body in bodies)
    assert (bodies[0]["status"], bodies[0]["pages"], bodies[0]["vectors"], bodies[0]["message"]) == (
        "done",
        {"new": 1, "changed": 0, "gone": 1, "same": 0},
        None,
        "",
    )
    assert bodies[0]["started_at"] < bodies[0]["finished_at"]

    def found(query: str) -> list[str]:
        answer = ask(service, "POST", "/search", json={"query": query})
        return [result["href"] for result in answer.json()["results"]]

    until(lambda: all(found("hot corona") == ["/pages/docs/sun#corona"] for _ in range(6)), seconds=10)
    assert found("gibbous") == []


@pytest.mark.process
def test_one_at_a_time_and_a_killed_worker_frees_the_way(service: Served, content: Path) -> None:
    """While one runs, no worker starts another; killed with its worker it is interrupted, and the next one goes on."""
    for number in range(600):
        (content / f"{number}.md").write_text(f"# Page {number}\n\n" + f"All about marzipan {number}. " * 40)
    assert ask(service, "POST", "/ingest").status_code == 202
    refusals = [ask(service, "POST", "/ingest") for _ in range(8)]
    assert {(answer.status_code, answer.json()["error"]) for answer in refusals} == {(409, "ingest_running")}
    assert last(service)["status"] == "running"
    os.kill(_worker_with_a_side_process(service), signal.SIGKILL)
    until(lambda: last(service)["status"] == "interrupted", seconds=20)
    until(lambda: ask(service, "POST", "/ingest").status_code == 202, seconds=20)
    until(lambda: last(service)["status"] == "done", seconds=100)
    # What the killed one had committed already is new no more.
    pages = last(service)["pages"]
    assert pages["new"] + pages["same"] == 601, pages  # with the one that was there


def _worker_with_a_side_process(service: Served) -> int:
    """The worker that runs the ingest: the parent of the process beside it."""
    found: list[int] = []

    def look() -> bool:
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    command = (folder / "cmdline").read_bytes().split(b"\0")
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if b"--report" in command and int(fields[3]) == service.process.pid:
                    found.append(int(fields[1]))
        return bool(found)

    until(look)
    return found[0]


async def ended(desk: IngestDesk) -> dict[str, Any]:
    """How the ingest that was started ended."""
    async with asyncio.timeout(30):
        while (state := await desk.last()).status == "running":  # noqa: ASYNC110 - it may be another desk's
            await asyncio.sleep(0.01)
    return state.model_dump()


@pytest.mark.parametrize(
    ("code", "says"), [(65, "There is no page"), (75, "not available now"), (1, "The log says why."), (-9, "The log")]
)
async def test_a_failure_says_what_is_known(tmp_path: Path, code: int, says: str) -> None:
    """By the exit code; another desk on the same folder knows it, too."""

    async def run(report: Path) -> int:
        return code

    await IngestDesk(tmp_path, run).start()
    state = await ended(IngestDesk(tmp_path, run))
    assert (state["status"], state["pages"]) == ("failed", None)
    assert says in state["message"]


async def test_one_that_ends_while_somebody_looks_is_not_called_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the note "running" and the look at the lock it may end: then its end is told."""
    goes_on = asyncio.Event()

    async def run(report: Path) -> int:
        await goes_on.wait()
        return 0

    desk = IngestDesk(tmp_path, run)
    await desk.start()
    loop, taking = asyncio.get_running_loop(), file_lock.try_lock

    def after_its_end(path: Path) -> int | None:
        loop.call_soon_threadsafe(goes_on.set)
        until(lambda: b"done" in (tmp_path / "INGEST.json").read_bytes())
        while (lock := taking(path)) is None:
            time.sleep(0.01)
        return lock

    monkeypatch.setattr("lectern.admin.ingesting.try_lock", after_its_end)
    assert (await IngestDesk(tmp_path, run).last()).status == "done"


async def test_what_it_tells_is_told_once(tmp_path: Path) -> None:
    """Counts of the last run never stand beside the next one's end."""
    told = {"pages": {"new": 1, "changed": 2, "gone": 3, "same": 4}, "vectors": {"made": 5, "missing": 6}}
    codes = [0, 75]

    async def run(report: Path) -> int:
        if codes[0] == 0:
            await asyncio.to_thread(report.write_text, json.dumps(told))
        return codes.pop(0)

    desk = IngestDesk(tmp_path, run)
    for status, counts in (("done", told), ("failed", {"pages": None, "vectors": None})):
        await desk.start()
        state = await ended(desk)
        assert (state["status"], {name: state[name] for name in told}) == (status, counts)


async def test_a_worker_that_stops_takes_it_along(tmp_path: Path) -> None:
    """It is noted as interrupted, and the lock is free."""
    begun, never = asyncio.Event(), asyncio.Event()

    async def run(report: Path) -> int:
        begun.set()
        await never.wait()
        return 0

    desk = IngestDesk(tmp_path, run)
    await desk.start()
    await begun.wait()
    with pytest.raises(IngestRunning):
        await IngestDesk(tmp_path, run).start()
    await desk.close()
    assert (await desk.last()).status == "interrupted"
    await IngestDesk(tmp_path, run).start()


async def test_a_defect_is_a_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is in the log, and not in the answer."""

    async def run(report: Path) -> int:
        raise OSError("no python here")

    desk = IngestDesk(tmp_path, run)
    await desk.start()
    state = await ended(desk)
    assert (state["status"], state["message"]) == ("failed", "The log says why.")
    assert "no python here" in caplog.text


@pytest.mark.parametrize("held", ["", "{", '{"status": "odd"}', "[]", '{"status": "done", "started_at": 5e99}'])
async def test_a_file_that_is_no_state_is_none(tmp_path: Path, held: str) -> None:
    """Of another version, or damaged: as if none had run."""
    (tmp_path / "INGEST.json").write_text(held)

    async def run(report: Path) -> int:
        return 0

    assert (await IngestDesk(tmp_path, run).last()).status == "never"
