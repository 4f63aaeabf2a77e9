"""What readers do with their kept conversations, on a SQL database: one statement a verb, ownership in it.

A verb that changes something asks a second time only when it found nothing to change, to tell why.
"""

from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Integer, Row, ScalarSelect, SmallInteger, bindparam, func, select, true, update

from lectern.adapters.sql_database import Database
from lectern.adapters.sql_models import ConversationRow, FeedbackRow, TurnRow
from lectern.adapters.sql_ownership import NAMED, REACHABLE, known_id, refusal
from lectern.adapters.sql_statements import turn_of
from lectern.adapters.sql_types import AnyText, Moment
from lectern.errors import ConversationNotFound, Forbidden, TurnNotFound
from lectern.ports import Conversation, Feedback, Turn
from lectern.principal import is_anonymous


def _turns_of(conversation: Any) -> ScalarSelect[int]:  # noqa: ANN401 - a column or a scalar subquery
    return select(func.count()).select_from(TurnRow).where(TurnRow.conversation_id == conversation).scalar_subquery()


# The page is cut out first, so that only its own conversations are counted. BETWEEN is the equality that leaves the
# owner in the order: only the index of both has that, so that Postgres never walks everybody's by their last use.
_page = (
    select(ConversationRow)
    .where(ConversationRow.principal_id.between(bindparam("principal"), bindparam("principal")))
    .order_by(ConversationRow.principal_id.desc(), ConversationRow.updated_at.desc(), ConversationRow.id.desc())
    .limit(bindparam("most", type_=Integer()))
    .offset(bindparam("skipped", type_=Integer()))
    .subquery("page")
)
OWNED = select(_page, _turns_of(_page.c.id).label("turns")).order_by(_page.c.updated_at.desc(), _page.c.id.desc())

_mine = select(ConversationRow).where(NAMED, REACHABLE).cte("mine")
_mine_id = select(_mine.c.id).scalar_subquery()  # depends on no row: found once, and without it no turn is read
_latest = (
    select(TurnRow)
    .where(TurnRow.conversation_id == _mine_id)
    .order_by(TurnRow.created_at.desc(), TurnRow.id.desc())
    .limit(bindparam("most", type_=Integer()))
    .offset(bindparam("skipped", type_=Integer()))
    .subquery("latest")
)
# A row tells that there is such a conversation; `reached` is NULL in it when it is another's.
READ = (
    select(
        _mine.c.id.label("reached"),
        _mine.c.principal_id,
        _mine.c.title,
        _mine.c.created_at.label("begun_at"),
        _mine.c.updated_at,
        _turns_of(_mine_id).label("turns"),
        _latest,
    )
    .select_from(ConversationRow)
    .outerjoin(_mine, true())
    .outerjoin(_latest, true())
    .where(NAMED)
    .order_by(_latest.c.created_at, _latest.c.id)
)
RENAME = update(ConversationRow).where(NAMED, REACHABLE).values(title=bindparam("name", type_=AnyText()))
CLAIM = (
    update(ConversationRow)
    .where(ConversationRow.principal_id == bindparam("visitor"))
    .values(principal_id=bindparam("principal"))
)
_TURN_EXISTS = select(TurnRow.id).where(TurnRow.id == bindparam("turn"))


