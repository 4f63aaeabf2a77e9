"""A virtual environment of its own for each peer, from its pins, below `data/peers/`.

    python -m loadtests.peers.environments [NAME ...]       # makes them, all by default; minutes, and hundreds of MB

An environment is made again when its pins change. It holds no pip, so that its size is what the peer brings.
"""

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from loadtests.services import ROOT

FOLDER: Final = ROOT / "data" / "peers"
APPS: Final = Path(__file__).with_name("apps")
PINS: Final = {
    "lectern": ROOT / "requirements.txt",
    "hayhooks": APPS / "hayhooks" / "requirements.txt",
    "litellm": APPS / "litellm" / "requirements.txt",
    "chatkit": APPS / "chatkit" / "requirements.txt",
}
"""Lectern's is only weighed: it runs from the checkout's own environment, as `./entrypoint.sh` does."""
_STAMP = "pins.installed"
_INSTALL_SECONDS = 900


class NotInstalledError(Exception):
    """An environment that cannot be made; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What an environment weighs.

    Attributes:
        packages: Name and version of each.
        size_bytes: All its files, byte code included.
    """

    packages: dict[str, str]
    size_bytes: int


def program(peer: str, name: str) -> Path:
    """A command of a peer's environment."""
    return FOLDER / peer / "bin" / name


def made(peer: str) -> Environment:
    """The environment of a peer, made first if it has to be.

    Raises:
        NotInstalledError: A package is not to be had, or does not install.
    """
    folder, pins = FOLDER / peer, PINS[peer]
    stamp = sha256(pins.read_bytes()).hexdigest()
    if not (folder / _STAMP).is_file() or (folder / _STAMP).read_text(encoding="utf-8") != stamp:
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
        pip = [sys.executable, "-m", "pip", "--python", str(program(peer, "python"))]
        _run([*pip, "install", "--quiet", "--no-input", "--disable-pip-version-check", "--requirement", str(pins)])
        (folder / _STAMP).write_text(stamp, encoding="utf-8")
    return weighed(peer)


def weighed(peer: str) -> Environment:
    """Count what is installed and add up its files; nothing of it is run."""
    folder = FOLDER / peer
    installed = distributions(path=[str(path) for path in folder.glob("lib/python*/site-packages")])
    files = (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    return Environment({one.name: one.version for one in installed}, sum(file.stat().st_size for file in files))


def _run(command: list[str]) -> str:
    """A command's output.

    Raises:
        NotInstalledError: It failed; its last line of error is the message.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)  # noqa: S603 - our own
    except subprocess.TimeoutExpired as error:
        raise NotInstalledError(f"not installed within {_INSTALL_SECONDS} s") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise NotInstalledError(lines[-1].removeprefix("ERROR: ") if lines else f"exit code {done.returncode}")
    return done.stdout


def main() -> int:
    """Make them and print what they weigh; 1 when one cannot be made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "name", nargs="*", metavar="NAME", choices=[*PINS, []], help=f"of {', '.join(PINS)}; all by default"
    )
    code = 0
    for name in parser.parse_args().name or PINS:
        try:
            environment = made(name)
            print(f"{name}: {len(environment.packages)} packages, {environment.size_bytes / 2**20:.0f} MiB", flush=True)
        except NotInstalledError as error:
            print(f"{name}: {error}", file=sys.stderr)
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
