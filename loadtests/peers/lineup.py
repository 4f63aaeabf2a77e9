"""Those that are compared, each as its own documentation runs it in production, with one worker and no telemetry."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from loadtests import services, targets
from loadtests.peers import targets as wires
from loadtests.peers.environments import APPS, program
from loadtests.peers.peer import Peer
from loadtests.peers.process import NotStartedError, free_port, running
from loadtests.services import ROOT, Service

_EMBEDDING = "stub-embed"


def _provider(url: str, model: str) -> dict[str, str]:
    return {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-load", "PEER_MODEL": model, "PEER_EMBEDDING": _EMBEDDING}


def lectern(provider: str, model: str) -> AbstractContextManager[Service]:
    """Lectern over the pages of this repository, with the stub's embeddings and SQLite."""
    return services.lectern(provider, model, WEB_CONCURRENCY="1")


@contextmanager
def hayhooks(provider: str, model: str) -> Iterator[Service]:
    """Hayhooks over the same pages, in the store that Haystack keeps in memory."""
    environment = _provider(provider, model) | {
        "HAYSTACK_TELEMETRY_ENABLED": "False",
        "HAYHOOKS_TRACING_ENABLED": "false",
        "HAYHOOKS_CORS_ALLOW_ORIGINS": '["https://docs.example.org"]',
        "LOG": "INFO",
    }
    with tempfile.TemporaryDirectory(prefix="lectern-peer-") as folder:
        passages = Path(folder, "passages.json")
        index = [program("hayhooks", "python"), APPS / "hayhooks" / "index_pages.py", ROOT / "docs", passages]
        done = subprocess.run(index, env=environment, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - ours
        if done.returncode:
            raise NotStartedError(f"its pages were not indexed: {done.stderr.strip().rpartition(chr(10))[2]}")
        port = free_port()
        command: list[str | Path] = [program("hayhooks", "hayhooks"), "run", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--pipelines-dir", APPS / "hayhooks"]
        with running(command, port, "/status", environment | {"PEER_PASSAGES": str(passages)}) as service:
            yield service


@contextmanager
def litellm(provider: str, model: str) -> Iterator[Service]:
    """LiteLLM's proxy as its page "Production best practices" sets it; without a database, which it can do without."""
    behind = {"model": f"openai/{model}", "api_base": provider, "api_key": "sk-load"}
    config = {
        "model_list": [{"model_name": wires.LITELLM_MODEL, "litellm_params": behind}],
        "litellm_settings": {"request_timeout": 600, "set_verbose": False, "json_logs": True},
        "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
    }
    environment = {"LITELLM_MASTER_KEY": wires.LITELLM_KEY, "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR"}
    # Its price list comes with the package; by default it fetches a newer one from the net.
    environment |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with tempfile.NamedTemporaryFile("w", prefix="lectern-peer-", suffix=".yaml") as file:
        json.dump(config, file)  # JSON is YAML
        file.flush()
        port = free_port()
        command: list[str | Path] = [
            program("litellm", "litellm"),
            "--config",
            file.name,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        command += ["--num_workers", "1", "--telemetry", "False"]
        with running(command, port, "/health/readiness", environment) as service:
            yield service


@contextmanager
def chatkit(provider: str, model: str) -> Iterator[Service]:
    """A server on ChatKit's SDK, by uvicorn with uvloop and httptools."""
    port = free_port()
    command: list[str | Path] = [program("chatkit", "python"), APPS / "chatkit" / "server.py", "--port", str(port)]
    with running(command, port, "/health", _provider(provider, model)) as service:
        yield service


PEERS: Final = (
    Peer(
        name="relay",
        title="bare relay",
        does="FastAPI and AsyncOpenAI, nothing else: no pages, no memory",
        health="/health",
        ready="/health",
        failed=b"event: failed\n",
        start=services.relay,
        target=targets.of_relay,
        environment=False,
    ),
    Peer(
        name="lectern",
        title="Lectern",
        does="retrieval (words and vectors), citations, conversations in SQLite, limits, breakers, a stand-in answer",
        health="/health",
        ready="/health/ready",
        failed=b"event: failed\n",
        start=lectern,
        target=targets.of_lectern,
        stand_in=b"event: degraded\n",
    ),
    Peer(
        name="hayhooks",
        title="hayhooks",
        does="retrieval (vectors, in memory) by a pipeline of ours; no conversations",
        health="/status",
        ready="/status",
        failed=b'"error"',
        start=hayhooks,
        target=wires.of_hayhooks,
        package="hayhooks",
    ),
    Peer(
        name="chatkit",
        title="ChatKit server",
        does="conversations in memory; no retrieval",
        health="/health",
        ready="/health",
        failed=b'{"type":"error"',
        start=chatkit,
        target=wires.of_chatkit,
        package="openai-chatkit",
    ),
    Peer(
        name="litellm",
        title="LiteLLM proxy",
        does="a key, routing, retries; no retrieval, no conversations",
        health="/health/liveliness",
        ready="/health/readiness",
        failed=b'"error"',
        start=litellm,
        target=wires.of_litellm,
        package="litellm",
    ),
)
