"""gunicorn.conf.py: what it serves, how it is sized, and what it says about wrong settings."""

import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from tests.serving.conftest import Serve
from tests.serving.servers import ROOT, Served, until

pytestmark = pytest.mark.process

LAUNCHER = ("gunicorn.conf.py",)


def test_the_plan_and_its_reason_are_printed(serve: Serve) -> None:
    """One line says where the server listens, with how many workers, and why."""
    server = serve(WEB_CONCURRENCY="3")
    assert f"Serving at http://0.0.0.0:{server.port} with 3 workers: WEB_CONCURRENCY says so." in server.log
    state = server.get("/state")
    assert "workers=3" in state
    assert f"address=http://0.0.0.0:{server.port}" in state


def test_the_port_is_the_one_asked_for(serve: Serve) -> None:
    """PORT decides where the server listens, on every interface."""
    with socket.socket() as free:
        free.bind(("0.0.0.0", 0))
        port = free.getsockname()[1]
    server = serve(PORT=str(port))
    assert server.port == port
    assert server.get("/pid")


@pytest.mark.parametrize("web_concurrency", ["", "3.0"])
def test_the_containers_limits_decide_unless_the_operator_does(serve: Serve, web_concurrency: str) -> None:
    """An empty WEB_CONCURRENCY is none: the plan's reason is a limit, which a Space's variable can lower."""
    server = serve(wait=False, command=LAUNCHER, WEB_CONCURRENCY=web_concurrency, CPU_CORES="0.5")
    until(lambda: "Serving at" in server.log)
    reason = "2 workers: 0.5 CPUs (CPU_CORES)" if not web_concurrency else "3 workers: WEB_CONCURRENCY"
    assert reason in server.log


@pytest.mark.parametrize(
    ("trusted", "reader"), [("127.0.0.1,10.0.0.0/8", b"http 10.1.2.3"), ("10.0.0.0/8", b"http 127.0.0.1")]
)
def test_the_readers_address_is_the_last_that_a_trusted_proxy_wrote(serve: Serve, trusted: str, reader: bytes) -> None:
    """For any app: what a reader sends is not believed, also when the last entry is a trusted address itself."""
    server = serve(FORWARDED_ALLOW_IPS=trusted, SPACE_HOST="acme-docs.hf.space")
    forged = "X-FORWARDED-FOR: 198.51.100.1\r\nX-Real-IP: 198.51.100.2\r\nForwarded: for=198.51.100.3;proto=https\r\n"
    appended = "x-forwarded-for: 198.51.100.4, 203.0.113.7, 10.1.2.3\r\n"
    assert server.ask(f"GET /client HTTP/1.1\r\nHost: a.example\r\n{forged}{appended}") == reader
    on_space = server.ask(f"GET /client HTTP/1.1\r\nHost: acme-docs.hf.space\r\n{forged}{appended}")
    assert on_space == reader.replace(b"http", b"https")


