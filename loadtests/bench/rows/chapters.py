"""What readers who ask notice of readers who have chapters translated: nothing, if both have places of their own.

Questions arrive on a schedule, ten a second, at one worker and, in turns, at the stub itself. In every second phase
twenty translations are in flight meanwhile: of chapters of a real site, each one for the first time, so that the model
writes all of them. A chapter that is done makes room for the next. The seconds in which all twenty begin, and are cut
into pieces by the worker that answers, are measured apart. A repetition is a service with an empty cache and four
phases: without, with, without, with; its figures are of both phases of a kind together.

**Of without** is the percentile with translations, divided by the one without. The time to the first token is what a
reader waits, the model's own 200 ms included. The stub's own ratio stands beside it: all of it that is above 1 is the
machine's and the stub's doing, which serve both kinds of readers at once.

The site is Redux's Markdown, found beside the checkout (`shared/corpora/redux-docs/docs`) or at LECTERN_CORPUS.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from loadtests import services, targets
from loadtests.bench.row import Figure, Options, Repetition, Row, Skipped
from loadtests.openloop import NobodyAnsweredError, Run, Schedule, drive, figures
from loadtests.services import ROOT, Service
from loadtests.wire import Target, Trace, exchange

MODEL: Final = "stub-ttft200-itl20-len40"
STUDY_MODEL: Final = "stub-ttft200-itl20"
"""A word every 20 ms, as long as the text is."""
TRANSLATIONS: Final = 20
_BESIDE: Final = ROOT.parent / "shared" / "corpora" / "redux-docs" / "docs"
_RATE, _SECONDS, _PHASES = 10.0, 10.0, 4
_PATIENCE_SECONDS: Final = 120.0
_QUIET_SECONDS: Final = 120.0
_BEGINNING_SECONDS: Final = 5.0
"""Cutting twenty of the longest chapters takes a second of the processor, and three beside all else."""


@dataclass(slots=True)
class Translations:
    """The translations of one phase.

    Attributes:
        traces: Of those that are over.
        under_way: How many are in flight now.
        least: The fewest that were in flight at a time, after all had begun.
    """

    traces: list[Trace] = field(default_factory=list)
    under_way: int = 0
    least: int = TRANSLATIONS


@dataclass(slots=True)
class Asked:
    """What all phases of one kind came to, together: what Lectern answered, and what the stub did."""

    lectern: list[Trace] = field(default_factory=list)
    stub: list[Trace] = field(default_factory=list)

    def add(self, run: Run) -> None:
        """Take the traces of another phase."""
        self.lectern += run.traces["lectern"]
        self.stub += run.traces["stub"]


def corpus() -> Path:
    """The folder of the chapters.

    Raises:
        Skipped: It is not at hand.
    """
    found = Path(os.environ.get("LECTERN_CORPUS", _BESIDE))
    if not found.is_dir():
        raise Skipped(f"No site at {found}: LECTERN_CORPUS may name a folder of Markdown.")
    return found


def measure(options: Options) -> Sequence[Repetition]:
    """Every repetition, each on a service of its own.

    Raises:
        Skipped: There are no chapters.
    """
    pages = corpus()
    return [repetition(pages, scale=options.scale, turn=turn) for turn in range(options.repeat)]


def repetition(pages: Path, *, scale: float = 1.0, turn: int = 0, **env: str) -> Repetition:
    """One repetition.

    Args:
        pages: Markdown of a site.
        scale: Factor on its length.
        turn: Which one, for its schedule.
        env: More settings of the service.
    """
    chapters = longest_first(pages)
    settings = {"WEB_CONCURRENCY": "1", "STUDY_MODEL": STUDY_MODEL} | env
    without, beginning, beside = Asked(), Asked(), Asked()
    phases: list[Translations] = []
    with services.stub() as stub, _service(stub.url, pages, settings) as lectern:
        asked = (targets.of_lectern(lectern.url), targets.of_stub(stub.url, MODEL))
        asyncio.run(drive(asked, Schedule(rate=5, seconds=1)))
        for phase in range(_PHASES):
            schedule = Schedule(_RATE, max(2.0, _SECONDS * scale), seed=turn * _PHASES + phase + 1)
            if phase % 2 == 0:
                without.add(asyncio.run(drive(asked, schedule)))
                continue
            # Every second chapter each: long ones in both phases, and none twice.
            mine = iter(chapters[phase // 2 :: _PHASES // 2])
            phases.append(asyncio.run(_beside(lectern.url, mine, asked, schedule, (beginning, beside))))
            _wait_for_quiet(stub)
        kinds = services.get(stub, "/stats")["kinds"]
    return judged(without, beginning, beside, phases, kinds)


@contextmanager
def _service(provider: str, pages: Path, env: dict[str, str]) -> Iterator[Service]:
    """Lectern with its own pages, for the questions, and the chapters'."""
    with services.prepared(provider, MODEL, **env) as settings:
        services.ingest(settings, pages, site="redux")
        with services.serving(settings) as service:
            yield service


