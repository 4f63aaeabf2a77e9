"""Accounts of a real service with two workers: what one of them ends, the other does not know any more."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from tests.accounts.conftest import PASSWORD
from tests.service_process import UP, environment
from tests.serving.servers import ROOT, Served, until

EMAIL, NAME, GOAL = "marker.person@example.org", "Marker Person", "marker goal"
PAGES = ("/api/auth/verify", "/api/auth/profile", "/api/auth/export")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Served]:
    """`./entrypoint.sh` with no settings but its folder; the secret is made by its first start."""
    service = Served(["./entrypoint.sh"], tmp_path, ROOT, environment(tmp_path))
    until(lambda: UP.search(service.log) is not None or service.process.poll() is not None)
    yield service
    service.close()


def ask(service: Served, path: str, token: str) -> int:
    """The status of a page, over a connection of its own, so that either worker may get it."""
    url = f"http://127.0.0.1:{service.port}{path}"
    return httpx2.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30).status_code


@pytest.mark.process
def test_a_whole_stay(service: Served, tmp_path: Path) -> None:
    """Sign up, chat, sign in again, sign out, leave: over both workers, with no personal word in file or log."""
    base = f"http://127.0.0.1:{service.port}"
    with httpx2.Client(base_url=base, timeout=30) as client:
        body = {"email": EMAIL, "password": PASSWORD, "name": NAME, "proficiency": "pro", "learningGoals": GOAL}
        first = client.post("/api/auth/sign-up", json=body).json()["session"]["accessToken"]
        credentials = {"email": EMAIL, "password": PASSWORD}
        second = client.post("/api/auth/sign-in/email", json=credentials).json()["session"]["accessToken"]
        for token in (first, second):
            assert {ask(service, path, token) for path in PAGES for _ in range(4)} == {200}
        with closing(sqlite3.connect(tmp_path / "data" / "lectern.sqlite3")) as database:
            dump = "\n".join(database.iterdump()).lower()
        assert "argon2id$v=19$m=19456" in dump
        assert "marker" not in dump
        client.post("/api/auth/sign-out", headers={"Authorization": f"Bearer {first}"})
        assert {ask(service, "/api/auth/verify", first) for _ in range(12)} == {401}
        assert {ask(service, "/api/auth/verify", second) for _ in range(12)} == {200}
        headers = {"Authorization": f"Bearer {second}"}
        left = client.request("DELETE", "/api/auth/account", headers=headers, json={"password": PASSWORD})
        assert left.json() == {"success": True}
        assert {ask(service, "/api/auth/verify", second) for _ in range(12)} == {401}
        assert client.post("/api/auth/sign-in", json=credentials).status_code == 401
    for word in ("marker", PASSWORD, first, second):
        assert word.lower() not in service.log.lower()
