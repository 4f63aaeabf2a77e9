"""The conversation store on a SQL database: one short transaction a verb."""

from uuid import UUID

from sqlalchemy import Connection

from lectern.adapters.sql_database import Database
from lectern.adapters.sql_statements import DELETE, DELETE_OF, HISTORY, rows_of, turn_of, upserts
from lectern.errors import ConversationNotFound
from lectern.ports import Part, Turn
from lectern.resilience import deadline


class SqlStore:
    """Implements `lectern.ports.Store`.

    Args:
        database: Where the tables are; whoever made it may share it with other ports.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._save_conversation, self._save_turn = upserts(database.dialect)

    async def history(self, conversation_id: str, *, limit: int, principal_id: str | None = None) -> list[Turn]:
        """The conversation's last `limit` turns, oldest first, in one statement."""
        del principal_id
        parameters = {"conversation": _known_id(conversation_id), "turns": limit}
        rows = await self._database.run(lambda connection: connection.execute(HISTORY, parameters).all(), again=True)
        if not rows:
            raise ConversationNotFound
        return [turn_of(row) for row in rows if row.id is not None]

    async def save_turn(self, turn: Turn) -> None:
        """Keep a turn, and its conversation when it is the first, in two statements. Saving it again changes nothing.

        Raises:
            ValueError: An id is no UUID, or `created_at` has no time zone.
        """
        conversation, row = rows_of(turn)

        def save(connection: Connection) -> None:
            connection.execute(self._save_conversation, conversation)
            connection.execute(self._save_turn, row)

        with deadline.lifted():  # what was answered is kept, however late it is
            await self._database.run(save, writes=True, again=True)

    async def delete_conversation(self, conversation_id: str, *, principal_id: str | None = None) -> None:
        """Delete a conversation and all its turns for good, in one statement."""
        del principal_id
        parameters = {"conversation": _known_id(conversation_id)}
        deleted = await self._database.run(
            lambda connection: connection.execute(DELETE, parameters).rowcount, writes=True
        )
        if not deleted:
            raise ConversationNotFound

    async def delete_conversations_of(self, principal_id: str) -> int:
        """Delete all conversations of a principal for good, in one statement."""
        parameters = {"principal": principal_id}
        return await self._database.run(
            lambda connection: connection.execute(DELETE_OF, parameters).rowcount, writes=True, again=True
        )

    def describe(self) -> Part:
        """The database."""
        return self._database.describe()

    def forget_connections(self) -> None:
        """As the database's own."""
        self._database.forget_connections()

    async def warm(self) -> None:
        """As the database's own."""
        await self._database.warm()

    async def close(self) -> None:
        """As the database's own."""
        await self._database.close()


def _known_id(conversation_id: str) -> UUID:
    """The id as a UUID. What is no UUID names no conversation."""
    try:
        return UUID(conversation_id)
    except ValueError:
        raise ConversationNotFound from None
