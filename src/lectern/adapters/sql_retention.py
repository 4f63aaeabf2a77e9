"""Deletes from a SQL database what has been kept for long enough."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, or_, select

from lectern.adapters.sql_database import Database
from lectern.adapters.sql_models import ConversationRow, LoginRow
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
_EXPIRED_LOGINS: Final = delete(LoginRow).where(LoginRow.expires_at < bindparam("before"))
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
        parameters = {"before": before, "most": most}
        return await self._database.run(
            lambda connection: connection.execute(_EXPIRED[anonymous], parameters).rowcount, writes=True, again=True
        )

    async def expire_logins(self, before: datetime) -> int:
        """Delete them, in one statement."""
        return await self._database.run(
            lambda connection: connection.execute(_EXPIRED_LOGINS, {"before": before}).rowcount,
            writes=True,
            again=True,
        )

    async def scrub(self) -> None:
        """Empty SQLite's log of changes, which repeats what was there before; a server does such things by itself."""
        if self._database.dialect == "sqlite":

            def empty(connection: Connection) -> None:
                connection.exec_driver_sql(_EMPTY_LOG)

            await self._database.run(empty, writes=True, again=True)
