"""Two runs side by side: each figure's median in the new one, of that in the old one.

    python -m loadtests.bench.compare OLD.json NEW.json

A figure is marked when the two ranges have no value in common: what is less than that, the next run undoes.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from loadtests.bench.measured import Measured, number
from loadtests.bench.record import Record, RecordError, read


def main() -> int:
    """Print the ratios; 1 for a file that is no record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    arguments = parser.parse_args()
    try:
        old, new = read(arguments.old), read(arguments.new)
    except RecordError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(compared(old, new)))
    return 0


def compared(old: Record, new: Record) -> list[str]:
    """A line a figure that both have, and notes on what makes the two hard to compare."""
    lines = [f"old  {_run(old)}", f"new  {_run(new)}", *_notes(old, new), ""]
    pairs = list(_pairs(old, new))
    width = max((len(name) for name, _, _ in pairs), default=0)
    lines += [f"{name:<{width}}  {line(before, after)}" for name, before, after in pairs]
    both = {name for name, _, _ in pairs}
    for label, record in (("old", old), ("new", new)):
        lines += [f"{name:<{width}}  only in the {label} run" for name in _figures(record) if name not in both]
    return lines


def line(before: Measured, after: Measured) -> str:
    """The ratio of the medians, both ranges, and the mark of a change that is beyond them."""
    return f"{_ratio(before, after):>8}  {before.range} → {after.range}  {mark(before, after)}".rstrip()


def mark(before: Measured, after: Measured) -> str:
    """`better` or `worse` when the ranges lie apart; `changed` for a figure without a target; else empty."""
    if max(after.values) >= min(before.values) and max(before.values) >= min(after.values):
        return ""
    if after.figure.target is None:
        return "changed"
    return "better" if (after.median > before.median) == after.figure.least else "worse"


def _ratio(before: Measured, after: Measured) -> str:
    if before.median == after.median:
        return "1 ×"
    return f"{number(after.median / before.median)} ×" if before.median else "from 0"


def _figures(record: Record) -> dict[str, Measured]:
    return {f"{row.name}: {one.figure.name}": one for row in record.rows for one in row.figures}


def _pairs(old: Record, new: Record) -> Iterator[tuple[str, Measured, Measured]]:
    before = _figures(old)
    for name, measured in _figures(new).items():
        if name in before:
            yield name, before[name], measured


def _run(record: Record) -> str:
    return f"{record.at:%Y-%m-%d %H:%M} UTC, {record.commit}, {record.machine.cpu}, {record.machine.cores} cores"


def _notes(old: Record, new: Record) -> Iterator[str]:
    if (old.machine.cpu, old.machine.cores) != (new.machine.cpu, new.machine.cores):
        yield "Not the same machine: only figures that are ratios themselves (×) compare."
    if old.scale != new.scale:
        yield f"Not the same load: a scale of {old.scale:g} and one of {new.scale:g}."
    for package in sorted(old.versions.keys() | new.versions.keys()):
        before, after = (record.versions.get(package, "none") for record in (old, new))
        if before != after:
            yield f"{package} {before} → {after}"


if __name__ == "__main__":
    sys.exit(main())
