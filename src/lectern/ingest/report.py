"""An ingest as people see it: a bar while it runs, a table when it is done."""

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from lectern.ingest.pipeline import Report

TOLD_EVERY_SECONDS: Final = 5.0
"""Where there is no terminal, how often a line says how far it is."""

_LISTED: Final = 50
"""Skipped files named in the table; more are counted."""

_STAGES: Final = {"listing": "Looking for pages", "reading": "Reading pages", "embedding": "Making vectors"}


class ProgressBar:
    """Shows how far an ingest is: a bar on a terminal, one line a stage elsewhere. Hand it in as `progress`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None)
        self._stage = ""
        self._began = time.monotonic()
        self._told = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        name = _STAGES.get(stage, "Writing the index")
        if stage != self._stage and not self._console.is_terminal:
            self._console.print(f"{name} ...")
        if stage != self._stage:
            self._began = self._told = time.monotonic()
        self._stage = stage
        self._tell(name, done, total)
        self._bar.update(self._task, description=name, completed=done, total=total or None)

    def _tell(self, name: str, done: int, total: int) -> None:
        """Where no bar is drawn, say now and then how far a long stage is."""
        now = time.monotonic()
        if self._console.is_terminal or not 0 < done < total or now - self._told < TOLD_EVERY_SECONDS:
            return
        self._told = now
        left = (now - self._began) * (total - done) / done
        self._console.print(f"{name}: {done} of {total}, about {left:.0f} s left")

    def __enter__(self) -> Self:
        """Start drawing."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self._bar.stop()


def summary_table(report: Report) -> RenderableType:
    """What the site holds now, what changed, and what was left out and why."""
    title = f"Site {report.site!r}" + (", dry run: nothing was written" if report.dry_run else "")
    table = Table(title=title, title_justify="left")
    for name in ("pages", "sections", "chunks", "new", "changed", "same", "gone", "skipped", "seconds"):
        table.add_column(name, justify="right")
    counts = report.counts
    numbers = (counts.documents, counts.sections, counts.chunks, len(report.new), len(report.changed), report.same)
    table.add_row(*map(str, numbers), str(len(report.gone)), str(len(report.skipped)), f"{report.seconds:.2f}")
    parts: list[RenderableType] = [table, *(_lines(report))]
    if report.skipped:
        parts.append(_skipped_table(report))
    return Group(*parts)


def _lines(report: Report) -> list[Text]:
    lines = [f"The site {name!r} gave way to this one." for name in report.retired]
    if report.kept:
        lines.append(f"Kept as indexed before, as they cannot be read now: {', '.join(report.kept)}.")
    if report.embedded is not None:
        lines.append(f"Vectors made: {report.embedded.done}.")
        if report.embedded.failure is not None:
            lines.append(
                f"Vectors missing: {report.embedded.left}. {report.embedded.failure.message} Run it again to go on."
            )
    return [Text(line) for line in lines]


def _skipped_table(report: Report) -> Table:
    table = Table(title="Skipped", title_justify="left")
    table.add_column("file", overflow="fold")
    table.add_column("reason", overflow="fold")
    for skipped in report.skipped[:_LISTED]:
        table.add_row(Text(skipped.path), Text(skipped.reason))
    if len(report.skipped) > _LISTED:
        table.add_row(f"and {len(report.skipped) - _LISTED} more", "")
    return table
