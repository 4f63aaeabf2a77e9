"""Several processes that do the same at the same moment."""

import json
import subprocess
import sys
from typing import Any

from tests.serving.servers import ROOT


def at_once(*calls: list[str]) -> list[Any]:
    """What `claiming_process` printed for each of these calls, all of them let go together."""
    command = [sys.executable, "-m", "tests.contracts.claiming_process"]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen([*command, *call], cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for call in calls]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait(10)
