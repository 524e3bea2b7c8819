"""Webhooks, where bots are, and what was taken up for them."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE webhook (
            webhook_id uuid PRIMARY KEY,
            bot_id uuid NOT NULL REFERENCES bot ON DELETE CASCADE,
            url text NOT NULL,
            sealed_secret bytea NOT NULL,
            created_at_ms bigint NOT NULL,
            failing_since_ms bigint,
            disabled_at_ms bigint
        )
        """
    )
    op.execute("CREATE INDEX webhook_of_bot ON webhook (bot_id)")
    op.execute(
        """
        CREATE TABLE bot_member (
            conversation_id uuid NOT NULL,
            bot_id uuid NOT NULL REFERENCES bot ON DELETE CASCADE,
            PRIMARY KEY (conversation_id, bot_id)
        )
        """
    )
    op.execute("CREATE INDEX bot_member_of_bot ON bot_member (bot_id)")
    op.execute(
        """
        CREATE TABLE webhook_seen (
            webhook_id uuid NOT NULL REFERENCES webhook ON DELETE CASCADE,
            event_id uuid NOT NULL,
            at_ms bigint NOT NULL,
            PRIMARY KEY (webhook_id, event_id)
        )
        """
    )
    op.execute("CREATE INDEX webhook_seen_at ON webhook_seen (at_ms)")


def downgrade() -> None:
    for table in ("webhook_seen", "bot_member", "webhook"):
        op.execute(f"DROP TABLE {table}")
