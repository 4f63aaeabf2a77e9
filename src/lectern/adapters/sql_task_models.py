"""The tables of readers' tasks, the same on SQLite and Postgres."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from lectern.adapters.sql_models import Base
from lectern.adapters.sql_types import Json


class TaskListRow(Base):
    """A principal's tasks as a whole: the last number given. Each write locks its row, which puts writes in line."""

    __tablename__ = "task_lists"

    principal_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    last_number: Mapped[int]


class TaskRow(Base):
    """A task, by its number among its owner's."""

    __tablename__ = "tasks"

    principal_id: Mapped[str] = mapped_column(
        String(255), ForeignKey("task_lists.principal_id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str]
    description: Mapped[str]
    status: Mapped[str] = mapped_column(String(16))
    due_date: Mapped[date | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]


class TaskWriteRow(Base):
    """A write that has a key: which verb it was, and what it returned."""

    __tablename__ = "task_writes"
    __table_args__ = (Index(None, "created_at"),)

    principal_id: Mapped[str] = mapped_column(
        String(255), ForeignKey("task_lists.principal_id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    action: Mapped[str] = mapped_column(String(16))
    result: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    created_at: Mapped[datetime]


class TaskTurnRow(Base):
    """A turn of the assistant that has a key, and what it answered; without a response while it is under way."""

    __tablename__ = "task_turns"
    __table_args__ = (Index(None, "created_at"),)

    principal_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    response: Mapped[dict[str, Any] | None] = mapped_column(Json(none_as_null=True))
    holder: Mapped[UUID | None]
    claimed_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class ConfirmationRow(Base):
    """What the assistant has asked in a conversation and waits to be told."""

    __tablename__ = "confirmations"
    __table_args__ = (Index(None, "asked_at"),)

    principal_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    calls: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    question: Mapped[str]
    asked_at: Mapped[datetime]
