"""`make load`: the stub, Lectern and readers, from nothing; or readers alone against `HOST`.

    python -m loadtests.run [--shape steady|spike|soak|wake] [--users N] [--seconds N] [--report FOLDER]

Exit code 0 when the promises of slo.toml (`SLO` names another file) were kept, 1 when not. The report is one page of
HTML and one JSON file. Against another host it is polite: a tenth of the readers, who take their time.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from loadtests.services import ROOT, lectern, stub
from loadtests.shapes import SHAPES

MODEL = "stub-ttft200-itl20-len40"
_POLITE = 10


def main() -> int:
    """Run; return locust's exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="steady")
    parser.add_argument("--users", type=int, help="readers at once; a steady number instead of a shape")
    parser.add_argument("--seconds", type=int, default=60, help="length with --users")
    parser.add_argument("--report", type=Path, default=ROOT / "data" / "load")
    arguments = parser.parse_args()
    arguments.report.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        host = os.environ.get("HOST") or stack.enter_context(_service())
        return readers(host, arguments, polite="HOST" in os.environ)


def readers(host: str, arguments: argparse.Namespace, *, polite: bool) -> int:
    """Run locust against a host; its exit code."""
    users = arguments.users
    if polite and users is None:
        users = max(readers for _, readers, _ in SHAPES[arguments.shape]) // _POLITE
    files, load = ["loadtests/locustfile.py"], []
    if users is None:
        files.append("loadtests/shapes.py")
    else:
        load = ["--users", str(users), "--spawn-rate", str(max(1, users // 2)), "--run-time", f"{arguments.seconds}s"]
    command = [sys.executable, "-m", "locust", "--headless", "--only-summary", "--host", host, "-f", ",".join(files)]
    # What is being read at the end is read to its end: a stream that is cut would count as broken.
    command += [*load, "--stop-timeout", "30"]
    command += ["--html", str(arguments.report / "report.html"), "--json-file", str(arguments.report / "report")]
    env = os.environ | {"SHAPE": arguments.shape, "PYTHONPATH": str(ROOT)}
    if polite:
        env |= {"THINK": os.environ.get("THINK", "5,15")}
    code = subprocess.run(command, cwd=ROOT, env=env, check=False).returncode  # noqa: S603 - our own
    print(f"Report: {arguments.report / 'report.html'}")
    return code


@contextmanager
def _service() -> Iterator[str]:
    """The stub and Lectern before it; Lectern's address."""
    with stub() as provider, lectern(provider.url, MODEL) as service:
        yield service.url


if __name__ == "__main__":
    sys.exit(main())
