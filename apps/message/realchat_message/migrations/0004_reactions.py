"""Who gave which message which emoji."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Ids of messages are unique over all conversations.
    op.execute(
        """
        CREATE TABLE reaction (
            message_id uuid NOT NULL,
            emoji text NOT NULL,
            user_id uuid NOT NULL,
            seq bigint NOT NULL,
            reacted_at_ms bigint NOT NULL,
            PRIMARY KEY (message_id, emoji, user_id)
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE reaction")
