"""What a service has kept of a turn, as its database has it."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """A row."""

    conversation_id: str
    outcome: str
    answer: str


def kept_turn(folder: Path, turn_id: str) -> KeptTurn:
    """The turn of this id."""
    asked = "select conversation_id, outcome, answer from turns where id = ?"
    with closing(sqlite3.connect(folder / "data" / "lectern.sqlite3")) as connection:
        row = connection.execute(asked, (UUID(turn_id).hex,)).fetchone()
    assert row is not None, turn_id
    return KeptTurn(*row)
