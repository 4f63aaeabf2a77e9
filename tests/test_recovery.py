"""The service while its remote parts are away, and when they come back; over real processes and sockets."""

import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx2
import pytest
from tests.service_process import UP, environment
from tests.serving.servers import ROOT, Served, until
from tests.stub_process import running_stub

from lectern.adapters.quoting import MODEL_DOWN

pytestmark = pytest.mark.process

QUESTION = {"message": "How do I run the tests?"}


class Start(Protocol):
    """Starts `./entrypoint.sh` with these variables."""

    def __call__(self, **env: str) -> Served:
        """Start it and wait until it takes requests."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts services of two workers, and ends them with the test."""
    started: list[Served] = []

    def run(**env: str) -> Served:
        given = {"PORT": str(free_port()), **env}
        service = Served(["./entrypoint.sh"], tmp_path, ROOT, environment(tmp_path, **given))
        started.append(service)
        until(lambda: UP.search(service.log) is not None or service.process.poll() is not None, seconds=60)
        return service

    yield run
    for service in started:
        service.close()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def ask(service: Served, path: str = "/chat") -> dict[str, Any]:
    """One chat, or one look at an address, on a connection of its own, so that any worker may take it."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=30) as http:
        response = http.post(path, json=QUESTION) if path == "/chat" else http.get(path)
    assert response.status_code == 200
    return dict(response.json())


def written(service: Served) -> bool:
    """Whether an answer comes from the model, with nothing degraded."""
    answer = ask(service)
    return not answer["metadata"]["degraded"] and not answer["message"].startswith(MODEL_DOWN)


def test_remotes_that_come_back_are_used_within_ten_seconds(start: Start) -> None:
    """Everything remote unreachable: healthy enough at once, quoting at once; up again: full service, no restart."""
    port = free_port()
    service = start(
        OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1",
        OPENAI_MODEL="stub-len20",
        OPENAI_FALLBACK_MODEL="stub-len10",
        EMBEDDING_MODEL="stub-embed",
    )
    opened = time.monotonic()
    assert ask(service, "/health")["status"] in {"healthy", "degraded"}
    assert time.monotonic() - opened < 1
    for _ in range(12):  # enough for every breaker to open, and to have grown
        answer = ask(service)
        assert answer["message"].startswith(MODEL_DOWN)
        assert set(answer["metadata"]["degraded"]) == {"llm", "embeddings"}
    circuits = ask(service, "/health/circuits")
    assert {circuits[part]["state"] for part in ("llm", "fallback_llm", "embeddings")} <= {"open", "half_open"}
    assert ask(service, "/health")["status"] == "degraded"
    with running_stub(port):
        until(lambda: written(service), seconds=10)
        assert all(written(service) for _ in range(10))
        assert all(ask(service, "/health")["status"] == "healthy" for _ in range(10))


def test_an_open_breaker_is_known_to_all_workers(start: Start) -> None:
    """One worker's readers meet the outage; the others' do not, and all of them tell the same about it."""
    with running_stub() as stub:
        service = start(
            OPENAI_BASE_URL=stub.base_url,
            OPENAI_MODEL="stub-fail500",
            RETRIES="0",
            BREAKER_OPEN_SECONDS="60",
            BREAKER_MAX_OPEN_SECONDS="60",
        )
        with httpx2.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=30) as one:  # one worker, kept alive
            for _ in range(5):
                assert one.post("/chat", json=QUESTION).json()["metadata"]["degraded"] == {
                    "llm": "upstream_unavailable"
                }
        assert stub.stats()["requests"]["stub-fail500"] == 5
        for _ in range(20):
            assert ask(service)["message"].startswith(MODEL_DOWN)
            circuit = ask(service, "/health/circuits")["llm"]
            assert (circuit["state"], circuit["failure_count"]) == ("open", 5)
            assert ask(service, "/health")["parts"]["llm"]["state"] == "down"
        assert stub.stats()["requests"]["stub-fail500"] == 5
        # Worker after worker is killed: what they knew stays known as long as one of them has heard of it.
        booted = [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", service.log)]
        os.kill(booted[0], signal.SIGKILL)
        until(lambda: service.log.count("Booting worker with pid") > len(booted))
        assert all(ask(service, "/health/circuits")["llm"]["state"] == "open" for _ in range(10))


def test_a_wrong_key_is_named_and_stops_nobody(start: Start) -> None:
    """401: asked once a chat, no breaker opens, every worker's health says so, and the key is told nowhere."""
    with running_stub() as stub:
        service = start(
            OPENAI_BASE_URL=stub.base_url, OPENAI_MODEL="stub-fail401-tagkey", OPENAI_API_KEY="sk-very-secret"
        )
        for _ in range(12):
            assert ask(service)["metadata"]["degraded"] == {"llm": "upstream_rejected"}
        assert stub.stats()["requests"]["stub-fail401-tagkey"] == 12
        for _ in range(10):
            circuit = ask(service, "/health/circuits")["llm"]
            assert (circuit["state"], circuit["rejected"]) == ("closed", True)
            health = ask(service, "/health")
            assert (health["status"], health["parts"]["llm"]["state"]) == ("degraded", "down")
        assert "status 401" in service.log
        assert "sk-very-secret" not in service.log + str(health)
