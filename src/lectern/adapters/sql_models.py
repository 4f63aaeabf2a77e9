"""The tables, the same on SQLite and Postgres.

Column types do what the two disagree on: moments are aware and UTC on both, and text that Postgres would refuse (NUL
characters, lone surrogates, NaN in JSON) is made storable on the way in, so that a save never fails for its content.
"""

import math
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    SmallInteger,
    String,
    Text,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

TITLE_CHARACTERS = 80


def storable(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value with everything replaced that a database would refuse, at any depth.

    NUL becomes U+FFFD, a lone surrogate `?`, and a number that is not finite None.
    """
    match value:
        case str() if value.isascii() and "\x00" not in value:
            return value
        case str():
            return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {storable(key): storable(item) for key, item in value.items()}
        case list() | tuple():
            return [storable(item) for item in value]
        case _:
            return value


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept and given back in UTC. SQLite has no time zones, so it keeps the naive UTC time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware datetime into what the database keeps."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a moment needs its time zone"
            raise ValueError(msg)
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the moment back in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class AnyText(TypeDecorator[str]):
    """Text of any length and content."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what a database would refuse."""
        del dialect
        return None if value is None else str(storable(value))


class Json(TypeDecorator[Any]):
    """A JSON value; JSONB on Postgres."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the database's own JSON type."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(JSON())
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415 - imported by then; 0.1 s where it is not used

        return dialect.type_descriptor(JSONB())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - any JSON value
        """Replace what a database would refuse."""
        del dialect
        return storable(value)


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
    outcome: Mapped[str] = mapped_column(String(16))
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


def title_of(question: str) -> str:
    """A conversation's title: its first question on one line, cut at a word to at most 80 characters."""
    title = " ".join(question.split())
    if len(title) <= TITLE_CHARACTERS:
        return title
    head, _, _ = title[:TITLE_CHARACTERS].rpartition(" ")
    return (head or title[: TITLE_CHARACTERS - 1]) + "…"
