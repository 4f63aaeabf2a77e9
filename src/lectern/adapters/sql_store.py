"""The conversation store on a SQL database: one short transaction a verb.

Whose a conversation is, is a condition of each statement, so that it holds whoever claims or deletes meanwhile.
"""

from uuid import UUID

from sqlalchemy import Connection

from lectern.adapters.sql_database import Database
from lectern.adapters.sql_ownership import known_id, refusal
from lectern.adapters.sql_statements import (
    DELETE,
    DELETE_LIVE,
    DELETE_LIVE_OF,
    DELETE_OF,
    FIND,
    GO_ON,
    HISTORY,
    going_on,
    rows_of,
    turn_of,
    upserts,
)
from lectern.errors import ConversationNotFound, Forbidden, TurnNotFound
from lectern.ports import Part, Turn
from lectern.resilience import deadline


class SqlStore:
    """Implements `lectern.ports.Store`.

    Args:
        database: Where the tables are; whoever made it may share it with other ports.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._begin, self._save_turn = upserts(database.dialect)

    async def history(self, conversation_id: str, *, limit: int, principal_id: str | None = None) -> list[Turn]:
        """The conversation's last `limit` turns, oldest first, in one statement."""
        parameters = {"conversation": known_id(conversation_id), "principal": principal_id, "turns": limit}
        rows = await self._database.run(lambda connection: connection.execute(HISTORY, parameters).all(), again=True)
        if not rows:
            raise ConversationNotFound
        if not rows[0].reachable:
            raise Forbidden
        return [turn_of(row) for row in rows if row.id is not None]

    async def turn(self, turn_id: str, *, principal_id: str | None = None) -> Turn:
        """One turn that was saved, in one statement."""
        try:
            parameters = {"turn": UUID(turn_id), "principal": principal_id}
        except ValueError:
            raise TurnNotFound from None
        row = await self._database.run(lambda connection: connection.execute(FIND, parameters).first(), again=True)
        if row is None:
            raise TurnNotFound
        return turn_of(row)

    async def save_turn(self, turn: Turn) -> None:
        """Keep a turn, and its conversation when it begins one, in two statements. Saving it again changes nothing.

        Raises:
            ValueError: An id is no UUID, or `created_at` has no time zone.
        """
        conversation, row = rows_of(turn)
        statement, values = (self._begin, conversation) if turn.begins else (GO_ON, going_on(conversation))

        def save(connection: Connection) -> None:
            if not connection.execute(statement, values).rowcount:
                raise refusal(connection, conversation["id"])
            connection.execute(self._save_turn, row)

        with deadline.lifted():  # what was answered is kept, however late it is
            await self._database.run(save, writes=True, again=True)

    async def delete_conversation(self, conversation_id: str, *, principal_id: str | None = None) -> None:
        """Delete a conversation and all its turns for good, also those under way, in two statements.

        One whose first turn is under way is only known by that.
        """
        conversation = known_id(conversation_id)
        parameters = {"conversation": conversation, "principal": principal_id}

        def delete(connection: Connection) -> None:
            under_way = connection.execute(DELETE_LIVE, parameters).rowcount
            if not connection.execute(DELETE, parameters).rowcount:
                refused = refusal(connection, conversation)
                if isinstance(refused, Forbidden) or not under_way:
                    raise refused

        await self._database.run(delete, writes=True)

    async def delete_conversations_of(self, principal_id: str) -> int:
        """Delete all conversations of a principal for good, and its turns under way, in two statements."""
        parameters = {"principal": principal_id}

        def delete(connection: Connection) -> int:
            connection.execute(DELETE_LIVE_OF, parameters)
            return connection.execute(DELETE_OF, parameters).rowcount

        return await self._database.run(delete, writes=True, again=True)

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
