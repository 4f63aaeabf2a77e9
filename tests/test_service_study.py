"""Chapters from the whole service: each piece is paid once, whoever asks which worker, also beside other replicas."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.database_servers import Postgres
from tests.service_process import run_verb, running_service
from tests.serving.servers import Served
from tests.stub_process import Stub, running_stub
from tests.study.chapters_of import BOOK_URL, written_book

from lectern.adapters.sql_migrations import migrate

pytestmark = pytest.mark.process

Start = Callable[..., Served]


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A provider of the test's own, as its requests are counted."""
    with running_stub() as stub:
        yield stub


@pytest.fixture
def settings(tmp_path: Path, stub: Stub) -> dict[str, str]:
    """A book, and a model that takes a moment."""
    return {
        "OPENAI_BASE_URL": stub.base_url,
        "OPENAI_API_KEY": "none",
        "OPENAI_MODEL": "stub-ttft100",
        "CONTENT_DIR": str(written_book(tmp_path / "book")),
        "SITE_NAME": "book",
        "SITE_URL": BOOK_URL,
    }


@pytest.fixture
def start(tmp_path: Path, settings: dict[str, str]) -> Iterator[Start]:
    """Starts services with two workers and one folder of data; ends them with the test."""
    with ExitStack() as services:
        numbers = count()

        def run(**env: str) -> Served:
            folder = tmp_path / f"service{next(numbers)}"
            folder.mkdir()
            here = settings | {"DATA_DIR": str(tmp_path / "data")} | env
            return services.enter_context(running_service(folder, **here))

        yield run


def translated(service: Served, **more: object) -> dict[str, Any]:
    """A translation over a connection of its own, so by whichever worker takes it."""
    body = {"chapter_id": "docs/nodes", "user_id": "u"} | more
    answer = httpx2.post(f"http://127.0.0.1:{service.port}/translate", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def rewrites(stub: Stub) -> int:
    """How often the model was asked to rewrite something."""
    return int(stub.stats()["kinds"].get("rewrite", 0))


def test_the_second_request_asks_no_model_and_is_quick(start: Start, stub: Stub) -> None:
    """By either worker, and within 50 ms, of which it takes a tenth."""
    service = start()
    first = translated(service)
    calls = rewrites(stub)
    assert calls == first["metadata"]["model_calls"] > 0
    seconds = []
    for _ in range(4):  # connections, which the workers share between them
        with httpx2.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=60) as client:
            for _ in range(5):
                began = time.perf_counter()
                again = client.post("/translate", json={"chapter_id": "docs/nodes"}).raise_for_status().json()
                seconds.append(time.perf_counter() - began)
                assert again["translated_content"] == first["translated_content"]
                assert (again["metadata"]["model_calls"], again["metadata"]["tokens_used"]) == (0, 0)
    assert rewrites(stub) == calls
    assert sorted(seconds)[len(seconds) // 4] < 0.05, seconds  # what else the machine does only adds to some


def test_a_restart_keeps_what_was_paid(start: Start, stub: Stub) -> None:
    """The next server finds it in the database."""
    translated(start())
    calls = rewrites(stub)
    assert translated(start())["metadata"]["model_calls"] == 0
    assert rewrites(stub) == calls


def test_a_changed_paragraph_costs_one_call(start: Start, stub: Stub, tmp_path: Path, settings: dict[str, str]) -> None:
    """After the next ingest, while the service runs; the rest of the page reads as before."""
    service = start()
    before = translated(service)["translated_content"]
    calls = rewrites(stub)
    chapter = tmp_path / "book" / "docs" / "nodes.mdx"
    text = chapter.read_text(encoding="utf-8")
    chapter.write_text(text.replace("a process that computes", "a small process that computes"), encoding="utf-8")
    done = run_verb(tmp_path, "ingest", settings["CONTENT_DIR"], "--site", "book", "--base-url", BOOK_URL, **settings)
    assert done.returncode == 0, done.stderr
    after = translated(service)
    assert rewrites(stub) == calls + 1
    assert after["metadata"]["model_calls"] == 1
    assert after["metadata"]["segments"] - after["metadata"]["cached"] == 1
    changed = [
        (old, new)
        for old, new in zip(before.split("\n"), after["translated_content"].split("\n"), strict=True)
        if old != new
    ]
    assert len(changed) == 1


def test_two_services_at_once_pay_each_piece_once(start: Start, stub: Stub, tmp_path: Path, postgres: Postgres) -> None:
    """Four workers over one Postgres, asked all at once: what one is at, the others wait for."""
    url = postgres.make("study")
    migrate(url)
    services = [start(DATABASE_URL=url, DATA_DIR=str(tmp_path / f"data{number}")) for number in range(2)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(translated, services * 4))
    assert len({answer["translated_content"] for answer in answers}) == 1
    metadata = [answer["metadata"] for answer in answers]
    assert sum(told["model_calls"] for told in metadata) == rewrites(stub)
    assert sum(told["segments"] - told["cached"] for told in metadata) == metadata[0]["segments"]
    assert translated(services[1])["metadata"]["model_calls"] == 0
