"""The tables of turns that are under way and of integrations' keys, the same on SQLite and Postgres."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from lectern.adapters.sql_models import Base
from lectern.adapters.sql_types import Json


class LiveTurnRow(Base):
    """A turn that is written down while it is under way; the columns are those of `lectern.ports.JournalHead`.

    Its conversation may not be there yet, so that no constraint binds them. `holder` is the one claim that may write,
    and `batches` the number of the last batch that it wrote.
    """

    __tablename__ = "live_turns"

    turn_id: Mapped[UUID] = mapped_column(primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(index=True)
    principal_id: Mapped[str | None] = mapped_column(String(255))
    question: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64))
    holder: Mapped[UUID]
    batches: Mapped[int]
    alive_until: Mapped[datetime]
    followed_at: Mapped[datetime | None]
    stop: Mapped[bool]
    created_at: Mapped[datetime]


class TurnEventsRow(Base):
    """A batch of a live turn's events, by its number among them."""

    __tablename__ = "turn_events"

    turn_id: Mapped[UUID] = mapped_column(ForeignKey("live_turns.turn_id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    events: Mapped[list[Any]] = mapped_column(Json)


class ApiKeyRow(Base):
    """A key of an integration; of the key itself only its digest is kept, and its last characters."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(8))
    limits: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