def fork_safe(server: Served) -> None:
    """The master has one thread, and no socket but its listener."""
    process = Path(f"/proc/{server.process.pid}")
    assert len(list((process / "task").iterdir())) == 1
    opened = [str(link.readlink()) for link in (process / "fd").iterdir()]
    assert len([name for name in opened if name.startswith("socket:")]) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_preloading_leaves_nothing_that_a_fork_would_break(serve: Serve) -> None:
    """The master has one thread, no socket but its listener, and no running loop when it forks."""
    server = serve()
    fork_safe(server)
    assert sorted(server.noted("after_fork False")) == sorted(server.noted("startup"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_preloading_lectern_leaves_nothing_that_a_fork_would_break(serve: Serve, tmp_path: Path) -> None:
    """Lectern's own app, which is what is served when nothing else is named, keeps to the same rule."""
    server = serve(wait=False, APP_MODULE="", DATA_DIR=str(tmp_path / "data"))
    until(lambda: "Booting worker" in server.log)
    assert server.get("/health")
    fork_safe(server)


def test_the_port_is_open_before_the_app_is_imported(serve: Serve) -> None:
    """Who comes while the app is imported waits for the answer, and is not turned away."""
    server = serve(wait=False, APP_MODULE="tests.serving.apps:slow_to_import()")
    until(lambda: "Listening at" in server.log)
    assert "Booting worker" not in server.log
    assert server.get("/pid")
    assert "Booting worker" in server.log


def test_preloaded_objects_are_frozen(serve: Serve) -> None:
    """Workers start with what was preloaded out of the collector's reach."""
    state = dict(pair.split("=", 1) for pair in serve().get("/state").split())
    assert int(state["frozen"]) > 1000
    assert state["unsearched"] == "True", "what the import made was looked through before the fork"
    assert state["worker"] in {"1", "2"}
    assert state["draining"] == "False"


def test_the_hook_after_the_fork_runs_in_each_worker_before_its_startup(serve: Serve) -> None:
    """The app's `after_fork` is called once in each worker, also in a replacement."""
    server = serve()
    os.kill(server.noted("startup")[0], signal.SIGKILL)
    until(lambda: len(server.noted("startup")) == 3)
    assert sorted(server.noted("after_fork False")) == sorted(server.noted("startup"))
    for pid in server.noted("startup"):
        own = [what for worker, what in server.happened if worker == pid]
        assert own.index("after_fork False") < own.index("startup")


@pytest.mark.parametrize("command", [LAUNCHER, ("-m", "gunicorn", "-c", "gunicorn.conf.py")])
def test_any_asgi_app_is_served(serve: Serve, command: tuple[str, ...]) -> None:
    """A two-line Starlette app runs with the same file, uvicorn's access lines included."""
    server = serve(wait=False, command=command, APP_MODULE="tests.serving.apps:two_lines")
    until(lambda: "Serving at" in server.log)
    assert server.get("/pid?x=1")
    until(lambda: '"GET /pid?x=1 HTTP/1.1" 200' in server.log)
    server.signal(signal.SIGTERM)
    assert server.exit_code() == 0


def test_the_command_lines_app_wins(serve: Serve) -> None:
    """`gunicorn package.module:app -c gunicorn.conf.py` serves that app, whatever APP_MODULE says."""
    server = serve("tests.serving.apps:app", APP_MODULE="nowhere:app")
    assert server.get("/pid")


def test_all_wrong_settings_are_named_at_once(serve: Serve) -> None:
    """Wrong settings end the start with one message and sysexits' code for it, without a traceback."""
    server = serve(
        wait=False, command=LAUNCHER, PORT="seventy", MAX_REQUESTS="-1", WEB_CONCURRENCY="abc", FORWARDED_ALLOW_IPS="*"
    )
    assert server.exit_code() == os.EX_CONFIG
    for wrong in ("PORT held 'seventy'", "MAX_REQUESTS held '-1'", "WEB_CONCURRENCY held 'abc'", "FORWARDED_ALLOW_IPS"):
        assert wrong in server.log
    assert "Traceback" not in server.log


@pytest.mark.parametrize("module", ["nowhere:app", "tests.serving.nowhere:app", "tests.serving.apps:nothing"])
def test_an_app_that_is_not_there_is_a_wrong_setting(serve: Serve, module: str) -> None:
    """A module or an attribute that does not exist is told as what it is: a wrong APP_MODULE."""
    server = serve(wait=False, APP_MODULE=module)
    assert server.exit_code() == os.EX_CONFIG
    assert f"APP_MODULE held {module!r}" in server.log
    assert "Traceback" not in server.log


def test_an_app_that_refuses_its_settings_is_quoted(serve: Serve) -> None:
    """What the app says about its settings when it is loaded is printed as it is."""
    server = serve(wait=False, APP_MODULE="tests.serving.apps:misconfigured()")
    assert server.exit_code() == os.EX_CONFIG
    assert server.log.strip().endswith("COLOUR held 'loud'.")
    assert "Traceback" not in server.log


def test_a_defect_of_the_app_keeps_its_traceback(serve: Serve) -> None:
    """An import that fails inside the app is not mistaken for a wrong APP_MODULE."""
    server = serve(wait=False, APP_MODULE="tests.serving.apps:defective()")
    assert server.exit_code() not in {0, os.EX_CONFIG}
    assert "Traceback" in server.log
    assert "ModuleNotFoundError" in server.log


def test_a_reload_with_wrong_settings_keeps_the_server(serve: Serve, tmp_path: Path) -> None:
    """A setting broken in `.env` after the start is named on SIGHUP, and the server goes on as it was."""
    (tmp_path / "src").symlink_to(ROOT / "src")
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    server = serve(folder=tmp_path, command=("-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py")))
    (tmp_path / ".env").write_text("MAX_REQUESTS=-5\n")
    server.signal(signal.SIGHUP)
    until(lambda: len(server.noted("startup")) == 4)
    assert "MAX_REQUESTS held" in server.log
    assert server.get("/pid")
