"""Rewritten pieces of chapters; tasks, and what keeps them from being written twice."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    owner = sa.String(255)
    op.create_table(
        "rewrites",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("holder", sa.String(64), nullable=True),
        sa.Column("claimed_until", moment, nullable=True),
        sa.Column("used_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_rewrites"),
    )
    op.create_index("ix_rewrites_used_at", "rewrites", ["used_at"])
    op.create_table(
        "task_lists",
        sa.Column("principal_id", owner, nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("principal_id", name="pk_task_lists"),
    )
    op.create_table(
        "tasks",
        sa.Column("principal_id", owner, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("completed_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("principal_id", "number", name="pk_tasks"),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["task_lists.principal_id"], name="fk_tasks_principal_id_task_lists", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "task_writes",
        sa.Column("principal_id", owner, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("result", json, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "key", name="pk_task_writes"),
        sa.ForeignKeyConstraint(
            ["principal_id"],
            ["task_lists.principal_id"],
            name="fk_task_writes_principal_id_task_lists",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_task_writes_created_at", "task_writes", ["created_at"])
    op.create_table(
        "task_turns",
        sa.Column("principal_id", owner, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("response", json, nullable=True),
        sa.Column("holder", sa.Uuid(), nullable=True),
        sa.Column("claimed_until", moment, nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "key", name="pk_task_turns"),
    )
    op.create_index("ix_task_turns_created_at", "task_turns", ["created_at"])
    op.create_table(
        "confirmations",
        sa.Column("principal_id", owner, nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("calls", json, nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "conversation_id", name="pk_confirmations"),
    )
    op.create_index("ix_confirmations_asked_at", "confirmations", ["asked_at"])
    op.add_column("turns", sa.Column("tool_calls", json, server_default="[]", nullable=False))


def downgrade() -> None:
    op.drop_column("turns", "tool_calls")
    for table in ("confirmations", "task_turns", "task_writes", "tasks", "task_lists", "rewrites"):
        op.drop_table(table)
