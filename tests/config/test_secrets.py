"""Secrets are never told: not in a log, an answer, an error, a representation or a command line."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from tests.serving.servers import ROOT, Served, until

from lectern.config import ConfigError, Settings

SECRET = {name: field for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)}
_ADDRESSES = {"database_url", "neon_api_key"}
HELD = {
    name.upper(): (
        f"postgresql://reader:pw-{name}%2F@{{host}}:1/db?sslpassword=tls-{name}"
        if name in _ADDRESSES
        else f"sk-{name}-hunter2-and-some-more"
    )
    for name in SECRET
}
"""A value of its own for each secret setting; addresses hold two."""

BODY = {"message": "How do I run the tests?"}


def forms(name: str) -> Iterator[str]:
    """Each form in which a secret setting's value could appear."""
    parts = [f"pw-{name.lower()}", f"tls-{name.lower()}"] if name.lower() in _ADDRESSES else [HELD[name]]
    for part in parts:
        yield part
        yield quote(part, safe="")
        # Any alignment of base64, without the characters at its ends, which depend on the neighbours.
        yield from (base64.b64encode(b" " * shift + part.encode()).decode()[4:-4] for shift in range(3))


def told(text: str) -> list[str]:
    """The settings whose secrets the text tells."""
    return [name for name in HELD if any(form in text for form in forms(name))]


def secrets(host: str) -> dict[str, str]:
    """An environment with every secret, whose remote parts are at this host and answer nothing."""
    places = ("OPENAI_BASE_URL", "OPENAI_FALLBACK_BASE_URL", "COHERE_BASE_URL", "QDRANT_URL", "BETTER_AUTH_URL")
    return {name: value.format(host=host) for name, value in HELD.items()} | dict.fromkeys(
        places, f"http://{host}:1/v1"
    )


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_what_could_hold_a_secret_is_one(name: str) -> None:
    """By its name: a key, a token, a secret, a password, or an address that carries a login."""
    sounds_secret = re.search(r"(^|_)(key|token|secret|password|passwd|credentials?|dsn)(_|$)|^database_url$", name)
    counts = name.endswith(("_seconds", "_tokens"))
    assert bool(sounds_secret and not counts) == (name in SECRET)


def test_the_search_finds_what_it_looks_for() -> None:
    """A search that finds nothing proves something only if it could: in clear, encoded, and inside a login."""
    for name, value in HELD.items():
        text = value.format(host="h")
        assert told(text) == [name]
        assert told(quote(text, safe="")) == [name]
    login = base64.b64encode(f"user:{HELD['QDRANT_API_KEY']}".encode()).decode()
    assert told(f"Authorization: Basic {login}") == ["QDRANT_API_KEY"]


def test_no_representation_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither `repr`, `str`, a dump nor JSON of the settings holds a secret."""
    for name, value in secrets("db.example").items():
        monkeypatch.setenv(name, value)
    settings = Settings.load_for_serving()
    assert all(getattr(settings, name) is not None for name in SECRET)
    assert told(f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}") == []


def test_no_refusal_tells_a_secret_that_is_in_the_wrong_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key, or an address with a login, in a variable that wants something else is not repeated."""
    for held in (HELD["OPENAI_API_KEY"], "https://user:sk-openai_api_key-hunter2@host", "0123456789abcdefghij-hunter2"):
        for name in Settings.model_fields:
            monkeypatch.setenv(name.upper(), held)
        with pytest.raises(ConfigError) as caught:
            Settings.load_for_serving()
        assert "PORT held a value that is not shown" in str(caught.value)
        assert "hunter2" not in str(caught.value)


@pytest.mark.process
@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
def test_a_service_whose_parts_all_fail_tells_none(host: str, tmp_path: Path) -> None:
    """Wrong port, wrong host, bad requests and a defect that prints the settings: nothing printed or answered tells."""
    here = {"VIRTUAL_ENV": sys.prefix, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    here |= {"APP_MODULE": "tests.config.leaky:app", "DATA_DIR": str(tmp_path / "data"), "WEB_CONCURRENCY": "1"}
    here |= {"SPACE_ID": "a/b", "CORS_ALLOWED_ORIGINS": "https://docs.example", "PORT": "0", "LOG_LEVEL": "debug"}
    here |= {"CONNECT_TIMEOUT_SECONDS": "2", "DATABASE_CONNECT_TIMEOUT_SECONDS": "2", "HF_HUB_OFFLINE": "1"}
    # What debugging people switch on: the SDK's own log, and the settings library's.
    here |= {"OPENAI_LOG": "debug", "PYDANTIC_SETTINGS_DEBUG": "1", "LOG_FORMAT": "json"}
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "tests.md").write_text("# Tests\n\nRun the tests with make test.\n", encoding="utf-8")
    ingest = ["./entrypoint.sh", "ingest", str(tmp_path / "pages")]
    # Into the local index, so that an answer gets as far as the model.
    subprocess.run(ingest, cwd=ROOT, env=here | {"EMBEDDING_MODEL": "none"}, check=True, capture_output=True)
    service = Served(["./entrypoint.sh"], tmp_path, ROOT, here | secrets(host))
    try:
        until(lambda: "Lectern is up" in service.log or service.process.poll() is not None, 60)
        answers = asked(f"http://127.0.0.1:{service.port}")
        circuits = json.loads(service.get("/health/circuits"))
        commands = "".join(command_lines(service.process.pid))
    finally:
        service.close()
    assert [status for status, _ in answers if status >= 500] == [500]
    assert "RuntimeError" in service.log
    assert all(circuits[part]["failure_count"] for part in ("llm", "index", "database"))
    assert told("\n".join(text for _, text in answers)) == []
    assert told(service.log) == []
    assert told(commands) == []


def asked(url: str) -> list[tuple[int, str]]:
    """Everything a caller can ask, well or badly: `(status, head and body)` of each answer."""
    stream = {"Accept": "text/event-stream"}
    with httpx2.Client(base_url=url, timeout=60) as http:
        answers = [
            http.get(path)
            for path in (
                *("/", "/docs", "/redoc", "/openapi.json", "/health", "/health/ready", "/health/circuits"),
                *("/health/report", "/defect", "/nowhere", "/chat", "/pages/nothing/here"),
            )
        ]
        answers.append(http.get("/health/report", headers={"Authorization": "Bearer wrong"}))
        for _ in range(2):
            answers.append(http.post("/chat", json=BODY))
            answers.append(http.post("/chat", json=BODY, headers=stream))
        answers += [http.post("/search", json={"query": "tests"}), http.delete("/chat/sessions/none")]
        answers += [http.post("/chat", content=b"{"), http.post("/chat", json={"message": 1})]
    return [(answer.status_code, f"{answer.headers} {answer.text}") for answer in answers]


def command_lines(group: int) -> list[str]:
    """The command lines, which other users of a machine can read, of all processes of a group."""
    pids = subprocess.run(["pgrep", "-g", str(group)], capture_output=True, text=True, check=True).stdout.split()
    return [Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8") for pid in pids]


@pytest.mark.process
def test_a_refused_start_tells_none(tmp_path: Path) -> None:
    """A start that wrong settings stop names them, and no secret beside them."""
    wrong = {"PORT": "seven", "DATABASE_URL": "mysql://user:sk-openai_api_key-hunter2@host/db", "SPACE_ID": "a/b"}
    done = subprocess.run(
        [sys.executable, "gunicorn.conf.py"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | secrets("nowhere.invalid") | wrong,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == os.EX_CONFIG
    assert "DATABASE_URL held a secret value" in done.stderr
    assert told(done.stdout + done.stderr) == []
