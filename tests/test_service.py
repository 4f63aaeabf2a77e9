"""The whole service as a person starts it: `./entrypoint.sh`, over real processes and sockets."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx2
import pytest
from tests.local_model import model_folder
from tests.service_process import SSE, UP, environment, events, outcomes
from tests.serving.servers import ROOT, Served, until
from tests.stub_process import Stub, running_stub

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    """A provider."""
    with running_stub() as stub:
        yield stub


class Start(Protocol):
    """Starts `./entrypoint.sh` with these variables."""

    def __call__(self, *arguments: str, wait: bool = True, **env: str) -> Served:
        """Start it and, unless told not to, wait for its boot report."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts services, and ends them with the test."""
    started: list[Served] = []

    def run(*arguments: str, wait: bool = True, **env: str) -> Served:
        records = tmp_path / f"service{len(started)}"
        records.mkdir()
        service = Served(["./entrypoint.sh", *arguments], records, ROOT, environment(tmp_path, **env))
        started.append(service)
        if wait:
            until(lambda: UP.search(service.log) is not None or service.process.poll() is not None)
            assert UP.search(service.log), service.log
        return service

    yield run
    for service in started:
        service.close()


def run_verb(tmp_path: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end."""
    return subprocess.run(
        ["./entrypoint.sh", *arguments],
        cwd=ROOT,
        env=environment(tmp_path, **env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def client(service: Served) -> httpx2.Client:
    """A client of a running service."""
    return httpx2.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=30)


def test_a_first_start_answers_from_its_own_pages(start: Start) -> None:
    """One command: it migrates, indexes, reports what it is and what it lacks, and cites the section that answers."""
    service = start()
    for part in ("2 workers: WEB_CONCURRENCY says so", "SQLite", "local index", "quoting", "OPENAI_API_KEY"):
        assert part in service.log
    with client(service) as http:
        answer = http.post("/chat", json={"message": "How do I run the tests?"}).json()
        assert answer["sources"][0]["href"] == "/pages/lectern/#running-the-tests"
        assert "make test" in answer["message"]
        page = http.get(answer["sources"][0]["url"])
    assert '<section id="running-the-tests" dir="auto">' in page.text


def test_a_second_start_prepares_nothing(start: Start) -> None:
    """What is there is used: no migration, no ingest. Each says what is missing, the local model's weights too."""
    first = start()
    assert "Preparing before the first request: schema, index" in first.log
    assert "retrieval is by words only" in first.log
    first.signal(signal.SIGTERM)
    assert first.exit_code() == 0
    second = start()
    assert "Preparing" not in second.log


def test_a_running_server_answers_from_a_new_ingest(start: Start, tmp_path: Path) -> None:
    """No restart: within two seconds every worker finds the new page, and the built-in site has given way."""
    service = start()
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "moon.md").write_text("# Moon\n\n## Phases\n\nThe gibbous phase follows the first quarter.\n")
    done = run_verb(tmp_path, "ingest", str(pages), "--site", "sky", "--base-url", "https://sky.example")
    assert done.returncode == 0, done.stderr
    assert "The site 'lectern' gave way" in done.stdout

    def found() -> bool:
        with client(service) as http:  # a new connection each time, so that both workers are asked
            results = http.post("/search", json={"query": "gibbous phase"}).json()["results"]
        return [result["href"] for result in results] == ["https://sky.example/moon#phases"]

    until(found, seconds=2)
    assert all(found() for _ in range(10))


