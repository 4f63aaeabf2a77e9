"""A run as its starter reads it."""

from collections.abc import Iterable

from loadtests.bench.measured import Measured, quantity
from loadtests.bench.record import Record, RowRecord


def row_lines(row: RowRecord) -> list[str]:
    """One row: its title, and for each figure median, range, target and whether it was met."""
    head = f"{row.name}: {row.title} ({row.seconds:.0f} s)"
    if row.broken:
        return [head, f"  broke off: {row.broken}"]
    width = max((len(measured.figure.name) for measured in row.figures), default=0)
    return [head, *(f"  {measured.figure.name:<{width}}  {_figure(measured)}".rstrip() for measured in row.figures)]


def closing_lines(record: Record) -> list[str]:
    """Which targets were missed and which rows broke off; that none was, when none was."""
    lines = [
        f"MISSED  {row.name}: {measured.figure.name}: {quantity(measured.judged, measured.figure.unit)},"
        f" target {measured.target}"
        for row, measured in missed(record)
    ]
    lines += [f"BROKEN  {row.name}: {row.broken}" for row in record.rows if row.broken]
    if record.scale != 1:
        lines.append(f"NOTE    at {record.scale:g} of the load that the targets are about")
    return lines or ["Every target was met."]


def missed(record: Record) -> Iterable[tuple[RowRecord, Measured]]:
    """The figures that missed their targets."""
    return ((row, measured) for row in record.rows for measured in row.figures if not measured.met)


def _figure(measured: Measured) -> str:
    text = f"{quantity(measured.median, measured.figure.unit):>10}  ({measured.range})"
    if not measured.target:
        return text
    return f"{text:<36}  {measured.target:<10}  {'met' if measured.met else 'MISSED'}"
