"""Which Python and packages run here, and whether they are those that were tested. It reads files, so it blocks."""

import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from lectern.ops.findings import Finding
from lectern.serving.cgroups import read_text

_SUPPORTED: Final = ((3, 11), (3, 13))
_SHOWN: Final = ("fastapi", "gunicorn", "uvicorn", "openai", "sqlalchemy")
_PIN: Final = re.compile(r"^([\w.-]+)==([\w.!+]+)", re.MULTILINE | re.ASCII)


def examine_python(pins: Path) -> list[Finding]:
    """Whether this Python is one that is tested, and the packages are those that were locked.

    Args:
        pins: The compiled requirements; without the file nothing is compared.
    """
    here = sys.version_info[:2]
    shown = ", ".join(f"{name} {_installed(name) or 'missing'}" for name in _SHOWN)
    found = f"Python {platform.python_version()}; {shown}"
    if not _SUPPORTED[0] <= here <= _SUPPORTED[1]:
        return [Finding("packages", "fail", found, "Use Python 3.11, 3.12 or 3.13.")]
    # A package may have a pin for each Python; the markers are left to pip.
    wanted: dict[str, list[str]] = {}
    for name, pinned in _PIN.findall(read_text(pins)):
        wanted.setdefault(name, []).append(pinned)
    others = [
        f"{name} is {installed}, not {' or '.join(pinned)}"
        for name, pinned in wanted.items()
        if (installed := _installed(name)) not in {None, *pinned}
    ]
    if others:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""  # noqa: PLR2004 - a line's worth
        fix = "Install what was tested: ./entrypoint.sh install, or pip install -r requirements.txt."
        return [Finding("packages", "warn", f"{found}; {', '.join(others[:3])}{more}", fix)]
    return [Finding("packages", "ok", found)]


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
