"""Whose a conversation is, as a part of statements: who may not have it gets no row, and so none of its text."""

from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, func, or_, select

from lectern.adapters.sql_models import ConversationRow
from lectern.errors import ConversationNotFound, Forbidden
from lectern.principal import VISITOR_PREFIX

REACHABLE: ColumnElement[bool] = or_(
    ConversationRow.principal_id.is_(None),
    func.substr(ConversationRow.principal_id, 1, len(VISITOR_PREFIX)) == VISITOR_PREFIX,
    ConversationRow.principal_id == bindparam("principal"),
)
"""A conversation of nobody or of a visitor is for whoever knows its id, any other for its owner only."""

_EXISTS = select(ConversationRow.id).where(ConversationRow.id == bindparam("conversation"))


def known_id(conversation_id: str) -> UUID:
    """The id as a UUID. What is no UUID names no conversation.

    Raises:
        ConversationNotFound: It is none.
    """
    try:
        return UUID(conversation_id)
    except ValueError:
        raise ConversationNotFound from None


def refusal(connection: Connection, conversation: UUID) -> Forbidden | ConversationNotFound:
    """Why a statement that wants a reachable conversation found none: there is none, or it is another's."""
    known = connection.execute(_EXISTS, {"conversation": conversation}).first()
    return ConversationNotFound() if known is None else Forbidden()
