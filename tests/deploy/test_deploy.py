"""The verb, as a process, against a server that plays the Hub: what it does, and that it does it once."""

import json
from pathlib import Path

import pytest
from tests.deploy.conftest import CARD, DEMO, SPACE, Deploy
from tests.deploy.hub_server import HubServer, Repo
from tests.deploy.space_edge import SpaceEdge

pytestmark = pytest.mark.process

PUSH = r"/commit/main$"


def test_a_new_space_runs_what_was_pushed(hub: HubServer, edge: SpaceEdge, deploy: Deploy, tmp_path: Path) -> None:
    """Create, push, build, verify: the Space is a real Lectern that starts from nothing but the pushed files."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "gears.md").write_text("# Gears\n\nShift the gears with the left lever.\n", encoding="utf-8")
    hub.app = lambda repo: edge.start_lectern(repo, tmp_path / "space")

    done = deploy(SPACE, "--content", str(tmp_path / "site"), "--question", "Which lever shifts the gears?", **DEMO)

    assert done.returncode == 0, done.stdout + done.stderr
    repo = hub.repos[SPACE]
    assert repo.running == repo.head
    assert (repo.builds, repo.restarts) == (1, 0)
    assert repo.files["content/gears.md"].startswith(b"# Gears")
    assert {path.partition("/")[0] for path in repo.files} & {"tests", "loadtests", ".git", "data", ".venv"} == set()
    assert "You are ada, of handbooks" in done.stdout
    assert "--> FROM python:3.11-slim" in done.stdout
    assert f"{repo.head[:7]} runs." in done.stdout
    assert "Healthy:" in done.stdout
    assert f'<script src="{edge.url}/widget.js" defer></script>' in done.stdout
    assert f"{hub.url}/spaces/{SPACE}/settings" in done.stdout


def test_a_second_run_changes_nothing_and_verifies(hub: HubServer, edge: SpaceEdge, deploy: Deploy) -> None:
    """Nothing is pushed or set, not even the secret that cannot be read back; the Space is asked all the same."""
    given = {"OPENAI_API_KEY": "sk-first-0123456789", "SITE_NAME": "handbook"} | DEMO
    assert deploy(**given).returncode == 0
    asked = len(edge.seen)
    hub.requests.clear()

    again = deploy(**given)

    assert again.returncode == 0, again.stderr
    assert {method for method, _, _ in hub.requests} == {"GET"}
    assert hub.repos[SPACE].builds == 1
    assert "Nothing to change" in again.stdout
    assert len(edge.seen) > asked


def test_a_changed_secret_is_set_again_and_an_unchanged_one_is_not(hub: HubServer, deploy: Deploy) -> None:
    """A rotated key reaches the Space, by itself, and the restart it causes is waited for."""
    kept = {"ADMIN_TOKEN": "an-admin-token-0123"} | DEMO
    assert deploy(**kept, OPENAI_API_KEY="sk-first-0123456789").returncode == 0
    hub.requests.clear()

    done = deploy(**kept, OPENAI_API_KEY="sk-second-0123456789")

    assert done.returncode == 0, done.stderr
    assert [json.loads(body)["key"] for body in hub.asked("POST", "/secrets$")] == ["OPENAI_API_KEY"]
    assert hub.repos[SPACE].secrets["OPENAI_API_KEY"]["value"] == "sk-second-0123456789"
    assert hub.asked("POST", PUSH) == []


def test_settings_come_before_the_push(hub: HubServer, deploy: Deploy, checkout: Path) -> None:
    """On a Space that runs, the build takes the place of the restart that a setting causes."""
    assert deploy(**DEMO).returncode == 0
    (checkout / "main.py").write_text((checkout / "main.py").read_text() + "\n# changed\n")
    hub.requests.clear()

    assert deploy(**DEMO, SITE_NAME="handbook").returncode == 0

    posted = [path.rsplit("/", 1)[-1] for method, path, _ in hub.requests if method == "POST"]
    assert posted.index("variables") < posted.index("main")
    assert hub.repos[SPACE].builds == 2


def test_what_is_gone_here_goes_there_and_what_is_only_there_stays(
    hub: HubServer, deploy: Deploy, checkout: Path
) -> None:
    """Only what deploy once pushed is deleted; a file that the Space's owner added by hand is not."""
    assert deploy(**DEMO).returncode == 0
    hub.repos[SPACE].files["by-hand.txt"] = b"mine"
    (checkout / "docs" / "retrieval.md").unlink()

    assert deploy(**DEMO).returncode == 0

    assert "docs/retrieval.md" not in hub.repos[SPACE].files
    assert hub.repos[SPACE].files["by-hand.txt"] == b"mine"


