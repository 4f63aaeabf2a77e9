"""What keeps an assistant from doing something twice, on a SQL database: its turns, and what it has asked."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, Select, bindparam, delete, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from lectern.adapters.sql_database import Database
from lectern.adapters.sql_task_models import ConfirmationRow, TaskTurnRow, TaskWriteRow
from lectern.adapters.sql_task_statements import PRINCIPAL
from lectern.adapters.sql_types import storable, uuid_of
from lectern.errors import IdempotencyMismatch
from lectern.ports import Confirmation, Remembered, RememberedKind, TurnClaim
from lectern.resilience import deadline

MOST_KEY_CHARACTERS: Final = 200

_TURN: Final = (TaskTurnRow.principal_id == PRINCIPAL, TaskTurnRow.key == bindparam("turn"))
_UNFINISHED: Final = TaskTurnRow.response.is_(None)
_STANDING: Final = select(TaskTurnRow.digest, TaskTurnRow.response).where(*_TURN)
_FINISH: Final = (
    update(TaskTurnRow)
    .where(*_TURN, _UNFINISHED)
    .values(response=bindparam("answered"), holder=None, claimed_until=None)
)
_RELEASE: Final = update(TaskTurnRow).where(*_TURN, _UNFINISHED).values(holder=None, claimed_until=None)

_CONVERSATION: Final = (
    ConfirmationRow.principal_id == PRINCIPAL,
    ConfirmationRow.conversation_id == bindparam("conversation"),
)
_ASKED: Final = select(ConfirmationRow).where(*_CONVERSATION)
_SETTLE: Final = delete(ConfirmationRow).where(*_CONVERSATION, ConfirmationRow.id == bindparam("confirmation"))

_WRITES: Final = select(TaskWriteRow.key, TaskWriteRow.created_at.label("at"), TaskWriteRow.result).where(
    TaskWriteRow.principal_id == PRINCIPAL
)
_TURNS: Final = select(TaskTurnRow.key, TaskTurnRow.created_at.label("at"), TaskTurnRow.response).where(
    TaskTurnRow.principal_id == PRINCIPAL
)
_CONFIRMATIONS: Final = select(ConfirmationRow).where(ConfirmationRow.principal_id == PRINCIPAL)
_REMEMBERED: Final[Mapping[RememberedKind, tuple[Select[Any], InstrumentedAttribute[Any]]]] = {
    "write": (_WRITES, TaskWriteRow.key),
    "turn": (_TURNS, TaskTurnRow.key),
    "confirmation": (_CONFIRMATIONS, ConfirmationRow.conversation_id),
}


class SqlTaskTurns:
    """The verbs of `lectern.ports.Tasks` that are not about tasks themselves.

    Args:
        database: Where the tables are; whoever made it may share it with other ports.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._begin_turn, self._ask = _upserts(database.dialect)

    async def begin_turn(self, principal_id: str, key: str, *, digest: str, seconds: float) -> TurnClaim:
        """One statement for who gets it, two for the others. A turn that was given up keeps its digest.

        Each call is a holder of its own: tried again on another connection, it knows what it claimed on the lost one.

        Raises:
            IdempotencyMismatch: The key was used for another request.
            ValueError: The key is too long.
        """
        now = datetime.now(UTC)
        row = {
            "principal_id": principal_id,
            "key": known_key(key),
            "digest": digest,
            "response": None,
            "holder": uuid4(),
            "claimed_until": now + timedelta(seconds=seconds),
            "created_at": now,
        }

        def begin(connection: Connection) -> TurnClaim:
            if connection.execute(self._begin_turn, row).rowcount:
                return TurnClaim("mine")
            # The statement before has locked the row, so that it stays.
            turn = connection.execute(_STANDING, {"principal": principal_id, "turn": row["key"]}).one()
            if turn.digest != digest:
                raise IdempotencyMismatch
            return TurnClaim("running") if turn.response is None else TurnClaim("done", turn.response)

        return await self._database.run(begin, writes=True, again=True)

    async def finish_turn(self, principal_id: str, key: str, response: Mapping[str, Any]) -> None:
        """One statement. What was answered first stays."""
        parameters = {"principal": principal_id, "turn": known_key(key), "answered": dict(response)}
        with deadline.lifted():  # what was done is kept, however late it is
            await self._database.run(
                lambda connection: connection.execute(_FINISH, parameters), writes=True, again=True
            )

    async def release_turn(self, principal_id: str, key: str) -> None:
        """One statement."""
        parameters = {"principal": principal_id, "turn": known_key(key)}
        with deadline.lifted():  # it is given up because it is late
            await self._database.run(
                lambda connection: connection.execute(_RELEASE, parameters), writes=True, again=True
            )

    async def ask(self, principal_id: str, conversation_id: str, confirmation: Confirmation) -> None:
        """One statement.

        Raises:
            ValueError: An id is no UUID, or `asked_at` has no time zone.
        """
        row = {
            "principal_id": principal_id,
            "conversation_id": UUID(conversation_id),
            "id": UUID(confirmation.id),
            "calls": [dict(call) for call in confirmation.calls],
            "question": confirmation.question,
            "asked_at": confirmation.asked_at,
        }
        await self._database.run(lambda connection: connection.execute(self._ask, row), writes=True, again=True)

    async def asked(self, principal_id: str, conversation_id: str) -> Confirmation | None:
        """One statement; what is no UUID is no conversation in which something was asked."""
        conversation = uuid_of(conversation_id)
        if conversation is None:
            return None
        parameters = {"principal": principal_id, "conversation": conversation}
        row = await self._database.run(lambda connection: connection.execute(_ASKED, parameters).first(), again=True)
        return None if row is None else Confirmation(str(row.id), tuple(row.calls), row.question, row.asked_at)

    async def settle(self, principal_id: str, conversation_id: str, confirmation_id: str) -> None:
        """One statement; what was asked since then stays."""
        conversation, confirmation = uuid_of(conversation_id), uuid_of(confirmation_id)
        if conversation is None or confirmation is None:
            return
        parameters = {"principal": principal_id, "conversation": conversation, "confirmation": confirmation}
        await self._database.run(lambda connection: connection.execute(_SETTLE, parameters), writes=True, again=True)

    async def remembered(
        self, principal_id: str, kind: RememberedKind, *, after: str | None = None, limit: int
    ) -> list[Remembered]:
        """One statement."""
        statement = _page(kind, after).limit(limit)
        parameters = {"principal": principal_id}
        rows = await self._database.run(lambda connection: connection.execute(statement, parameters).all(), again=True)
        return [_remembered_of(kind, row) for row in rows]


