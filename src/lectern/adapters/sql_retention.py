"""Deletes from a SQL database what has been kept for long enough."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Delete, bindparam, delete, or_, select, tuple_

from lectern.adapters.sql_database import Database
from lectern.adapters.sql_models import ConversationRow, LoginRow, RewriteRow
from lectern.adapters.sql_task_models import ConfirmationRow, TaskTurnRow, TaskWriteRow
from lectern.adapters.sql_turn_models import ApiKeyRow, LiveTurnRow
from lectern.principal import VISITOR_PREFIX

_OLD: Final = ConversationRow.updated_at < bindparam("before")
_ANONYMOUS: Final = or_(
    ConversationRow.principal_id.is_(None), ConversationRow.principal_id.startswith(VISITOR_PREFIX, autoescape=True)
)
_EXPIRED: Final = {
    # Both conditions stand in the deletion itself, too: whoever goes on with one meanwhile, or claims it, keeps it.
    anonymous: delete(ConversationRow).where(
        ConversationRow.id.in_(
            select(ConversationRow.id).where(_OLD, whose).order_by(ConversationRow.updated_at).limit(bindparam("most"))
        ),
        _OLD,
        whose,
    )
    for anonymous, whose in ((True, _ANONYMOUS), (False, ~_ANONYMOUS))
}
_UNUSED: Final = RewriteRow.used_at < bindparam("before")
_EXPIRED_REWRITES: Final = delete(RewriteRow).where(
    RewriteRow.key.in_(select(RewriteRow.key).where(_UNUSED).order_by(RewriteRow.used_at).limit(bindparam("most"))),
    _UNUSED,
)
_REMEMBERED: Final = (
    (TaskWriteRow, TaskWriteRow.key, TaskWriteRow.created_at),
    (TaskTurnRow, TaskTurnRow.key, TaskTurnRow.created_at),
    (ConfirmationRow, ConfirmationRow.conversation_id, ConfirmationRow.asked_at),
)
_EXPIRED_TASK_KEYS: Final = tuple(
    delete(table).where(
        tuple_(table.principal_id, key).in_(
            select(table.principal_id, key).where(at < bindparam("before")).order_by(at).limit(bindparam("most"))
        ),
        at < bindparam("before"),  # a question may have been asked anew meanwhile
    )
    for table, key, at in _REMEMBERED
)
_EXPIRED_LOGINS: Final = delete(LoginRow).where(LoginRow.expires_at < bindparam("before"))
_DEAD: Final = LiveTurnRow.alive_until < bindparam("before")
_EXPIRED_LIVE_TURNS: Final = delete(LiveTurnRow).where(
    LiveTurnRow.turn_id.in_(
        select(LiveTurnRow.turn_id).where(_DEAD).order_by(LiveTurnRow.alive_until).limit(bindparam("most"))
    ),
    _DEAD,
)
_WORTHLESS: Final = or_(ApiKeyRow.revoked_at < bindparam("before"), ApiKeyRow.expires_at < bindparam("before"))
_EXPIRED_API_KEYS: Final = delete(ApiKeyRow).where(
    ApiKeyRow.id.in_(select(ApiKeyRow.id).where(_WORTHLESS).order_by(ApiKeyRow.created_at).limit(bindparam("most")))
)
_EMPTY_LOG: Final = "PRAGMA wal_checkpoint(TRUNCATE)"


class SqlRetention:
    """Implements `lectern.ports.Retention`.

    Args:
        database: Where the tables are; whoever made it may share it with other ports.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def expire_conversations(self, before: datetime, *, anonymous: bool, most: int) -> int:
        """Delete the oldest, in one statement; their turns and feedback go with them."""
        return await self._expire(_EXPIRED[anonymous], before, most)

    async def expire_logins(self, before: datetime) -> int:
        """Delete them, in one statement."""
        return await self._database.run(
            lambda connection: connection.execute(_EXPIRED_LOGINS, {"before": before}).rowcount,
            writes=True,
            again=True,
        )

    async def expire_rewrites(self, before: datetime, *, most: int) -> int:
        """Delete the longest unused, in one statement; one that is used meanwhile stays."""
        return await self._expire(_EXPIRED_REWRITES, before, most)

    async def expire_task_keys(self, before: datetime, *, most: int) -> int:
        """Delete the oldest, in a statement for each kind."""
        parameters = {"before": before, "most": most}

        def expire(connection: Connection) -> int:
            return sum(connection.execute(statement, parameters).rowcount for statement in _EXPIRED_TASK_KEYS)

        return await self._database.run(expire, writes=True, again=True)

    async def expire_live_turns(self, before: datetime, *, most: int) -> int:
        """Delete the longest dead, in one statement; their events go with them. So small a table wants no index."""
        return await self._expire(_EXPIRED_LIVE_TURNS, before, most)

    async def expire_api_keys(self, before: datetime, *, most: int) -> int:
        """Delete the oldest, in one statement."""
        return await self._expire(_EXPIRED_API_KEYS, before, most)

    async def _expire(self, statement: Delete, before: datetime, most: int) -> int:
        parameters = {"before": before, "most": most}
        return await self._database.run(
            lambda connection: connection.execute(statement, parameters).rowcount, writes=True, again=True
        )

    async def scrub(self) -> None:
        """Empty SQLite's log of changes, which repeats what was there before; a server does such things by itself."""
        if self._database.dialect == "sqlite":

            def empty(connection: Connection) -> None:
                connection.exec_driver_sql(_EMPTY_LOG)

            await self._database.run(empty, writes=True, again=True)
