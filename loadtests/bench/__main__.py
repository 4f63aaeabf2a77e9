"""`make bench`: every figure of docs/performance.md, row by row, on this machine.

    python -m loadtests.bench [--only NAME,NAME] [--repeat N] [--scale F] [--out FOLDER] [--strict]

A row measures what it compares in one run, side by side or in turns; single figures of a busy machine mean little, and
medians stand with their range. A run leaves one small JSON file and its curves as PNG in the folder.
`python -m loadtests.bench.compare` holds two runs against each other, `…table` writes one into the document.

Exit code 0 when every row was measured, also where a target was missed: a busy machine is no defect. `--strict` makes
that 1, too. A row that breaks off is 1, and the others are measured all the same.
"""

import argparse
import datetime as dt
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from loadtests.bench import charts
from loadtests.bench.machine import Machine, commit, versions
from loadtests.bench.record import Record, RowRecord, write
from loadtests.bench.report import closing_lines, missed, row_lines
from loadtests.bench.row import Options, Row, Skipped
from loadtests.bench.rows import ROWS
from loadtests.services import ROOT

_LEAST_REPETITIONS = 5
"""Fewer tell no spread."""


def main(rows: Sequence[Row] = ROWS) -> int:
    """Measure, write, print; the exit code."""
    arguments = _arguments(rows)
    signal.signal(signal.SIGTERM, _leave)
    options = Options(arguments.repeat, arguments.scale)
    at = dt.datetime.now(dt.UTC)
    path = arguments.out / f"{at:%Y%m%dT%H%M%SZ}.json"
    record = Record(at, commit(ROOT), Machine.here(), versions(), options.repeat, options.scale)
    for row in (row for row in rows if row.name in arguments.only):
        try:
            record = replace(record, rows=(*record.rows, measured(row, options)))
            said = "\n".join(row_lines(record.rows[-1]))
        except Skipped as missing:
            said = f"{row.name}: skipped. {missing}"
        write(record, path)  # after each row: who loses patience keeps what there is
        print(said, end="\n\n", flush=True)
    print("\n".join(closing_lines(record)))
    print("\n".join(str(file) for file in (path, *charts.draw(record, path.parent, path.stem))))
    broken = any(row.broken for row in record.rows)
    return int(broken or (arguments.strict and any(missed(record))))


def measured(row: Row, options: Options) -> RowRecord:
    """Measure a row; one that breaks off takes no other row with it.

    Raises:
        Skipped: What it measures is not at hand.
    """
    began = time.monotonic()
    try:
        return RowRecord.of(row, row.measure(options), time.monotonic() - began)
    except Skipped:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the figures of the other rows are kept
        said = f"{type(error).__name__}: {error}"
        return RowRecord(row.name, row.title, seconds=round(time.monotonic() - began, 1), broken=said)


def _leave(number: int, _: object) -> NoReturn:
    """End as after an exception, so that no server outlives the bench."""
    sys.exit(128 + number)


def _arguments(rows: Sequence[Row]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [row.name for row in rows]
    parser.add_argument("--only", default=",".join(names), metavar="NAME,NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--repeat", type=int, default=_LEAST_REPETITIONS, help="repetitions of each row, 5 or more")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on length and load; the targets are about 1")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "load" / "bench", metavar="FOLDER")
    parser.add_argument("--strict", action="store_true", help="exit code 1 when a target is missed")
    arguments = parser.parse_args()
    arguments.only = arguments.only.split(",")
    if unknown := sorted(set(arguments.only) - set(names)):
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(names)}")
    if arguments.repeat < _LEAST_REPETITIONS:
        parser.error(f"--repeat {arguments.repeat}: fewer than {_LEAST_REPETITIONS} repetitions tell no spread")
    if arguments.scale <= 0:
        parser.error(f"--scale {arguments.scale:g}: nothing would be measured")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
