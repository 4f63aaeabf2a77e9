"""A run as the Markdown table of docs/performance.md.

    python -m loadtests.bench.table RUN.json [RUN.json …] [--write docs/performance.md]

Several runs are several tables, each with what it was measured on. With `--write` they take the place of what stands
between the document's markers `<!-- bench -->` and `<!-- /bench -->`.
"""

import argparse
import sys
from pathlib import Path

from loadtests.bench.markers import MarkersError, between
from loadtests.bench.measured import Measured, quantity
from loadtests.bench.record import Record, RecordError, RowRecord, read

MARKER = "bench"


def main() -> int:
    """Print or write; 1 for a file that is no record, or a document without markers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT")
    arguments = parser.parse_args()
    try:
        text = "\n\n".join(section(read(run)) for run in arguments.runs)
        if arguments.write is None:
            print(text)
        else:
            between(arguments.write, MARKER, text)
    except (RecordError, MarkersError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def section(record: Record) -> str:
    """When and on what it was measured, and the table."""
    machine = record.machine
    packages = ", ".join(f"{name} {version}" for name, version in record.versions.items() if name != "python")
    said = (
        f"Measured on {record.at:%Y-%m-%d} at commit `{record.commit}`, {record.repeat} repetitions: {machine.cpu},"
        f" {machine.cores} cores, {machine.memory_gib:g} GiB, {machine.kernel}, Python {record.versions['python']};"
        f" load before it began: {machine.load:g}. {packages}."
    )
    if record.scale != 1:
        said += f" At {record.scale:g} of the load that the targets are about."
    return f"{said}\n\n{table(record)}"


def table(record: Record) -> str:
    """The table: a line a figure; a row that broke off says so."""
    lines = ["| What | Figure | Target | Median (range) | Met |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *(line for row in record.rows for line in _lines(row))])


def _lines(row: RowRecord) -> list[str]:
    if row.broken:
        # The first line says what; a log may follow, which names places on this machine.
        return [f"| {_cell(row.title)} | | | broke off: {_cell(row.broken.splitlines()[0])} | no |"]
    titles = [_cell(row.title), *[""] * len(row.figures)]
    return [f"| {title} | {_figure(measured)} |" for title, measured in zip(titles, row.figures, strict=False)]


def _figure(measured: Measured) -> str:
    value = f"{quantity(measured.median, measured.figure.unit)} ({measured.range})"
    met = ("yes" if measured.met else "**no**") if measured.target else ""
    return f"{_cell(measured.figure.name)} | {measured.target} | {value} | {met}"


def _cell(text: str) -> str:
    """A text that ends no cell and no line."""
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    sys.exit(main())
