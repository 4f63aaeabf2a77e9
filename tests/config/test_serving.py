"""A Space that lacks what it needs does not start, whoever starts it: real processes, with real exit codes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serving.servers import ROOT, Served, until

pytestmark = pytest.mark.process

ENTRYPOINT = ("./entrypoint.sh",)
HOSTS = [
    ENTRYPOINT,
    ("python", "gunicorn.conf.py"),
    ("gunicorn", "-c", "gunicorn.conf.py"),
    ("gunicorn", "main:app", "-c", "gunicorn.conf.py"),
    ("uvicorn", "main:app", "--port", "0"),
]


def environment(tmp_path: Path, **env: str) -> dict[str, str]:
    """What `env -i PATH=…` leaves, on a Space; no `.venv` is made, and the data is the test's own."""
    here = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LECTERN_NO_VENV": "1"}
    here |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return here | {"SPACE_ID": "a/b", "DATA_DIR": str(tmp_path / "data"), "PORT": "0"} | env


def run(tmp_path: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end: promised within 3 s, given ten times that."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(tmp_path, **env),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[list[Served]]:
    """Servers that end with the test."""
    started: list[Served] = []
    yield started
    for server in started:
        server.close()


@pytest.mark.parametrize("host", HOSTS, ids=" ".join)
def test_every_host_is_refused_with_the_whole_list(host: tuple[str, ...], tmp_path: Path) -> None:
    """Exit code 78 and one message, with what was misspelt in it; no value, no traceback."""
    done = run(tmp_path, *host, DATABSE_URL="postgresql://u:hunter2@h/d")
    assert done.returncode == os.EX_CONFIG
    for part in (
        "OPENAI_API_KEY (secret)",
        "DATABASE_URL (secret)",
        "DATABSE_URL is not a setting; did you mean DATABASE_URL?",
        "CORS_ALLOWED_ORIGINS (variable)",
        "https://huggingface.co/spaces/a/b/settings",
        "LECTERN_DEMO=1",
    ):
        assert done.stderr.count(part) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize("host", HOSTS[1:], ids=" ".join)
def test_wrong_settings_stand_in_the_same_message(host: tuple[str, ...], tmp_path: Path) -> None:
    """Whatever reads the settings first, the server's or Lectern's wrong ones are told with what is missing."""
    done = run(tmp_path, *host, PASSAGES="many", MAX_REQUESTS="-1")
    assert done.returncode == os.EX_CONFIG
    for part in ("PASSAGES held 'many'", "MAX_REQUESTS held '-1'", "OPENAI_API_KEY (secret)"):
        assert done.stderr.count(part) == 1, done.stderr


def test_a_demonstration_serves(tmp_path: Path, serve: list[Served]) -> None:
    """With LECTERN_DEMO=1 it serves, also without a HOME, and says what is missing and what was misspelt."""
    env = environment(tmp_path, LECTERN_DEMO="1", WEB_CONCURRENCY="1", LOG_FORMAT="json", OPENAI_APIKEY="hunter2")
    server = Served(["env", "-u", "HOME", *ENTRYPOINT], tmp_path, ROOT, env)
    serve.append(server)
    until(lambda: "Lectern is up" in server.log or server.process.poll() is not None, 60)
    assert '"status":"healthy"' in server.get("/health").replace(" ", "")
    assert '"message": "OPENAI_APIKEY is not a setting; did you mean OPENAI_API_KEY?"' in server.log
    assert '"CORS_ALLOWED_ORIGINS": "without it' in server.log
    assert "hunter2" not in server.log


@pytest.mark.parametrize(
    ("arguments", "env"),
    [(("tests.serving.apps:two_lines",), {}), ((), {"APP_MODULE": "tests.serving.apps:two_lines"})],
    ids=["argument", "APP_MODULE"],
)
def test_another_app_needs_nothing_of_it(
    arguments: tuple[str, ...], env: dict[str, str], tmp_path: Path, serve: list[Served]
) -> None:
    """gunicorn.conf.py serves any ASGI app on a Space that has none of Lectern's variables."""
    command = ["gunicorn", "-c", "gunicorn.conf.py", *arguments]
    serve.append(server := Served(command, tmp_path, ROOT, environment(tmp_path, LOG_FORMAT="text", **env)))
    until(lambda: "Serving at" in server.log or server.process.poll() is not None)
    assert server.get("/pid")


def test_the_command_line_needs_nothing_of_it(tmp_path: Path) -> None:
    """An image is built and a database migrated before there are any secrets."""
    done = run(tmp_path, "./entrypoint.sh", "migrate")
    assert done.returncode == os.EX_OK, done.stderr