def test_a_meaning_is_found_without_a_common_word(start: Start, tmp_path: Path) -> None:
    """An ingest makes vectors with the local model, without network, and the server finds by them."""
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "till.md").write_text("# The till\n\n## Refunds\n\nWithout a receipt nobody is paid back.\n")
    (pages / "oven.md").write_text("# The oven\n\n## Heat\n\nDough rises at 30 degrees and bakes at 230.\n")
    model = str(model_folder())
    done = run_verb(tmp_path, "ingest", str(pages), "--site", "bakery", EMBEDDING_MODEL_PATH=model)
    assert done.returncode == 0, done.stderr
    assert "Vectors made: 2" in done.stdout
    service = start(EMBEDDING_MODEL_PATH=model)
    assert "all-MiniLM-L6-v2 in this process, ok" in service.log
    with client(service) as http:
        results = http.post("/search", json={"query": "customer wants money returned"}).json()["results"]
        by_words = http.post("/search", json={"query": "receipt"}).json()["results"]
    assert results[0]["title"] == by_words[0]["title"] == "The till"


def test_a_model_streams_its_answer(start: Start, stub: Stub) -> None:
    """Deltas come from the model, in order, between the sources and exactly one `done`."""
    service = start(OPENAI_BASE_URL=stub.base_url, OPENAI_MODEL="stub-ttft20-itl5-len20")
    body = {"message": "How do I run the tests?"}
    with client(service) as http, http.stream("POST", "/chat", json=body, headers=SSE) as response:
        names = [name for name, _ in events(response.iter_lines())]
    assert names[:2] == ["started", "sources"]
    assert names[-1] == "done"
    assert set(names[2:-1]) == {"delta"}


def test_a_stream_is_told_when_its_worker_stops(start: Start, stub: Stub, tmp_path: Path) -> None:
    """SIGTERM ends a long stream with one `failed` that invites a retry; what was said is kept; the exit is clean."""
    service = start(
        OPENAI_BASE_URL=stub.base_url, OPENAI_MODEL="stub-ttft20-itl50-len2000", GRACEFUL_TIMEOUT_SECONDS="4"
    )
    body = {"message": "How do I run the tests?"}
    text = ""
    last: tuple[str, dict[str, Any]] = ("", {})
    with client(service) as http, http.stream("POST", "/chat", json=body, headers=SSE) as response:
        for last in events(response.iter_lines()):
            if last[0] == "delta" and not text:
                service.signal(signal.SIGTERM)
            text += last[1].get("text", "")
    assert last == (
        "failed",
        {"code": "shutting_down", "message": "The server is restarting. Please ask again.", "retryable": True},
    )
    assert service.exit_code() == 0
    assert outcomes(tmp_path) == [("cancelled", text)]


def test_a_model_that_cannot_be_reached_is_stood_in_for(start: Start) -> None:
    """Every remote down: the start succeeds, the answer quotes and says so, health is 200 and degraded."""
    service = start(OPENAI_BASE_URL="http://127.0.0.1:9/v1", EMBEDDING_MODEL="none-there")
    with client(service) as http:
        answer = http.post("/chat", json={"message": "How do I run the tests?"}).json()
        assert set(answer["metadata"]["degraded"]) == {"llm", "embeddings"}
        assert "make test" in answer["message"]
        # Each worker knows what it has met itself, so the one that answered is asked again on its own connection.
        health = http.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")


def test_wrong_settings_stop_the_start_with_one_message(tmp_path: Path) -> None:
    """All wrong variables at once, no traceback, an exit code of its own."""
    done = run_verb(tmp_path, "serve", PORT="seven", PASSAGES="0")
    assert done.returncode == os.EX_CONFIG
    assert "PORT held 'seven'" in done.stderr
    assert "PASSAGES held '0'" in done.stderr
    assert "Traceback" not in done.stderr


def test_any_asgi_app_is_served(start: Start, tmp_path: Path) -> None:
    """APP_MODULE is all it takes: no database, no index."""
    (tmp_path / "two_lines.py").write_text(
        "from starlette.responses import PlainTextResponse\napp = PlainTextResponse('hello')\n"
    )
    service = start(wait=False, APP_MODULE="two_lines:app", PYTHONPATH=str(tmp_path))
    until(lambda: "Listening at" in service.log)
    assert service.get("/") == "hello"
    assert not (tmp_path / "data").exists()


