"""How the image runs: restricted as a strict platform does, asked, watched, stopped."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.image.conftest import Measure
from tests.image.containers import IMAGE, RESTRICTED, Container, podman
from tests.service_process import SSE, events, outcomes
from tests.serving.servers import ROOT
from tests.stub_process import Stub

QUESTION = "How do I run the tests?"


def test_it_starts_and_answers_under_all_restrictions(measure: Measure) -> None:
    """Read-only root, no capability, 1.5 CPUs, 512 MB: it is up within seconds and answers with a source."""
    with Container(*RESTRICTED) as container:
        up = container.until_up()
        answer = container.ask(QUESTION)
        assert container.report["plan"][0].startswith("2 workers: 1.5 CPUs (cgroup v")
        measure("start to first 200", f"{up:.0f} ms")
        measure("worker plan", " ".join(container.report["plan"]))
        measure("asked", QUESTION)
        measure("answer", " ".join(answer["message"].split())[:160])
        measure("its source", answer["sources"][0]["href"])
        assert "make test" in answer["message"]
        assert answer["sources"][0]["href"].endswith("#running-the-tests")
        assert up < 60_000


def test_coding_agents_are_answered(restricted: Container) -> None:
    """The extra is in the image."""
    hello = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with restricted.client() as client:
        answer = client.post("/mcp", json=hello, headers={"Accept": "application/json"}).json()
    assert [tool["name"] for tool in answer["result"]["tools"]] == ["search_docs", "ask_docs"]


def test_process_1_is_the_server_and_may_nothing(restricted: Container, measure: Measure) -> None:
    """No shell stands between the platform and gunicorn; uid 1000, no capability, none to be gained."""
    assert restricted.run("cat", "/proc/1/cmdline").split("\0")[:2] == ["python", "gunicorn.conf.py"]
    status = dict(
        line.split(":\t", 1) for line in restricted.run("cat", "/proc/1/status").splitlines() if ":\t" in line
    )
    assert status["Uid"].split() == ["1000"] * 4
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"
    measure("process 1", f"gunicorn's master, uid {status['Uid'].split()[0]}, no capability")


def test_a_space_that_was_told_nothing_is_refused() -> None:
    """With one message that names all that is missing, before anything listens."""
    with pytest.raises(AssertionError) as refused:
        podman("run", "--rm", "--network=none", "--env=SPACE_ID=acme/docs", IMAGE)
    for part in ("OPENAI_API_KEY", "DATABASE_URL", "CORS_ALLOWED_ORIGINS", "spaces/acme/docs/settings"):
        assert part in str(refused.value)
    assert "Listening" not in str(refused.value)


def test_the_health_check_tells_up_from_down(restricted: Container, measure: Measure) -> None:
    """It succeeds while the server answers, whatever proxy the environment names, and fails where nobody listens."""
    podman("healthcheck", "run", restricted.id)
    check = json.loads(podman("inspect", "--format={{json .Config.Healthcheck.Test}}", restricted.id))[1:]
    restricted.run(*check, HTTP_PROXY="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9")
    with pytest.raises(AssertionError, match="Connection refused"):
        restricted.run(*check, PORT="9")
    measure("health check", "passes; fails where nobody listens")


def test_the_port_is_the_platforms_choice(restricted: Container) -> None:
    """PORT is honoured and told; nothing listens on the default then."""
    assert restricted.report["address"] == f"http://localhost:{restricted.port}"
    listening = f"from socket import *; create_connection(('127.0.0.1', {restricted.port})); print('yes')"
    assert restricted.run("python", "-c", listening) == "yes\n"


def test_nothing_is_written_outside_the_home_folder(measure: Measure) -> None:
    """On a root that could be written, a start, a question and a stop write below /home/user and in memory only."""
    with Container() as container:
        container.until_up()
        container.ask(QUESTION)
        podman("stop", "--time=30", container.id)
        changed = [line.split(" ", 1)[1] for line in podman("diff", container.id).splitlines()]
        # What podman itself puts there for each container.
        own = ("/etc", "/run", "/dev", "/proc", "/sys", "/var", "/var/run")
        written = [path for path in changed if path not in own and not path.startswith(("/etc/", "/run/", "/dev/"))]
        assert "/home/user/data" in written
        outside = [
            path for path in written if path not in {"/home", "/tmp"} and not path.startswith(("/home/user", "/tmp/"))
        ]
        assert outside == []
        measure("written", "/home/user/data, nothing elsewhere")


def test_a_stop_ends_streams_and_exits_cleanly(stub: Stub, measure: Measure) -> None:
    """SIGTERM reaches gunicorn: a running stream gets its last event, and the container's exit code is 0."""
    slow = "stub-ttft20-itl50-len2000"
    with Container(
        *RESTRICTED,
        OPENAI_BASE_URL=stub.base_url,
        OPENAI_MODEL=slow,
        EMBEDDING_MODEL="none",
        GRACEFUL_TIMEOUT_SECONDS="4",
    ) as container:
        container.until_up()
        last, stopped = "", 0.0
        with container.client() as http, http.stream("POST", "/chat", json={"message": QUESTION}, headers=SSE) as reply:
            for name, _ in events(reply.iter_lines()):
                if name == "delta" and not stopped:
                    podman("kill", "--signal=TERM", container.id)
                    stopped = time.monotonic()
                last = name
        assert last == "failed"
        assert podman("wait", container.id).strip() == "0"
        measure("stop", f"stream ended by an event, exit code 0 after {time.monotonic() - stopped:.1f} s (4 s allowed)")


