"""Runs the workload under valgrind's callgrind, and reads what each region cost, in instructions."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import anyio
from tests.counts.pages import make_site
from tests.counts.regions import LONG_TOKENS, REGIONS
from tests.counts.service import TOKENS, settings_for

_ROOT: Final = Path(__file__).parents[2]
_SECONDS: Final = 900
"""Measured: a minute of processor time; four to seven by the clock on two cores with twelve others who want them."""

_TOTALS: Final = re.compile(r"^totals: (\d+)$", re.MULTILINE)


class NotCounted(Exception):
    """Nothing could be counted; the text says why."""


def count(keep: Path | None = None) -> dict[str, int]:
    """The instructions of each region, by its name, for all its repeats.

    Args:
        keep: A folder for callgrind's files, one a region, to open with callgrind_annotate or KCachegrind.

    Raises:
        NotCounted: Valgrind is not installed, or the workload failed under it.
    """
    if shutil.which("valgrind") is None or shutil.which("vgdb") is None:
        raise NotCounted("valgrind is not installed (Debian and Ubuntu: apt-get install valgrind)")
    with tempfile.TemporaryDirectory(prefix="lectern-counts-") as name:
        folder = Path(name)
        anyio.run(make_site, settings_for(folder / "data"))
        _run(folder)
        # One file before each region and one after it; what comes first is none of them.
        files = {region.name: folder / f"out.{2 * place + 2}" for place, region in enumerate(REGIONS)}
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            for region, file in files.items():
                shutil.copyfile(file, keep / f"callgrind.out.{region}")
        return {region: _total(file) for region, file in files.items()}


def figures(counted: Mapping[str, int]) -> dict[str, int]:
    """What a count means, in instructions: of a request, of 1,000 tokens, and of `python`, the interpreter's own.

    What the provider and the reader cost by themselves is taken off where they do more than one short exchange.
    """
    each = {region.name: counted[region.name] / region.times for region in REGIONS}
    peers = each["peers"]
    more = LONG_TOKENS - TOKENS
    tokens = each["long"] - each["turn"] - (each["peers_long"] - peers)
    found = {
        "python": each["python"],
        "health": each["health"],
        "search": each["search"],
        "turn": each["turn"] - peers,
        "follow_up": each["follow_up"] - peers,
        "json": each["json"] - peers,
        "thousand_tokens": tokens / more * 1000,
    }
    return {name: round(value) for name, value in found.items()}


def _run(folder: Path) -> None:
    pipes = folder / "vgdb"
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--vgdb-prefix={pipes}", "--dump-before=getsid"]
    command += [f"--callgrind-out-file={folder / 'out'}", sys.executable, "-m", "tests.counts.workload"]
    command += [f"--folder={folder / 'data'}", f"--pipes={pipes}"]
    with (folder / "log").open("w+") as log:
        try:
            subprocess.run(
                command,
                cwd=_ROOT,
                env=_environment(),
                stdout=subprocess.DEVNULL,
                stderr=log,
                timeout=_SECONDS,
                check=True,
            )
        except subprocess.SubprocessError as error:
            log.seek(0)
            raise NotCounted(f"the workload failed under valgrind: {error}\n{log.read()[-4000:]}") from error


def _environment() -> dict[str, str]:
    """No setting of this machine, and nothing that is another one each time."""
    fixed = {"PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join((str(_ROOT / "src"), str(_ROOT)))}
    fixed |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | fixed


def _total(file: Path) -> int:
    found = _TOTALS.search(file.read_text(encoding="utf-8")) if file.exists() else None
    if found is None:
        raise NotCounted(f"valgrind wrote no {file.name}: it did not see all marks")
    return int(found[1])
