"""`check` as people and programs run it: real processes, real servers, exit codes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.database_servers import Postgres
from tests.qdrant_server import QdrantServer, running_qdrant
from tests.sample_pages import small_site
from tests.service_process import environment
from tests.stub_process import Stub, running_stub
from tests.web_server import Answer, running_web

from lectern.adapters.qdrant_index import QdrantConnection, QdrantIndex
from lectern.adapters.sql_migrations import migrate

SECRETS = {
    "OPENAI_API_KEY": "sk-secret-openai",
    "COHERE_API_KEY": "co-secret-cohere",
    "QDRANT_API_KEY": "qd-secret-qdrant",
    "BETTER_AUTH_SECRET": "auth-secret-of-more-than-32-characters",
    "ADMIN_TOKEN": "admin-secret-0123456789",
}
ROOT = Path(__file__).parents[2]


def run(tmp_path: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """One run in an empty folder, so that nobody's `.env` is read."""
    known = environment(tmp_path, PYTHONPATH=f"{ROOT / 'src'}", HOME=str(tmp_path), COLUMNS="160", **env)
    known |= {"IMAGE_INDEX_DIR": str(tmp_path / "image")}
    command = [sys.executable, "-m", "lectern.cli", "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=known, cwd=tmp_path, check=False)


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """The findings of a run with `--json`, by name."""
    assert done.stdout, done.stderr
    return {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}


def states(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Their states."""
    return {name: finding["state"] for name, finding in findings(done).items()}


def test_a_laptop_with_nothing_configured_is_well(tmp_path: Path) -> None:
    """Nothing fails, nothing is made, and it is quick: 1.5 s is meant, ten times that is a fault."""
    began = time.monotonic()
    done = run(tmp_path, "--json")
    assert time.monotonic() - began < 15
    assert done.returncode == 0, done.stdout
    told = states(done)
    for of_this_machine in ("packages", "memory", "disk", "descriptors"):
        assert told.pop(of_this_machine) != "fail"
    assert set(told.values()) == {"ok", "skipped"}
    assert {"network", "model", "qdrant", "rerank", "login"} <= {name for name in told if told[name] == "skipped"}
    assert not (tmp_path / "data").exists()


def test_people_get_a_table_and_the_fixes_below(tmp_path: Path) -> None:
    """With a verdict at the end; what is told in brackets is no markup."""
    done = run(tmp_path, OPENAI_BASE_URL="http://127.0.0.1:9/v1", OPENAI_MODEL="[bold]m[/x]")
    assert done.returncode == 1
    assert "state" in done.stdout.splitlines()[0]
    assert "[bold]m[/x] at 127.0.0.1:9" in done.stdout
    assert "\nreach model API: Nothing listens there: start it, or correct OPENAI_BASE_URL." in done.stdout
    assert "2 failed" in done.stdout.splitlines()[-1]


def test_wrong_settings_end_it_with_78(tmp_path: Path) -> None:
    """As they end a start."""
    done = run(tmp_path, PORT="many")
    assert (done.returncode, "PORT held 'many'" in done.stderr) == (os.EX_CONFIG, True)


@pytest.mark.parametrize(
    ("origin", "code", "state"),
    [
        ("https://docs.example.org", 0, "ok"),
        ("https://docs.example.org/", 0, "ok"),
        ("https://evil.example", 1, "fail"),
    ],
)
def test_an_origin_has_its_verdict(tmp_path: Path, origin: str, code: int, state: str) -> None:
    """Whether its pages may call."""
    done = run(tmp_path, "--json", "--origin", origin, CORS_ALLOWED_ORIGINS="https://docs.example.org")
    assert (done.returncode, states(done)["origin"]) == (code, state)


@pytest.mark.parametrize(("demo", "state"), [("", "fail"), ("1", "warn")])
def test_a_space_is_told_what_it_lacks(tmp_path: Path, demo: str, state: str) -> None:
    """Or the start itself refuses, with the same names."""
    done = run(tmp_path, "--json", SPACE_ID="a/b", LECTERN_DEMO=demo)
    if done.returncode == os.EX_CONFIG:
        assert not demo
        assert "OPENAI_API_KEY" in done.stderr
        return
    told = findings(done)
    assert (told["variables"]["state"], told["database"]["state"]) == (state, "warn")
    assert "OPENAI_API_KEY" in told["variables"]["found"]
    assert "Settings" in told["variables"]["fix"]


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    """A provider."""
    with running_stub() as stub:
        yield stub


@pytest.fixture(scope="module")
def qdrant() -> Iterator[QdrantServer]:
    """Qdrant's real engine, which wants a key."""
    with running_qdrant() as server:
        yield server


async def fill(qdrant: QdrantServer, length: int) -> str:
    """Make an index whose vectors have this length; its name."""
    qdrant.key = SECRETS["QDRANT_API_KEY"]
    name = qdrant.fresh_name()
    index = QdrantIndex(QdrantConnection(qdrant.url, api_key=qdrant.key, read_seconds=30), name)
    async with index.update("bakery") as update:
        await update.put(small_site())
        pending = await update.unembedded("stub-embed")
        await update.put_vectors({key: [1.0] * length for key, _ in pending}, "stub-embed")
    await index.close()
    return name


@pytest.fixture(params=[(256, 0), (384, 1)], ids=["vectors fit", "vectors do not fit"])
def indexed(request: pytest.FixtureRequest, qdrant: QdrantServer) -> tuple[dict[str, str], int]:
    """The variables of an index in Qdrant, and the exit code that its vectors make."""
    length, code = request.param
    return {"QDRANT_URL": qdrant.url, "QDRANT_COLLECTION": anyio.run(fill, qdrant, length)}, code


def test_everything_configured_is_looked_at(
    tmp_path: Path, postgres: Postgres, stub: Stub, indexed: tuple[dict[str, str], int]
) -> None:
    """All parts at once, and no secret anywhere; only the vectors' length decides the exit code here."""
    in_qdrant, code = indexed
    url = postgres.make(f"check_{code}")
    migrate(url)
    keys = {"GET /api/auth/jwks": Answer(200, {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA"}]})}
    with running_web({"HEAD /": Answer(), **keys}) as auth:
        done = run(
            tmp_path,
            "--json",
            **SECRETS,
            OPENAI_BASE_URL=stub.base_url,
            OPENAI_MODEL="stub",
            EMBEDDING_MODEL="stub-embed",
            COHERE_BASE_URL=stub.base_url.removesuffix("/v1"),
            COHERE_RERANK_MODEL="stub",
            **in_qdrant,
            DATABASE_URL=url.replace("lectern@", "lectern:pg-secret-password@"),
            BETTER_AUTH_URL=auth.url,
            CORS_ALLOWED_ORIGINS="https://docs.example.org",
        )
    told = states(done)
    told.pop("packages")
    for part in ("reach model API", "reach Qdrant", "reach Postgres", "reach Better Auth", "clock", "model"):
        assert told[part] == "ok", done.stdout
    for part in ("embeddings", "rerank", "qdrant pages", "database", "schema", "login keys", "login secret"):
        assert told[part] == "ok", done.stdout
    assert {name for name, state in told.items() if state == "fail"} == ({"qdrant vectors"} if code else set())
    assert done.returncode == code
    assert not any(secret in done.stdout + done.stderr for secret in (*SECRETS.values(), "pg-secret-password"))


def test_a_proxy_of_the_environment_is_named(tmp_path: Path, stub: Stub) -> None:
    """Hosts that are asked through it are not reached for directly; a proxy's password is not told."""
    proxies = {"HTTP_PROXY": "http://user:proxy-secret@127.0.0.1:9", "NO_PROXY": ""}
    done = run(tmp_path, "--json", OPENAI_BASE_URL="http://models.example/v1", **proxies)
    told = findings(done)
    assert told["reach model API"]["state"] == "skipped"
    assert told["reach model API"]["found"] == "models.example:80 is asked through the proxy 127.0.0.1:9"
    assert told["model"]["state"] == "fail"
    assert "proxy-secret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("health", "state", "found"),
    [
        (Answer(200, {"status": "healthy", "version": "1.2.3"}), "ok", "healthy, version 1.2.3"),
        (
            Answer(200, {"status": "degraded", "version": "1.2.3", "parts": {"store": {"state": "down"}}}),
            "warn",
            "down: store",
        ),
        (Answer(200, b"<html>"), "fail", "not Lectern"),
        (Answer(404), "fail", "not Lectern"),
    ],
)
def test_what_serves_on_the_port_is_told(tmp_path: Path, health: Answer, state: str, found: str) -> None:
    """Lectern, how well it is, or somebody else."""
    with running_web({"GET /health": health}) as web:
        told = findings(run(tmp_path, "--json", PORT=str(web.port)))
    assert told["server"]["state"] == state
    assert found in told["server"]["found"]