def test_pages_stay_when_a_later_run_names_none(hub: HubServer, deploy: Deploy, tmp_path: Path) -> None:
    """Without --content the Space's pages are left alone, and a third run with it can still delete them."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "one.md").write_text("# One\n", encoding="utf-8")
    (site / "two.md").write_text("# Two\n", encoding="utf-8")
    assert deploy(SPACE, "--content", str(site), **DEMO).returncode == 0
    (site / "two.md").unlink()

    assert deploy(SPACE, **DEMO).returncode == 0
    assert {"content/one.md", "content/two.md"} <= hub.repos[SPACE].files.keys()

    assert deploy(SPACE, "--content", str(site), **DEMO).returncode == 0
    assert "content/two.md" not in hub.repos[SPACE].files
    assert "content/one.md" in hub.repos[SPACE].files


def test_a_dry_run_only_reads(hub: HubServer, deploy: Deploy) -> None:
    """The plan names files, variables and secrets; the Hub is only read."""
    done = deploy(SPACE, "--dry-run", OPENAI_API_KEY="sk-first-0123456789", SITE_NAME="handbook")

    assert done.returncode == 0, done.stderr
    assert {method for method, _, _ in hub.requests} == {"GET"}
    assert hub.repos == {}
    for said in ("a new public Docker Space", "set SITE_NAME", "set OPENAI_API_KEY", "DATABASE_URL is missing"):
        assert said in done.stdout
    assert "sk-first" not in done.stdout


def test_only_what_a_space_can_use_becomes_a_variable(hub: HubServer, deploy: Deploy) -> None:
    """Settings of this machine's process and its folders stay here; the others arrive as they were written."""
    given = {"PORT": "9000", "DATA_DIR": "/tmp/x", "WEB_CONCURRENCY": "1", "FORWARDED_ALLOW_IPS": "127.0.0.1"}
    given |= {"CORS_ALLOWED_ORIGINS": "https://a.example, https://b.example", "FIRST_TOKEN_TIMEOUT_SECONDS": "7.5"}

    assert deploy(SPACE, "--site-url", "https://docs.example.org", **given, **DEMO).returncode == 0

    assert {name: one["value"] for name, one in hub.repos[SPACE].variables.items()} == {
        "CORS_ALLOWED_ORIGINS": "https://a.example,https://b.example",
        "FIRST_TOKEN_TIMEOUT_SECONDS": "7.5",
        "LECTERN_DEMO": "1",
        "SITE_URL": "https://docs.example.org",
    }


def test_a_private_space_is_asked_with_the_token(hub: HubServer, edge: SpaceEdge, deploy: Deploy) -> None:
    """A private Space's edge answers 404 without the Hub's token; a public one's app is never sent it."""
    edge.token = hub.token

    done = deploy(SPACE, "--private", **DEMO)

    assert done.returncode == 0, done.stderr
    assert hub.repos[SPACE].private
    assert {authorization for _, _, authorization in edge.seen} == {f"Bearer {hub.token}"}


def test_a_public_space_is_not_sent_the_token(hub: HubServer, edge: SpaceEdge, deploy: Deploy) -> None:
    """The app of a public Space never sees who deployed it."""
    assert deploy(**DEMO).returncode == 0
    assert {authorization for _, _, authorization in edge.seen} == {None}


def test_large_files_go_to_large_file_storage_once(hub: HubServer, deploy: Deploy) -> None:
    """A file above the Hub's limit is uploaded apart, and not again while it is the same."""
    hub.lfs_bytes = 50_000
    assert deploy(**DEMO).returncode == 0
    stored = dict(hub.objects)
    assert "requirements.txt" in hub.repos[SPACE].lfs
    hub.requests.clear()

    assert deploy(**DEMO).returncode == 0
    assert hub.objects == stored
    assert {method for method, _, _ in hub.requests} == {"GET"}


def test_the_edge_is_noisy(hub: HubServer, edge: SpaceEdge, deploy: Deploy) -> None:
    """HTML with 502 from the edge is asked again, and is no failure."""
    edge.noise = 2
    done = deploy(**DEMO)
    assert done.returncode == 0, done.stderr
    assert edge.noise == 0


def test_a_space_that_sleeps_is_woken(hub: HubServer, edge: SpaceEdge, deploy: Deploy) -> None:
    """With nothing to push, a Space that went to sleep is called until it runs again."""
    assert deploy(**DEMO).returncode == 0
    repo = hub.repos[SPACE]
    repo.pending = ["SLEEPING", "SLEEPING", "RUNNING"]
    edge.seen.clear()

    done = deploy(**DEMO)

    assert done.returncode == 0, done.stderr
    assert "sleeping" in done.stdout
    assert len([path for _, path, _ in edge.seen if path == "/health"]) >= 2


def test_a_run_that_was_killed_is_run_again(hub: HubServer, deploy: Deploy) -> None:
    """The Space was made and nothing pushed; the next run goes on from there."""
    hub.failures[("POST", PUSH)] = [(403, {})]
    assert deploy(**DEMO).returncode == 77
    assert hub.repos[SPACE].builds == 0

    done = deploy(**DEMO)

    assert done.returncode == 0, done.stderr
    assert hub.repos[SPACE].builds == 1
    assert len(hub.asked("POST", "/api/repos/create")) == 1


def test_a_lectern_pushed_by_hand_is_ours(hub: HubServer, deploy: Deploy) -> None:
    """A Space that was made with git push is taken over without --yes; what is only there stays."""
    hub.add(Repo(SPACE, files={"README.md": CARD.encode(), "src/lectern/__init__.py": b"", "notes.txt": b"n"}))
    done = deploy(**DEMO)
    assert done.returncode == 0, done.stderr
    assert hub.repos[SPACE].files["notes.txt"] == b"n"
