"""Holds what each client ended up with to what is saved, and counts how it ended."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from tests.chaos.client import Client
from tests.database_servers import Postgres

LOST = "turn_lost"
"""What a client is told whose turn died with its worker: it may know more of the answer than was written down."""
_TURNS = "SELECT id, question, answer, outcome, finish FROM turns"


@dataclass(frozen=True, slots=True)
class Saved:
    """A turn as it stands in the database."""

    id: str
    question: str
    answer: str
    outcome: str
    finish: str


def saved_in_sqlite(path: Path) -> list[Saved]:
    """All turns of a SQLite file."""
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        return [Saved(str(UUID(row[0])), *row[1:]) for row in connection.execute(_TURNS)]


def saved_in_postgres(server: Postgres, database: str) -> list[Saved]:
    """All turns of a database."""
    return [Saved(str(row[0]), *row[1:]) for row in server.query(_TURNS, database=database)]


@dataclass
class Verdict:
    """What the oracle found.

    Attributes:
        endings: How many clients ended in which way.
        missing: Bytes of saved answers that a client who was told the turn's end has not got.
        surplus: Bytes that such a client has got beside what is saved.
        ahead: Bytes that clients of lost turns had got before, beyond what was written down of them.
        unsaved: Lost turns of which nothing was written down.
        faults: What must not be; empty when all is well.
    """

    endings: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    surplus: int = 0
    ahead: int = 0
    unsaved: int = 0
    faults: list[str] = field(default_factory=list)


def judge(clients: Iterable[Client], turns: Sequence[Saved], whole: Callable[[Client], str]) -> Verdict:
    """Judge every client.

    Args:
        clients: When all have come to an end.
        turns: What is saved.
        whole: The answer that the model gives to a client's question when nothing disturbs it.
    """
    verdict = Verdict()
    for client in clients:
        own = [turn for turn in turns if turn.question == client.asked.question]
        faults = [*client.transcript.faults, *_judge_turns(client, own), *_judge_end(client, own, verdict)]
        text = client.transcript.text
        if not client.transcript.is_degraded and not whole(client).startswith(text):
            faults.append(f"{text!r} is no beginning of the model's answer")
        verdict.faults += [f"client {client.name}: {fault}" for fault in faults]
    return verdict


def _judge_turns(client: Client, own: Sequence[Saved]) -> list[str]:
    """However often a question was sent with its key, it made one turn; without, at most one each time."""
    most = 1 if client.asked.key else client.sent
    return [f"{len(own)} turns are saved, not {most}: {own}"] if len(own) > most else []


def _judge_end(client: Client, own: Sequence[Saved], verdict: Verdict) -> list[str]:
    """The end that a client was told is that of the saved turn, and its text the saved one."""
    known = client.transcript
    saved = next((turn for turn in own if turn.id == known.turn_id), None)
    if known.end is None:
        verdict.endings[f"refused: {client.refusal}"] += 1
        return _judge_refusal(client, own)
    name, data = known.end
    told = f"{data['outcome']}: {data['finish']}" if name == "done" else f"failed: {data['code']}"
    verdict.endings[told] += 1
    if saved is None:
        verdict.unsaved += 1
        return [] if told == f"failed: {LOST}" else [f"told {told!r}, and nothing is saved"]
    text = known.text
    if told == f"failed: {LOST}":
        verdict.ahead += max(0, len(text.encode()) - len(saved.answer.encode()))
        related = text.startswith(saved.answer) or saved.answer.startswith(text)
        faults = [] if related else [f"{text!r} and the saved {saved.answer!r} part ways"]
    else:
        same = _same(text.encode(), saved.answer.encode())
        verdict.missing += len(saved.answer.encode()) - same
        verdict.surplus += len(text.encode()) - same
        faults = [] if text == saved.answer else [f"told {told!r} with {text!r}, saved is {saved.answer!r}"]
    expected = data["outcome"] if name == "done" else saved.outcome
    if saved.outcome != expected or (name == "failed" and saved.outcome not in {"failed", "cancelled"}):
        faults.append(f"told {told!r}, saved as {saved.outcome}: {saved.finish}")
    return faults


def _judge_refusal(client: Client, own: Sequence[Saved]) -> list[str]:
    """Only of a turn that is nowhere an answer may say that there is none."""
    status, code = client.refusal or (0, "")
    if (status, code) != (404, "turn_not_found"):
        return [f"ended with {status} {code!r}"]
    turn = client.transcript.turn_id
    return [f"told that there is no turn {turn}, which is saved"] if any(saved.id == turn for saved in own) else []


def _same(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)