async def _beside(
    url: str, chapters: Iterator[str], asked: Sequence[Target], schedule: Schedule, kinds: tuple[Asked, Asked]
) -> Translations:
    """Questions while twenty translations begin, and then with all of them in flight."""
    beginning, beside = kinds
    async with translating_all(url, chapters) as translations:
        beginning.add(await drive(asked, replace(schedule, seconds=_BEGINNING_SECONDS)))
        translations.least = translations.under_way
        beside.add(await drive(asked, schedule))
    return translations


@asynccontextmanager
async def translating_all(url: str, chapters: Iterator[str]) -> AsyncGenerator[Translations, None]:
    """Twenty translations in flight until the block ends; then their readers leave."""
    translations = Translations()
    readers = [asyncio.create_task(_read(url, chapters, translations)) for _ in range(TRANSLATIONS)]
    try:
        yield translations
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.wait(readers)


async def _read(url: str, chapters: Iterator[str], translations: Translations) -> None:
    """One chapter after another."""
    loop = asyncio.get_running_loop()
    for chapter in chapters:
        translations.under_way += 1
        try:
            translations.traces.append(await exchange(targets.of_chapter(url, chapter), loop.time(), _PATIENCE_SECONDS))
        finally:
            translations.under_way -= 1
    translations.least = min(translations.least, translations.under_way)


def _wait_for_quiet(stub: Service) -> None:
    """Until the model writes for nobody.

    Raises:
        TimeoutError: It goes on for two minutes.
    """
    until = time.monotonic() + _QUIET_SECONDS
    while services.get(stub, "/stats")["open"]:
        if time.monotonic() > until:
            raise TimeoutError("the model still writes, though all readers have left")
        time.sleep(0.1)


def longest_first(pages: Path) -> list[str]:
    """The site's chapters by their files, the longest first."""
    files = [path for path in pages.rglob("*.md*") if path.is_file()]
    return [path.relative_to(pages).as_posix() for path in sorted(files, key=lambda path: -path.stat().st_size)]


def judged(
    without: Asked, beginning: Asked, beside: Asked, translations: Sequence[Translations], kinds: dict[str, int]
) -> Repetition:
    """The figures of a repetition.

    Raises:
        NobodyAnsweredError: No question was answered in phases of one kind.
    """
    all_asked = {
        "without": without.lectern,
        "beginning": beginning.lectern,
        "with": beside.lectern,
        "stub, without": without.stub,
        "stub, with": beside.stub,
    }
    found = {name: figures(traces) for name, traces in all_asked.items()}
    for name, one in found.items():
        if not one["answered"]:
            raise NobodyAnsweredError.of(name, all_asked[name])
    first = {name: one["first_token_ms"] for name, one in found.items()}
    over = [trace for phase in translations for trace in phase.traces]
    values = {
        "errors": float(sum(sum(one["errors"].values()) for one in found.values())),
        "first token p95, with translations, of without": first["with"]["p95"] / first["without"]["p95"],
        "first token p95, as they begin, of without": first["beginning"]["p95"] / first["without"]["p95"],
        "the stub's own p95, with, of without": first["stub, with"]["p95"] / first["stub, without"]["p95"],
        "first token p95, without": first["without"]["p95"],
        "first token p95, with": first["with"]["p95"],
        "first token p50, with, of without": first["with"]["p50"] / first["without"]["p50"],
        "translations in flight, at least": float(min(phase.least for phase in translations)),
        "translations that failed": float(sum(bool(trace.error) for trace in over)),
        "calls for chapters": float(kinds.get("rewrite", 0)),
    }
    samples = {
        "first token: without translations": _milliseconds(without.lectern),
        f"first token: with {TRANSLATIONS} translations": _milliseconds(beside.lectern),
    }
    return Repetition(values, samples, {"figures": found, "chapters_done": len(over)})


def _milliseconds(traces: Sequence[Trace]) -> list[float]:
    return [(trace.tokens[0] - trace.due) * 1000 for trace in traces if not trace.error]


ROW: Final = Row(
    name="chapters",
    title=f"First tokens of chat on one worker, 10 questions a second, with {TRANSLATIONS} translations in flight",
    figures=(
        Figure("errors", "", 0),
        Figure("first token p95, with translations, of without", "×", 1.1),
        Figure("first token p95, as they begin, of without", "×"),
        Figure("the stub's own p95, with, of without", "×"),
        Figure("first token p95, without", "ms"),
        Figure("first token p95, with", "ms"),
        Figure("first token p50, with, of without", "×"),
        Figure("translations in flight, at least", "", TRANSLATIONS, least=True),
        Figure("translations that failed", "", 0),
        Figure("calls for chapters", ""),
    ),
    measure=measure,
)
