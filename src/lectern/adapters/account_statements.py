"""The statements of accounts, logins, profiles, and of what is held of a principal. No connection is opened here."""

from importlib import import_module
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Row, and_, bindparam, delete, insert, or_, select, update

from lectern.adapters.sql_models import AccountRow, ConversationRow, FeedbackRow, LoginRow, ProfileRow, TurnRow
from lectern.adapters.sql_statements import turn_of
from lectern.ports import Held

BY_DIGEST = select(AccountRow).where(AccountRow.email_digest.in_(bindparam("digests", expanding=True)))
BY_ID = select(AccountRow).where(AccountRow.id == bindparam("account"))
STILL_THERE = (
    select(AccountRow.id).where(AccountRow.id == bindparam("account")).with_for_update(read=True, key_share=True)
)
"""On Postgres it keeps the account from being deleted until the transaction ends; SQLite has one writer anyway."""

BY_LOGIN = (
    select(AccountRow)
    .join(LoginRow, LoginRow.account_id == AccountRow.id)
    .where(
        LoginRow.id == bindparam("login"),
        AccountRow.id == bindparam("account"),
        LoginRow.expires_at > bindparam("now"),
    )
)
OTHERS_OF_DIGESTS = select(AccountRow.id).where(
    AccountRow.email_digest.in_(bindparam("digests", expanding=True)), AccountRow.id != bindparam("account")
)
REHASH = (
    update(AccountRow)
    .where(AccountRow.id == bindparam("account"), AccountRow.password_hash == bindparam("old"))
    .values(password_hash=bindparam("new"))
)
FORGET_ACCOUNT = delete(AccountRow).where(AccountRow.id == bindparam("account"))

BEGIN = insert(LoginRow)
END = delete(LoginRow).where(LoginRow.id == bindparam("login"))
END_EXPIRED = delete(LoginRow).where(
    LoginRow.account_id == bindparam("account"), LoginRow.expires_at <= bindparam("now")
)
LOGINS = (
    select(LoginRow)
    .where(LoginRow.account_id == bindparam("account"))
    .order_by(LoginRow.created_at.desc(), LoginRow.id)
    .limit(1000)
)

PROFILE = select(ProfileRow.fields).where(ProfileRow.principal_id == bindparam("principal"))
CHANGE_PROFILE = (
    update(ProfileRow)
    .where(ProfileRow.principal_id == bindparam("principal"), ProfileRow.fields == bindparam("old"))
    .values(fields=bindparam("new"), updated_at=bindparam("now"))
)
FORGET_PROFILE = delete(ProfileRow).where(ProfileRow.principal_id == bindparam("principal"))


def inserts(dialect: str) -> tuple[Any, Any]:
    """Statements that keep an account and a profile unless there is one, whoever else does so at the same time."""
    make = import_module(f"sqlalchemy.dialects.{dialect}").insert
    account = make(AccountRow).on_conflict_do_nothing(index_elements=[AccountRow.email_digest])
    return account, make(ProfileRow).on_conflict_do_nothing(index_elements=[ProfileRow.principal_id])


def page_of_held(principal_id: str, after: Held | None, limit: int) -> Executable:
    """A page of turns with their conversations and ratings; by keys, so the last page costs what the first does."""
    statement = (
        select(
            ConversationRow.id.label("owned_id"),
            ConversationRow.title.label("owned_title"),
            ConversationRow.created_at.label("owned_created_at"),
            ConversationRow.updated_at.label("owned_updated_at"),
            TurnRow,
            FeedbackRow.rating,
            FeedbackRow.comment,
        )
        .outerjoin(TurnRow, TurnRow.conversation_id == ConversationRow.id)
        .outerjoin(FeedbackRow, FeedbackRow.turn_id == TurnRow.id)
        .where(ConversationRow.principal_id == principal_id)
        .order_by(ConversationRow.id, TurnRow.created_at, TurnRow.id)
        .limit(limit)
    )
    if after is None:
        return statement
    conversation = UUID(after.conversation_id)
    rest = ConversationRow.id > conversation
    if (turn := after.turn) is not None:
        later = or_(
            TurnRow.created_at > turn.created_at,
            and_(TurnRow.created_at == turn.created_at, TurnRow.id > UUID(turn.id)),
        )
        rest = or_(rest, and_(ConversationRow.id == conversation, later))
    return statement.where(rest)


def held_of(row: Row[Any]) -> Held:
    """An entry as the core knows it."""
    return Held(
        conversation_id=str(row.owned_id),
        title=row.owned_title,
        created_at=row.owned_created_at,
        updated_at=row.owned_updated_at,
        turn=turn_of(row) if row.id is not None else None,
        rating=row.rating,
        comment=row.comment or "",
    )
