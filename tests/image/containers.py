"""Images and containers for tests: made with buildah, run with podman, and removed with all that they held."""

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import httpx2
from tests.database_servers import free_port
from tests.serving.servers import ROOT, alive, until

BASE = "python:3.11-slim"
IMAGE = "lectern-image-test"
HOST = Path(__file__).with_name("containers.conf")
# What a strict platform gives a container, on a machine somewhat smaller than the smallest Space.
RESTRICTED = (
    "--read-only --tmpfs /tmp:rw,size=64m,mode=1777 --cap-drop all --security-opt no-new-privileges "
    "--cpus 1.5 --memory 512m"
).split()


def podman(*arguments: str) -> str:
    """What a podman command prints.

    Raises:
        AssertionError: It failed; the message is what it said.
    """
    environment = os.environ | {"CONTAINERS_CONF": str(HOST)}
    command = ["podman", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"podman {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout


def build(context: Path = ROOT, tag: str = IMAGE, **arguments: str) -> float:
    """Build the image by `make image`, as anybody would; return the seconds that it took.

    Args:
        context: The folder that is built; it has the Makefile too.
        tag: The image's name.
        arguments: The Dockerfile's ARGs.
    """
    given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    # A proxy's certificate authority, where this machine has one, is lent to the build and stays out of the image.
    authorities = Path("/etc/ssl/certs/ca-certificates.crt")
    given += [f"--volume={authorities}:{authorities}:ro"] if authorities.exists() else []
    began = time.monotonic()
    done = subprocess.run(
        ["make", "image", f"IMAGE={tag}", f"BUILD_ARGS={' '.join(given)}"],
        cwd=context,
        # Podman's storage is where the containers come from, so no docker; chroot also works inside a container.
        env=os.environ | {"BUILDAH_ISOLATION": "chroot", "CONTAINERS_CONF": str(HOST), "DOCKER_HOST": "unix:///none"},
        capture_output=True,
        text=True,
        timeout=560,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return time.monotonic() - began


class Container:
    """A container of the image on the host's network, its server on a port of its own.

    `{port}` in an argument of the container's command stands for that port.
    """

    def __init__(self, *options: str, image: str = IMAGE, arguments: tuple[str, ...] = (), **env: str) -> None:
        self.port = free_port()
        variables = [f"--env={name}={value}" for name, value in ({"PORT": str(self.port)} | env).items()]
        self._began = time.monotonic()
        command = [argument.format(port=self.port) for argument in arguments]
        self.id = podman("run", "--detach", "--network=host", *variables, *options, image, *command).strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        podman("rm", "--force", "--time=0", "--volumes", self.id)

    def until_up(self) -> float:
        """Wait for the first 200 of `/health`; return the milliseconds since the command that made the container."""
        pid = int(podman("inspect", "--format={{.State.Pid}}", self.id))
        until(lambda: self._answers() or not alive(pid), seconds=90)
        assert alive(pid), self.logs
        return (time.monotonic() - self._began) * 1000

    def _answers(self) -> bool:
        with contextlib.suppress(httpx2.TransportError), self.client() as client:
            return client.get("/health").is_success
        return False

    @property
    def logs(self) -> str:
        """What the container has printed."""
        done = subprocess.run(["podman", "logs", self.id], capture_output=True, text=True, timeout=60, check=True)
        return done.stdout + done.stderr

    @property
    def report(self) -> dict[str, Any]:
        """The boot report, once a worker is warm."""
        until(lambda: "Lectern is up" in self.logs)
        lines = (json.loads(line) for line in self.logs.splitlines() if line.startswith("{"))
        return next(line for line in lines if "plan" in line)

    def client(self) -> httpx2.Client:
        """A client of the server inside."""
        return httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def ask(self, question: str) -> dict[str, Any]:
        """The answer to a question, with its sources."""
        with self.client() as client:
            return dict(client.post("/chat", json={"message": question}).raise_for_status().json())

    def ask_until(self, question: str, expected: str) -> dict[str, Any]:
        """The first answer that holds the expected words: pages may still be on their way into the index."""
        answers: list[dict[str, Any]] = []

        def answered() -> bool:
            answers.append(self.ask(question))
            return expected in answers[-1]["message"]

        until(answered)
        return answers[-1]

    def run(self, *command: str, **env: str) -> str:
        """What a command inside prints."""
        variables = [f"--env={name}={value}" for name, value in env.items()]
        return podman("exec", *variables, self.id, *command)
