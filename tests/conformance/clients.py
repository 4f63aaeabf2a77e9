"""The real clients of the conformance tests, as programs that take one command after another.

What they need is brought by tests/conformance/install.sh, which tests/install-parts.sh calls.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

HERE = Path(__file__).parent
MISSING = "the real clients are not installed (they want Node 20 and npm): tests/conformance/install.sh, some minutes"

AI_SDKS = {"5.0.0": "-5.0.0", "5": "-5", "6": "-6", "7": ""}
"""What each version of the AI SDK is called in package.json, behind `ai` and `@ai-sdk/react`."""

_PINS = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]


class ThrownError(Exception):
    """What a client threw.

    Attributes:
        kind: The name of its class.
        fields: What the client's error has for a program: `message`, `status`, `code`, `type`, `param`.
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(json.dumps(fields))
        self.kind: str = fields["class"]
        self.fields = fields

    @property
    def message(self) -> str:
        """What it says to people."""
        return str(self.fields["message"])


class Driver:
    """A running client; it does one command at a time."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self._process = process
        self._errors = errors
        self._is_ready = False

    def ready(self) -> None:
        """Wait until it has loaded what it needs."""
        if not self._is_ready:
            self._is_ready = self._answer() == "ready"

    def ask(self, command: str, **options: Any) -> Any:
        """What the client makes of it, as JSON.

        Raises:
            ThrownError: The client threw.
        """
        self.ready()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **options}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            pytest.fail(f"the client died:\n{self._errors.read()}")
        answer = json.loads(line)
        if "thrown" in answer:
            raise ThrownError(answer["thrown"])
        return answer["value"]


def exact(version: str) -> str:
    """The AI SDK's exact version, as `5.0.277`."""
    return str(_PINS[f"ai{AI_SDKS[version]}"]).rpartition("@")[2]


def installed() -> Path:
    """The folder with the clients, or the end of the test: skipped, under CI=true failed."""
    where = subprocess.run([HERE / "install.sh", "--where"], capture_output=True, text=True, check=True).stdout.strip()
    if shutil.which("node") is None or not (Path(where) / "node_modules").is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return Path(where)


def workshop(folder: Path) -> Path:
    """A folder where Node finds the clients: it looks for modules beside the script's own place."""
    (folder / "node_modules").symlink_to(installed() / "node_modules")
    for script in (HERE / "drivers").glob("*.mjs"):
        shutil.copy(script, folder)
    return folder


@contextmanager
def running(folder: Path, *command: str | Path) -> Iterator[Driver]:
    """A driver with its own folder of the workshop's kind, until the block ends."""
    with (folder / "errors").open("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
        )
        try:
            yield Driver(process, errors)
        finally:
            process.kill()
            process.communicate()


@contextmanager
def node(folder: Path, script: str, *arguments: str) -> Iterator[Driver]:
    """A driver that Node runs."""
    program = shutil.which("node") or "node"
    with running(workshop(folder), program, script, *arguments) as driver:
        yield driver


@contextmanager
def langchain(folder: Path) -> Iterator[Driver]:
    """LangChain's, in its own environment."""
    with running(folder, installed() / "python" / "bin" / "python", HERE / "drivers" / "chat_openai.py") as driver:
        yield driver
