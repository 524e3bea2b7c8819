"""Messages that are edited, deleted for everyone, or hidden."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE entry ADD COLUMN edited_at_ms bigint NOT NULL DEFAULT 0, ADD COLUMN target uuid")
    op.execute("CREATE INDEX entry_target ON entry (conversation_id, target, seq) WHERE target IS NOT NULL")
    op.execute(
        """
        CREATE TABLE revision (
            conversation_id uuid NOT NULL,
            message_id uuid NOT NULL,
            until_seq bigint NOT NULL,
            body text NOT NULL,
            written_at_ms bigint NOT NULL,
            PRIMARY KEY (conversation_id, message_id, until_seq)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE redaction (
            conversation_id uuid NOT NULL,
            message_id uuid NOT NULL,
            PRIMARY KEY (conversation_id, message_id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE hidden (
            conversation_id uuid NOT NULL,
            user_id uuid NOT NULL,
            seq bigint NOT NULL,
            PRIMARY KEY (conversation_id, user_id, seq)
        )
        """
    )


def downgrade() -> None:
    for table in ("hidden", "redaction", "revision"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP INDEX entry_target")
    op.execute("ALTER TABLE entry DROP COLUMN target, DROP COLUMN edited_at_ms")
