"""What can go wrong, each with its message and its exit code; nothing is done twice and nothing is hidden."""

from pathlib import Path

import pytest
from tests.deploy.conftest import CARD, DEMO, SPACE, Deploy
from tests.deploy.hub_server import HubServer, Repo
from tests.deploy.space_edge import SpaceEdge

pytestmark = pytest.mark.process


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (402, 77, ("paid plan", "huggingface.co/pro", "docs/deploy.md")),
        (403, 77, ("settings/tokens", "write")),
        (409, 65, ("name is taken",)),
    ],
)
def test_a_space_that_may_not_be_made(
    hub: HubServer, deploy: Deploy, status: int, code: int, says: tuple[str, ...]
) -> None:
    """A refusal is explained, with what can be done, and nothing is pushed."""
    hub.failures[("POST", "/api/repos/create")] = [(status, {})]
    done = deploy(**DEMO)
    assert done.returncode == code
    assert all(words in done.stderr for words in says)
    assert "Traceback" not in done.stderr
    assert hub.asked("POST", "/commit/") == []


def test_a_token_that_the_hub_does_not_know(hub: HubServer, deploy: Deploy) -> None:
    """401 says where a token is made and which rights it needs."""
    done = deploy(HF_TOKEN="hf_wrongwrongwrongwrong", **DEMO)
    assert done.returncode == 77
    assert "https://huggingface.co/settings/tokens" in done.stderr
    assert "hf_wrong" not in done.stdout + done.stderr


def test_no_token_at_all(hub: HubServer, deploy: Deploy) -> None:
    """Without a login nothing is asked of the Hub."""
    assert deploy(HF_TOKEN="", **DEMO).returncode == 77
    assert hub.requests == []


def test_a_token_that_may_only_read(hub: HubServer, deploy: Deploy) -> None:
    """The role is looked at before anything is made."""
    hub.role = "read"
    done = deploy(**DEMO)
    assert done.returncode == 77
    assert "may only read" in done.stderr
    assert hub.asked("POST", "") == []


def test_required_variables_are_listed_at_once(hub: HubServer, deploy: Deploy) -> None:
    """Without a terminal every missing one is named, and nothing is made."""
    done = deploy()
    assert done.returncode == 78
    for name in ("OPENAI_API_KEY", "DATABASE_URL", "CORS_ALLOWED_ORIGINS", "LECTERN_DEMO=1"):
        assert name in done.stderr
    assert hub.repos == {}


def test_what_the_space_has_already_is_not_missing(hub: HubServer, deploy: Deploy) -> None:
    """A second machine, or CI, need not know the secrets that the Space has."""
    repo = hub.add(Repo(SPACE, variables={"CORS_ALLOWED_ORIGINS": {"key": "", "value": "https://a.example"}}))
    repo.secrets = {name: {"key": name, "value": "x"} for name in ("OPENAI_API_KEY", "DATABASE_URL")}
    done = deploy()
    assert done.returncode == 0, done.stderr
    assert repo.restarts == 0


def test_a_space_of_another_kind_is_left_alone(hub: HubServer, deploy: Deploy) -> None:
    """Even --yes does not make a Gradio Space a Docker Space."""
    hub.add(Repo(SPACE, sdk="gradio", files={"README.md": b"", "app.py": b""}))
    done = deploy(SPACE, "--yes", **DEMO)
    assert done.returncode == 65
    assert "gradio Space" in done.stderr
    assert {method for method, _, _ in hub.requests} == {"GET"}


def test_another_app_is_overwritten_only_when_told(hub: HubServer, deploy: Deploy) -> None:
    """A Docker Space with someone's app in it is refused with the files named; --yes takes it over."""
    hub.add(Repo(SPACE, files={"README.md": CARD.encode(), "Dockerfile": b"FROM scratch\n", "app.py": b"mine"}))
    refused = deploy(**DEMO)
    assert refused.returncode == 65
    assert "Dockerfile" in refused.stderr
    assert {method for method, _, _ in hub.requests} == {"GET"}

    assert deploy(SPACE, "--yes", **DEMO).returncode == 0
    assert hub.repos[SPACE].files["app.py"] == b"mine"


def test_a_public_space_does_not_become_private_by_itself(hub: HubServer, deploy: Deploy) -> None:
    """Pages that were meant to be private are not pushed where everyone reads them."""
    hub.add(Repo(SPACE))
    done = deploy(SPACE, "--private", **DEMO)
    assert done.returncode == 77
    assert hub.asked("POST", "") == []


