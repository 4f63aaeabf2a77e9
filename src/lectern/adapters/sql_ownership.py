"""Whose a conversation is, as a part of statements: who may not have it gets no row, and so none of its text."""

from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, func, or_, select

from lectern.adapters.sql_models import ConversationRow
from lectern.errors import ConversationNotFound, Forbidden
from lectern.principal import VISITOR_PREFIX

OWNER = cast("ColumnElement[str | None]", ConversationRow.principal_id)
PRINCIPAL = bindparam("principal", type_=ConversationRow.principal_id.type)
NAMED: ColumnElement[bool] = ConversationRow.id == bindparam("conversation")
"""The conversation whose id is the parameter."""


def anonymous(principal_id: ColumnElement[str | None]) -> ColumnElement[bool]:
    """As `lectern.principal.is_anonymous`. Not by LIKE, to which SQLite's small and large letters are the same."""
    return or_(principal_id.is_(None), func.substr(principal_id, 1, len(VISITOR_PREFIX)) == VISITOR_PREFIX)


def reachable(principal: ColumnElement[str | None], owner: ColumnElement[str | None] = OWNER) -> ColumnElement[bool]:
    """Whether a principal may use a conversation: nobody who could sign in owns it, or this very principal does."""
    return or_(anonymous(owner), principal == owner)


REACHABLE = reachable(PRINCIPAL)
"""Whether the principal that is the parameter may use the conversation."""

_KNOWN = select(ConversationRow.id).where(NAMED)


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
    known = connection.execute(_KNOWN, {"conversation": conversation}).first()
    return ConversationNotFound() if known is None else Forbidden()