def known_key(key: str) -> str:
    """A key as it is kept.

    Raises:
        ValueError: It is longer than a key may be.
    """
    if len(key) > MOST_KEY_CHARACTERS:
        msg = f"a key has at most {MOST_KEY_CHARACTERS} characters"
        raise ValueError(msg)
    return str(storable(key))


def _upserts(dialect: str) -> tuple[Any, Any]:
    """Statements that claim a turn and keep what was asked, whoever else does so at the same time."""
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert
    begin = insert(TaskTurnRow)
    new = begin.excluded
    free = or_(
        TaskTurnRow.claimed_until.is_(None),
        TaskTurnRow.claimed_until <= new.created_at,
        TaskTurnRow.holder == new.holder,
    )
    begin = begin.on_conflict_do_update(
        index_elements=[TaskTurnRow.principal_id, TaskTurnRow.key],
        set_={"holder": new.holder, "claimed_until": new.claimed_until},
        where=_UNFINISHED & free & (TaskTurnRow.digest == new.digest),
    )
    ask = insert(ConfirmationRow)
    ask = ask.on_conflict_do_update(
        index_elements=[ConfirmationRow.principal_id, ConfirmationRow.conversation_id],
        set_={name: ask.excluded[name] for name in ("id", "calls", "question", "asked_at")},
    )
    return begin, ask


def _page(kind: RememberedKind, after: str | None) -> Select[Any]:
    """What comes after a key, by the index that finds it."""
    statement, key = _REMEMBERED[kind]
    statement = statement.order_by(key)
    if after is None:
        return statement
    return statement.where(key > (UUID(after) if kind == "confirmation" else after))


def _remembered_of(kind: RememberedKind, row: Row[Any]) -> Remembered:
    if kind == "confirmation":
        content = {"id": str(row.id), "question": row.question, "calls": row.calls}
        return Remembered(kind, str(row.conversation_id), row.asked_at, content)
    return Remembered(kind, row.key, row.at, row.result if kind == "write" else row.response)
