"""The tables of conversations and people, and of what was rewritten; the same on SQLite and Postgres."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ForeignKey, Index, MetaData, SmallInteger, String, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from lectern.adapters.sql_types import AnyText, Json, Moment

TITLE_CHARACTERS = 80


class Base(DeclarativeBase):
    """The metadata of every table. Constraints have names, so that a migration can change them on any database."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: Moment, str: AnyText, UUID: Uuid}


class ConversationRow(Base):
    """A conversation. `principal_id` is its owner's; NULL or a visitor's while nobody who could sign in owns it.

    An empty title is one that the first question will give.
    """

    __tablename__ = "conversations"
    __table_args__ = (Index(None, "principal_id", "updated_at"), Index(None, "updated_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    principal_id: Mapped[str | None] = mapped_column(String(255))
    title: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class TurnRow(Base):
    """One question and what became of it; the columns are the fields of `lectern.ports.Turn`."""

    __tablename__ = "turns"
    __table_args__ = (Index(None, "conversation_id", "created_at"), Index(None, "created_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    question: Mapped[str]
    context: Mapped[str]
    answer: Mapped[str]
    sources: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    tool_calls: Mapped[list[dict[str, Any]]] = mapped_column(Json, server_default="[]")
    outcome: Mapped[str] = mapped_column(String(16))
    finish: Mapped[str] = mapped_column(String(40), server_default="stop")
    degraded: Mapped[dict[str, str]] = mapped_column(Json)
    usage: Mapped[dict[str, int]] = mapped_column(Json)
    timings: Mapped[dict[str, float]] = mapped_column(Json)
    created_at: Mapped[datetime]


class FeedbackRow(Base):
    """What a reader thought of an answer; the last word counts."""

    __tablename__ = "feedback"

    turn_id: Mapped[UUID] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True)
    rating: Mapped[int] = mapped_column(SmallInteger)
    comment: Mapped[str]
    created_at: Mapped[datetime]


class AccountRow(Base):
    """An account of Lectern's own. Its personal fields are encrypted; it is found by a keyed digest of its e-mail."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email_digest: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class LoginRow(Base):
    """One sign-in of an account; its row gone, its token is worth nothing."""

    __tablename__ = "logins"
    __table_args__ = (Index(None, "account_id"), Index(None, "expires_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ProfileRow(Base):
    """What a principal told of itself, one encrypted JSON object; users of a login server have one, too."""

    __tablename__ = "profiles"

    principal_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    fields: Mapped[str]
    updated_at: Mapped[datetime]


class RewriteRow(Base):
    """A rewritten piece of a chapter, under the digest of all that decides it; no text while it is being made."""

    __tablename__ = "rewrites"
    __table_args__ = (Index(None, "used_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    text: Mapped[str | None]
    holder: Mapped[str | None] = mapped_column(String(64))
    claimed_until: Mapped[datetime | None]
    used_at: Mapped[datetime]


def title_of(question: str) -> str:
    """A conversation's title: its first question on one line, cut at a word to at most 80 characters."""
    title = " ".join(question.split())
    if len(title) <= TITLE_CHARACTERS:
        return title
    head, _, _ = title[:TITLE_CHARACTERS].rpartition(" ")
    return (head or title[: TITLE_CHARACTERS - 1]) + "…"
