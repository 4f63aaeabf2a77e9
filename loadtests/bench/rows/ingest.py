"""How long a first ingest of a real documentation site takes: by words alone, and with an embeddings provider.

The site is Redux's Markdown, found beside the checkout (`shared/corpora/redux-docs/docs`) or at LECTERN_CORPUS, as the
tests find it. Each ingest is a process with an empty data folder; the seconds are from its exec to its end. Whether the
provider is what an ingest waits for is told by the provider: for how long it had how many requests open, from the first
to the last.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from loadtests import services
from loadtests.bench.cost import processor_seconds
from loadtests.bench.row import Figure, Options, Repetition, Row, Skipped
from loadtests.services import ROOT

_BESIDE: Final = ROOT.parent / "shared" / "corpora" / "redux-docs" / "docs"
_PART = "faq"
"""Enough for a test of the bench, with a `scale` below 1."""
_EMBEDDING_MODEL = "stub-embed-ttft200"
"""Answers a request for vectors after 200 ms, as providers do for 64 texts."""
REQUESTS: Final = 4
"""EMBEDDING_REQUESTS, as it is by default."""


def measure(options: Options) -> Sequence[Repetition]:
    """By words and with vectors, once each a repetition.

    Raises:
        Skipped: The site is not at hand.
    """
    corpus = Path(os.environ.get("LECTERN_CORPUS", _BESIDE))
    if not corpus.is_dir():
        raise Skipped(f"No site at {corpus}: LECTERN_CORPUS may name a folder of Markdown.")
    pages = corpus if options.scale >= 1 else corpus / _PART
    return [_once(pages) for _ in range(options.repeat)]


def _once(pages: Path) -> Repetition:
    words = _seconds(pages, {"EMBEDDING_MODEL": "none"})
    with services.stub() as stub, processor_seconds({"stub": stub}) as cost:
        provider = {"OPENAI_BASE_URL": stub.url, "OPENAI_API_KEY": "sk-load", "EMBEDDING_MODEL": _EMBEDDING_MODEL}
        vectors = _seconds(pages, provider | {"EMBEDDING_REQUESTS": str(REQUESTS)})
        stats = services.get(stub, "/stats")
        open_for = {int(number): seconds for number, seconds in stats["seconds_open"].items()}
    values = {
        "by words": words,
        "with vectors": vectors,
        "requests open, of the limit": mean_open(open_for) / REQUESTS,
        "most requests open": float(stats["most_open"]),
    }
    detail: dict[str, object] = {
        "seconds_open": open_for,
        "requests": stats["requests"],
        "processor_seconds": cost,
    }
    return Repetition(values, detail=detail)


def _seconds(pages: Path, settings: Mapping[str, str]) -> float:
    """A whole ingest into an empty folder, from its exec to its end.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    with tempfile.TemporaryDirectory(prefix="lectern-load-") as folder:
        command = ["./entrypoint.sh", "ingest", str(pages), "--site", "redux", "--base-url", "https://redux.js.org"]
        began = time.monotonic()
        subprocess.run(  # noqa: S603 - ours
            command,
            cwd=ROOT,
            env=os.environ | settings | {"DATA_DIR": f"{folder}/data"},
            check=True,
            capture_output=True,
        )
        return time.monotonic() - began


def mean_open(seconds_open: Mapping[int, float]) -> float:
    """How many requests were open in the mean of the time; 0 when nothing was asked."""
    whole = sum(seconds_open.values())
    return sum(number * seconds for number, seconds in seconds_open.items()) / whole if whole else 0.0


ROW: Final = Row(
    name="ingest",
    title="A first ingest of Redux's documentation, 1.5 MB of Markdown",
    figures=(
        Figure("by words", "s", 3),
        Figure("with vectors", "s"),
        Figure("requests open, of the limit", "×", 0.9, least=True),
        Figure("most requests open", "", REQUESTS),
    ),
    measure=measure,
)
