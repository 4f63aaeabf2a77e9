"""What a run leaves: one JSON file with every repetition."""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from loadtests.bench.machine import Machine
from loadtests.peers.environments import Environment
from loadtests.peers.faults import Outcome

FORMAT: Final = 1


class RecordError(Exception):
    """A file that is no record; the message says which and why, in one line."""


@dataclass(slots=True)
class PeerRecord:
    """What one of them came to.

    Attributes:
        absent: Why it could not be measured; empty when it was.
        ready_seconds: Of each start, until the first question was welcome.
        pss_idle_bytes: Before its first question.
        pss_after_bytes: After its last wave.
        waves: By the number of readers, the figures of each repetition.
        left: Readers who left, and of how many of them the provider was told.
        stopped: Readers of a service that was told to stop, and how many had a whole answer.
        faults: By the fault's name.
    """

    name: str
    title: str
    does: str
    version: str = ""
    absent: str = ""
    environment: Environment | None = None
    ready_seconds: list[float] = field(default_factory=list)
    pss_idle_bytes: int = 0
    pss_after_bytes: int = 0
    waves: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, int] = field(default_factory=dict)
    faults: dict[str, Outcome] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """A run: when, of what, where.

    Attributes:
        at: The moment it began.
        commit: Of the checkout; a `+` tells that files differed from it.
        model: The stub's model in the waves.
        seconds: How long the run took.
    """

    at: dt.datetime
    commit: str
    machine: Machine
    versions: dict[str, str]
    model: str
    repeat: int
    seconds: float
    peers: list[PeerRecord]
    format: int = FORMAT


_RECORDS: Final = TypeAdapter(Record)


def write(record: Record, path: Path) -> None:
    """Write it, in place of what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_RECORDS.dump_json(record, indent=1) + b"\n")


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
        raise RecordError(f"{path}: no record of the peers: {where + ': ' if where else ''}{first['msg']}") from error
    if record.format != FORMAT:
        raise RecordError(f"{path}: a record of format {record.format}; this program reads format {FORMAT}")
    return record