def test_a_mounted_content_folder_is_indexed(tmp_path: Path) -> None:
    """Pages that come with a mount are answered from, without a new image."""
    (tmp_path / "moon.md").write_text("# Moon\n\n## Phases\n\nThe gibbous phase follows the first quarter.\n")
    tmp_path.chmod(0o755)
    mount = f"--volume={tmp_path}:/app/content:ro"
    with Container(*RESTRICTED, mount, SITE_URL="https://sky.example") as container:
        container.until_up()
        answer = container.ask_until("What follows the first quarter?", "gibbous")
        assert answer["sources"][0]["href"] == "https://sky.example/moon#phases"


def test_a_mounted_data_folder_outlives_its_container(tmp_path: Path) -> None:
    """With /data mounted, the next container goes on with the conversation."""
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    mount = f"--volume={data}:/data"
    with Container(*RESTRICTED, mount) as first:
        first.until_up()
        session = first.ask(QUESTION)["session_id"]
    with Container(*RESTRICTED, mount) as second:
        second.until_up()
        assert second.report["parts"][0]["note"] == "/data/lectern.sqlite3"
        with second.client() as http:
            again = http.post("/chat", json={"message": "And the linter?", "session_id": session}).json()
    assert again["session_id"] == session
    assert len(outcomes(tmp_path)) == 2


@pytest.mark.parametrize(
    ("options", "folder"),
    [
        pytest.param((), "/home/user/data", id="a root that can be written"),
        pytest.param(("--read-only", "--tmpfs=/tmp"), "/tmp/lectern", id="a read-only root"),
        pytest.param(("--tmpfs=/data:mode=0755", "--read-only"), "/tmp/lectern", id="a /data that root owns"),
        pytest.param(("--tmpfs=/data:mode=1777",), "/data", id="a /data that can be written"),
        pytest.param(("--tmpfs=/data:mode=1777", "--env=DATA_DIR=/tmp/x"), "/tmp/x", id="the operator's word"),
    ],
)
def test_data_goes_to_the_first_folder_that_can_be_written(options: tuple[str, ...], folder: str) -> None:
    """/data, the home folder, memory, in this order; DATA_DIR has the last word."""
    shown = podman("run", "--rm", "--network=none", *options, IMAGE, "migrate")
    assert shown.startswith(f"Conversations in {folder}/lectern.sqlite3")


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Path]:
    """A FUSE file system that anybody may write, as a Space's bucket is one."""
    if not Path("/dev/fuse").exists():
        pytest.skip("this machine has no FUSE")
    lower, upper, work, mounted = (tmp_path / name for name in ("lower", "upper", "work", "mounted"))
    for folder in (lower, upper, work, mounted):
        folder.mkdir()
    upper.chmod(0o777)
    layers = f"lowerdir={lower},upperdir={upper},workdir={work}"
    subprocess.run(["fuse-overlayfs", "-o", layers, mounted], check=True, capture_output=True, timeout=30)
    yield mounted
    subprocess.run(["umount", mounted], check=True, timeout=30)


def test_a_bucket_at_data_is_passed_over(bucket: Path) -> None:
    """SQLite would lose data on it, so it is used only when DATA_DIR insists; the start says so."""
    options = ("--network=none", f"--volume={bucket}:/data")
    shown = podman("run", "--rm", *options, IMAGE, "migrate").splitlines()
    assert shown[0] == "/data is a network folder: not used for data, unless DATA_DIR=/data."
    assert shown[1].startswith("Conversations in /home/user/data/lectern.sqlite3")
    insisted = podman("run", "--rm", *options, "--env=DATA_DIR=/data", IMAGE, "migrate")
    assert insisted.startswith("Conversations in /data/lectern.sqlite3")


def test_no_folder_at_all_is_said() -> None:
    """Where nothing can be written, the start says what to mount."""
    options = ("--read-only", "--read-only-tmpfs=false", "--network=none")
    with pytest.raises(AssertionError, match="No folder can be written: mount one at /data, or a tmpfs at /tmp"):
        podman("run", "--rm", *options, IMAGE, "migrate")


def test_the_stub_of_compose_runs_in_the_image() -> None:
    """The provider of compose.yaml is the image with the load tests' stub mounted, and its health check fits it."""
    stub = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["llm"]
    options = ("--read-only", "--cap-drop=all", f"--workdir={stub['working_dir']}")
    mounts = [f"--volume={ROOT}/{mount.removeprefix('./')}" for mount in stub["volumes"]]
    command = [part for part in stub["entrypoint"] if not part.startswith("--port")]
    entrypoint = f"--entrypoint={json.dumps(command)}"
    with Container(*options, *mounts, entrypoint, arguments=("--port={port}",)) as container:
        container.until_up()
        podman("healthcheck", "run", container.id)
