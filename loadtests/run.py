"""`make load`: the stub, Lectern and readers, from nothing; or readers alone against `HOST`.

    python -m loadtests.run [--shape steady|spike|soak|wake] [--users N] [--seconds N] [--report FOLDER]

Exit code 0 when the promises of slo.toml (`SLO` names another file) were kept, 1 when not. The report is one page of
HTML and one JSON file. Against another host it is polite: a tenth of the readers, who take their time.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from loadtests.shapes import SHAPES

ROOT = Path(__file__).parents[1]
MODEL = "stub-ttft200-itl20-len40"
_UP = re.compile(r"is up: (http://localhost:\d+)")
_START_SECONDS, _STOP_SECONDS = 60, 40
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
        host = os.environ.get("HOST") or stack.enter_context(service())
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
def service() -> Iterator[str]:
    """The stub, pages with its vectors, and Lectern on a free port; its address."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lectern-load-")))
        stub = stack.enter_context(
            _process([sys.executable, "-m", "loadtests.stub_llm", "--port", "0"], folder / "stub")
        )
        provider = _wait_for(re.compile(r"^(http://\S+)", re.MULTILINE), folder / "stub", stub)
        models = {"OPENAI_MODEL": MODEL, "EMBEDDING_MODEL": "stub-embed", "OPENAI_API_KEY": "sk-load"}
        env = models | {"OPENAI_BASE_URL": provider, "DATA_DIR": str(folder / "data"), "PORT": "0"}
        env |= {"LOG_FORMAT": "text"}
        ingest = ["./entrypoint.sh", "ingest", "docs", "--site", "lectern"]
        subprocess.run(ingest, cwd=ROOT, env=os.environ | env, check=True, capture_output=True)  # noqa: S603 - ours
        server = stack.enter_context(_process(["./entrypoint.sh"], folder / "server", env))
        yield _wait_for(_UP, folder / "server", server)


@contextmanager
def _process(command: list[str], log: Path, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own
            command, cwd=ROOT, env=os.environ | (env or {}), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(line: re.Pattern[str], log: Path, process: subprocess.Popen[bytes]) -> str:
    """The address in a process's log, once it is there.

    Raises:
        SystemExit: The process ended, or said nothing in time.
    """
    until = time.monotonic() + _START_SECONDS
    while (found := line.search(log.read_text(encoding="utf-8", errors="replace"))) is None:
        if process.poll() is not None or time.monotonic() > until:
            sys.exit(f"It did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
        time.sleep(0.05)
    return found[1]


if __name__ == "__main__":
    sys.exit(main())
