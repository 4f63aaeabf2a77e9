"""The machine and the software that figures are of. Nothing that names the machine or a place on it."""

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import psutil

PACKAGES: Final = (
    *("aiohttp", "fastapi", "gunicorn", "httptools", "httpx2", "numpy", "openai", "pydantic", "sqlalchemy"),
    *("starlette", "uvicorn", "uvicorn-worker", "uvloop"),
)
"""What the figures depend on most."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured.

    Attributes:
        cores: Those that this process may use.
        load: Processes that wanted a core before the first row began, over a minute: what else the machine did.
    """

    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    load: float

    @classmethod
    def here(cls) -> "Machine":
        """This one, now."""
        return cls(
            cpu=_cpu(Path("/proc/cpuinfo")),
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
            memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
            kernel=f"{platform.system()} {platform.release()}",
            load=round(os.getloadavg()[0], 2),
        )


def versions() -> dict[str, str]:
    """Python's and those of the packages that matter; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def commit(root: Path) -> str:
    """The checkout's commit, with a `+` when files differ from it; `unknown` outside a repository."""
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        return f"{head}+" if _git(root, "status", "--porcelain", "--untracked-files=no") else head
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=True)  # noqa: S603, S607 - the developer's own git
    return done.stdout.strip()


def _cpu(cpuinfo: Path) -> str:
    """The processor's model: Linux tells it in a file, and Python's own answer there is only the architecture."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()
