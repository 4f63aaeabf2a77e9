"""Turns that are written down while they are under way; why a turn ended; keys of integrations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    op.create_table(
        "live_turns",
        sa.Column("turn_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.String(255), nullable=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=False),
        sa.Column("batches", sa.Integer(), nullable=False),
        sa.Column("alive_until", moment, nullable=False),
        sa.Column("followed_at", moment, nullable=True),
        sa.Column("stop", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("turn_id", name="pk_live_turns"),
    )
    op.create_index("ix_live_turns_conversation_id", "live_turns", ["conversation_id"])
    op.create_table(
        "turn_events",
        sa.Column("turn_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("events", json, nullable=False),
        sa.PrimaryKeyConstraint("turn_id", "number", name="pk_turn_events"),
        sa.ForeignKeyConstraint(
            ["turn_id"], ["live_turns.turn_id"], name="fk_turn_events_turn_id_live_turns", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("hint", sa.String(8), nullable=False),
        sa.Column("limits", sa.String(64), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("revoked_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )
    op.add_column("turns", sa.Column("finish", sa.String(40), server_default="stop", nullable=False))


def downgrade() -> None:
    op.drop_column("turns", "finish")
    for table in ("api_keys", "turn_events", "live_turns"):
        op.drop_table(table)