def test_a_secret_that_is_public_there_stops_everything(hub: HubServer, deploy: Deploy) -> None:
    """A key that someone set as a variable is readable by all, and the Space would not start with both."""
    hub.add(Repo(SPACE, variables={"OPENAI_API_KEY": {"key": "OPENAI_API_KEY", "value": "sk-shown"}}))
    done = deploy(OPENAI_API_KEY="sk-first-0123456789", **DEMO)
    assert done.returncode == 65
    assert "which everyone can read" in done.stderr
    assert "sk-" not in done.stderr


def test_a_build_that_fails_shows_its_last_lines(hub: HubServer, deploy: Deploy) -> None:
    """The log's end and the Hub's words are shown, and the exit code is the Space's failure."""
    hub.ends = "BUILD_ERROR"
    hub.build_log = [*hub.build_log, "ERROR: no matching distribution"]
    done = deploy(**DEMO)
    assert done.returncode == 69
    assert "The build failed. Job failed with exit code: 1." in done.stderr
    assert "no matching distribution" in done.stderr


def test_an_app_that_stops_shows_its_own_log(hub: HubServer, deploy: Deploy) -> None:
    """A runtime error is told with the app's last lines, not the build's."""
    hub.ends = "RUNTIME_ERROR"
    done = deploy(**DEMO)
    assert done.returncode == 69
    assert "MemoryError" in done.stderr


@pytest.mark.parametrize("stage", ["PAUSED", "CONFIG_ERROR"])
def test_a_stage_that_will_not_pass(hub: HubServer, deploy: Deploy, stage: str) -> None:
    """It is explained at once, not waited for."""
    hub.ends = stage
    done = deploy(SPACE, "--timeout", "60", **DEMO)
    assert done.returncode == 69
    assert "The Space" in done.stderr


def test_an_app_that_never_answers(hub: HubServer, edge: SpaceEdge, deploy: Deploy) -> None:
    """The Hub says RUNNING, the edge says 503 in HTML: it is given up in time, and a retry may do."""
    hub.app = lambda _: None
    done = deploy(SPACE, "--timeout", "6", **DEMO)
    assert done.returncode == 75
    assert "does not answer (status 503)" in done.stderr


def test_an_old_commit_that_goes_on_running_is_no_success(hub: HubServer, deploy: Deploy, checkout: Path) -> None:
    """RUNNING alone proves nothing: the commit that runs must be the one that was pushed."""
    assert deploy(**DEMO).returncode == 0
    old = hub.repos[SPACE].head
    hub.old_sha = True
    (checkout / "main.py").write_text((checkout / "main.py").read_text() + "\n# changed\n")

    done = deploy(SPACE, "--timeout", "6", **DEMO)

    assert done.returncode == 75
    assert f"still runs the old commit {old[:7]}" in done.stderr
    assert "Healthy" not in done.stdout


def test_a_rate_limit_is_waited_for(hub: HubServer, deploy: Deploy) -> None:
    """429 with a time is tried again after it; one that stays is a failure that a later run mends."""
    hub.failures[("GET", "/api/whoami-v2")] = [(429, {"retry-after": "1"})]
    assert deploy(**DEMO).returncode == 0

    hub.failures[("GET", "/api/whoami-v2")] = [(429, {"retry-after": "0"})] * 9
    done = deploy(**DEMO)
    assert done.returncode == 75
    assert "takes no more calls" in done.stderr


def test_someone_else_pushed_meanwhile(hub: HubServer, deploy: Deploy) -> None:
    """A commit on another parent is refused by the Hub, so nothing is overwritten."""
    hub.failures[("POST", "/commit/main")] = [(412, {})]
    done = deploy(**DEMO)
    assert done.returncode == 75
    assert "Someone else pushed" in done.stderr


def test_a_gitignore_of_the_space_that_keeps_files_out(hub: HubServer, deploy: Deploy) -> None:
    """The Hub leaves such files out without a word; the commit is looked at, and the file is named."""
    hub.add(
        Repo(SPACE, files={"README.md": CARD.encode(), ".gitignore": b"migrations/\n", "src/lectern/__init__.py": b""})
    )
    done = deploy(**DEMO)
    assert done.returncode == 65
    assert "migrations/" in done.stderr
    assert ".gitignore" in done.stderr


@pytest.mark.parametrize("name", ["answers", "ada/answers/more", "ada/"])
def test_a_name_that_is_none(deploy: Deploy, name: str) -> None:
    """A wrong argument costs no call."""
    assert deploy(name).returncode == 2


def test_a_hub_that_cannot_be_reached(deploy: Deploy) -> None:
    """No connection is told in one line, and a retry may do."""
    done = deploy(HF_ENDPOINT="http://127.0.0.1:9", **DEMO)
    assert done.returncode == 75
    assert "cannot be reached" in done.stderr
