"""A real Better Auth server for tests, run by Node; and a person with a browser who uses it.

What it needs is brought by tests/better_auth/install.sh, which tests/install-parts.sh calls.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

HERE = Path(__file__).parent / "better_auth"
MISSING = "the real Better Auth is not installed (it wants Node 20 and npm): tests/better_auth/install.sh, some minutes"


class Person:
    """Somebody who signs up, with the cookies of one browser.

    Attributes:
        id: What Better Auth calls it.
        email, name: As given at the sign-up.
        bearer: The session's token as Better Auth's bearer plugin gives it.
        cookies: As the browser sends them.
    """

    def __init__(self, url: str) -> None:
        self.email = f"{uuid4().hex}@example.org"
        self.name = f"Reader {uuid4().hex[:8]}"
        self.cookies: dict[str, str] = {}
        self._url = url
        body = {"email": self.email, "password": "correct horse battery staple", "name": self.name}
        answer = self._ask("POST", "/sign-up/email", body)
        self.id: str = answer.json()["user"]["id"]
        self.bearer: str = answer.headers["set-auth-token"]

    def token(self) -> str:
        """A new token for other services."""
        return str(self._ask("GET", "/token").json()["token"])

    def sign_out(self) -> None:
        """End the session."""
        self._ask("POST", "/sign-out", {})

    def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> httpx2.Response:
        headers = {"Origin": self._url, **cookie_header(self.cookies)}
        answer = httpx2.request(method, f"{self._url}/api/auth{path}", json=body, headers=headers, timeout=60)
        self.cookies |= dict(answer.raise_for_status().cookies)
        return answer


def cookie_header(cookies: dict[str, str]) -> dict[str, str]:
    """The header that a browser sends these in."""
    return {"Cookie": "; ".join(f"{name}={held}" for name, held in cookies.items())} if cookies else {}


@contextmanager
def running_better_auth(**options: Any) -> Iterator[str]:
    """Its address, until the block ends; `options` are those of tests/better_auth/server.mjs."""
    node = shutil.which("node")
    script = HERE / "install.sh"
    where = subprocess.run([script, "--where"], capture_output=True, text=True, check=True).stdout.strip()
    if node is None or not (Path(where) / "node_modules").is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory(prefix="lectern-better-auth-") as name:
        # Node looks for modules beside the script's own place.
        folder = Path(name)
        (folder / "node_modules").symlink_to(Path(where) / "node_modules")
        shutil.copy(HERE / "server.mjs", folder)
        process = subprocess.Popen(
            [node, "server.mjs", json.dumps(options)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.communicate(timeout=10)[1]
            yield json.loads(line)["url"]
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=10)
            process.kill()
            process.communicate()
