"""What a run of the bench leaves: one small JSON file, with every repetition of every figure."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from loadtests.bench.distribution import Distribution, pooled
from loadtests.bench.machine import Machine
from loadtests.bench.measured import Measured
from loadtests.bench.row import Repetition, Row

FORMAT: Final = 1


class RecordError(Exception):
    """A file that is no record; the message says which and why, in one line."""


@dataclass(frozen=True, slots=True)
class RowRecord:
    """What a row came to.

    Attributes:
        figures: Empty when it broke off.
        samples: Distributions by their names, over all repetitions.
        details: What else each repetition told.
        seconds: How long it took.
        broken: Why it broke off; empty when it did not.
    """

    name: str
    title: str
    figures: tuple[Measured, ...] = ()
    samples: dict[str, Distribution] = field(default_factory=dict)
    details: tuple[dict[str, Any], ...] = ()
    seconds: float = 0
    broken: str = ""

    @classmethod
    def of(cls, row: Row, repetitions: Sequence[Repetition], seconds: float) -> "RowRecord":
        """The record of a row that was measured.

        Raises:
            ValueError: There is no repetition; or one lacks a figure of the row, or has another one, or no number.
        """
        if not repetitions:
            raise ValueError(f"{row.name} yields no repetition")
        names = {figure.name for figure in row.figures}
        for repetition in repetitions:
            if names != repetition.values.keys():
                raise ValueError(f"{row.name} does not yield what it names: {sorted(names ^ repetition.values.keys())}")
            if unfit := sorted(name for name, value in repetition.values.items() if not isfinite(value)):
                raise ValueError(f"{row.name} yields no number: {unfit}")
        return cls(
            name=row.name,
            title=row.title,
            figures=tuple(
                Measured(figure, tuple(round(one.values[figure.name], 4) for one in repetitions))
                for figure in row.figures
            ),
            samples=pooled(repetitions),
            details=tuple(repetition.detail for repetition in repetitions),
            seconds=round(seconds, 1),
        )


@dataclass(frozen=True, slots=True)
class Record:
    """A run: when, of what, where, and its rows.

    Attributes:
        at: The moment it began.
        commit: Of the checkout; a `+` tells that files differed from it.
        scale: 1 for the load that the targets are about.
    """

    at: dt.datetime
    commit: str
    machine: Machine
    versions: dict[str, str]
    repeat: int
    scale: float
    rows: tuple[RowRecord, ...] = ()
    format: int = FORMAT


_RECORDS: Final = TypeAdapter(Record)


def write(record: Record, path: Path) -> None:
    """Write it, in place of what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_RECORDS.dump_json(record) + b"\n")


def read(path: Path) -> Record:
    """Read one.

    Raises:
        RecordError: It is not there, or no record of this bench.
    """
    try:
        record = _RECORDS.validate_json(path.read_bytes())
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise RecordError(f"{path}: no record of the bench: {where + ': ' if where else ''}{first['msg']}") from error
    if record.format != FORMAT:
        raise RecordError(f"{path}: a record of format {record.format}; this bench reads format {FORMAT}")
    return record