def test_an_ingest_tells_what_it_did(tmp_path: Path) -> None:
    """The closing table counts pages and names what was left out and why; a dry run writes nothing."""
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "good.md").write_text("# Good\n\nA page about lecterns.\n")
    (pages / "broken.md").write_text("---\ntitle: [\n---\n# Broken\n")
    (pages / "binary.md").write_bytes(b"\x00\xff\x00")
    dry = run_verb(tmp_path, "ingest", str(pages), "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "dry run: nothing was written" in dry.stdout
    done = run_verb(tmp_path, "ingest", str(pages))
    assert re.search(r"│ +1 │ +1 │ +1 │ +1 │ +0 │ +0 │ +0 │ +2 │", done.stdout), done.stdout
    assert "broken.md" in done.stdout
    assert "binary.md" in done.stdout
    (pages / "good.md").unlink()
    gone = run_verb(tmp_path, "ingest", str(pages))
    assert re.search(r"│ +0 │ +0 │ +0 │ +0 │ +0 │ +0 │ +1 │ +2 │", gone.stdout), gone.stdout
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run_verb(tmp_path, "ingest", str(empty)).returncode == os.EX_DATAERR


def test_an_evaluation_prints_its_figures(tmp_path: Path) -> None:
    """Hit rates as a table for people, and as one JSON object with the same figures for programs."""
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "moon.md").write_text("# Moon\n\n## Phases\n\nThe gibbous phase follows the first quarter.\n")
    assert run_verb(tmp_path, "ingest", str(pages)).returncode == 0
    questions = tmp_path / "questions.jsonl"
    answers = [{"path": "moon.md", "heading": "Phases"}]
    asked = {"id": "q1", "question": "When is the gibbous phase?", "kind": "direct", "answers": answers}
    questions.write_text(json.dumps(asked) + "\n")
    table = run_verb(tmp_path, "eval", str(questions), "--misses")
    assert table.returncode == 0, table.stderr
    assert "section@5" in table.stdout
    figures = json.loads(run_verb(tmp_path, "eval", str(questions), "--json").stdout)
    assert figures["overall"]["section_at_5"] == 1
    questions.write_text("not json\n")
    assert run_verb(tmp_path, "eval", str(questions)).returncode == os.EX_DATAERR


def test_a_reader_of_the_output_may_leave(tmp_path: Path) -> None:
    """Piping a long output into `head` is no error."""
    questions = tmp_path / "questions.jsonl"
    answers = [{"path": "README.md", "heading": None}]
    rows = [{"id": f"q{n}", "question": "x " * 200, "kind": "direct", "answers": answers} for n in range(500)]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = f"./entrypoint.sh eval {questions} --json | head -c 10; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["dance"], 64), (["ingest"], 2), (["ingest", "/does/not/exist"], os.EX_DATAERR), (["--help"], 0)],
)
def test_exit_codes_say_what_went_wrong(tmp_path: Path, arguments: list[str], code: int) -> None:
    """Wrong verbs, wrong arguments and unusable input can be told apart, each with a line on standard error."""
    done = run_verb(tmp_path, *arguments)
    assert done.returncode == code, done.stderr
    assert bool(done.stderr) == bool(code)
    assert "Traceback" not in done.stderr


def test_plain_uvicorn_serves_main(tmp_path: Path) -> None:
    """`main:app` is an app like any other, without a gunicorn above it."""
    run_verb(tmp_path, "migrate")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # uvicorn takes the listening socket over, so no other test can take its port meanwhile.
        listener.set_inheritable(True)
        command = [sys.executable, "-m", "uvicorn", "main:app", "--fd", str(listener.fileno())]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(tmp_path), pass_fds=[listener.fileno()])
        port = listener.getsockname()[1]
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            assert http.get("/health").json()["status"] == "healthy"
            until(lambda: http.get("/health/ready").status_code == 200)
    finally:
        process.terminate()
        process.wait(30)