class SqlConversations:
    """Implements `lectern.ports.Conversations`.

    Args:
        database: Where the tables are; whoever made it may share it with other ports.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._start, self._rate = _inserts(database.dialect)

    async def owned_by(self, principal_id: str, *, limit: int, offset: int) -> list[Conversation]:
        """Its conversations, the last used first, in one statement."""
        parameters = {"principal": principal_id, "most": limit, "skipped": offset}
        rows = await self._database.run(lambda connection: connection.execute(OWNED, parameters).all(), again=True)
        return [
            Conversation(str(row.id), row.principal_id, row.title, row.created_at, row.updated_at, row.turns)
            for row in rows
        ]

    async def start(self, principal_id: str, title: str) -> Conversation:
        """Begin one without a turn, in one statement."""
        identity, now = uuid4(), datetime.now(UTC)
        values = {"id": identity, "principal_id": principal_id, "title": title, "created_at": now, "updated_at": now}
        await self._database.run(
            lambda connection: connection.execute(self._start, values).rowcount, writes=True, again=True
        )
        return Conversation(str(identity), principal_id, title, now, now, turns=0)

    async def read(
        self, conversation_id: str, *, principal_id: str, limit: int, offset: int = 0
    ) -> tuple[Conversation, list[Turn]]:
        """One with its last turns, in one statement."""
        conversation = known_id(conversation_id)
        parameters = {"conversation": conversation, "principal": principal_id, "most": limit, "skipped": offset}
        rows = await self._database.run(lambda connection: connection.execute(READ, parameters).all(), again=True)
        if not rows:
            raise ConversationNotFound
        if rows[0].reached is None:
            raise Forbidden
        return _conversation_of(rows[0]), [turn_of(row) for row in rows if row.id is not None]

    async def rename(self, conversation_id: str, title: str, *, principal_id: str) -> None:
        """Give it a title, in one statement."""
        conversation = known_id(conversation_id)
        parameters = {"conversation": conversation, "principal": principal_id, "name": title}

        def rename(connection: Connection) -> None:
            if not connection.execute(RENAME, parameters).rowcount:
                raise refusal(connection, conversation)

        await self._database.run(rename, writes=True, again=True)

    async def claim(self, visitor_id: str, principal_id: str) -> int:
        """Give all of a visitor's conversations to who it turned out to be, in one statement.

        Raises:
            ValueError: The first is no visitor, or the second is one.
        """
        if not is_anonymous(visitor_id) or is_anonymous(principal_id):
            msg = "what is claimed is a visitor's, and who claims it is not one"
            raise ValueError(msg)
        parameters = {"visitor": visitor_id, "principal": principal_id}
        return await self._database.run(
            lambda connection: connection.execute(CLAIM, parameters).rowcount, writes=True, again=True
        )

    async def rate(self, feedback: Feedback, *, principal_id: str) -> None:
        """Keep what a reader thought of an answer, in one statement."""
        turn = _known_turn(feedback.turn_id)
        parameters = {
            "turn": turn,
            "principal": principal_id,
            "given": feedback.rating,
            "said": feedback.comment,
            "now": datetime.now(UTC),
        }

        def rate(connection: Connection) -> None:
            if not connection.execute(self._rate, parameters).rowcount:
                known = connection.execute(_TURN_EXISTS, {"turn": turn}).first()
                raise TurnNotFound if known is None else Forbidden

        await self._database.run(rate, writes=True, again=True)


def _inserts(dialect: str) -> tuple[Any, Any]:
    """Statements that keep a new conversation and a rating; doing them twice is the same as once."""
    # Both dialects offer the same methods, but share no type that has them; Postgres's takes 0.1 s to import.
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert
    rated = (
        select(
            TurnRow.id,
            bindparam("given", type_=SmallInteger()),
            bindparam("said", type_=AnyText()),
            bindparam("now", type_=Moment()),
        )
        .join(ConversationRow, ConversationRow.id == TurnRow.conversation_id)
        .where(TurnRow.id == bindparam("turn"), REACHABLE)
    )
    rate = insert(FeedbackRow).from_select(["turn_id", "rating", "comment", "created_at"], rated)
    rate = rate.on_conflict_do_update(
        index_elements=[FeedbackRow.turn_id],
        set_={name: rate.excluded[name] for name in ("rating", "comment", "created_at")},
    )
    return insert(ConversationRow).on_conflict_do_nothing(index_elements=[ConversationRow.id]), rate


def _conversation_of(row: Row[Any]) -> Conversation:
    """A conversation as the core knows it, from a row of `READ`."""
    return Conversation(str(row.reached), row.principal_id, row.title, row.begun_at, row.updated_at, row.turns)


def _known_turn(turn_id: str) -> UUID:
    """The id as a UUID. What is no UUID names no turn."""
    try:
        return UUID(turn_id)
    except ValueError:
        raise TurnNotFound from None
