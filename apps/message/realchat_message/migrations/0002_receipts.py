"""How far members have come in their conversations."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Updated again and again, and no index on what changes: such updates stay within their page.
    op.execute(
        """
        CREATE TABLE receipt (
            conversation_id uuid NOT NULL,
            user_id uuid NOT NULL,
            delivered_up_to bigint NOT NULL DEFAULT 0,
            read_up_to bigint NOT NULL DEFAULT 0,
            marked_unread boolean NOT NULL DEFAULT false,
            PRIMARY KEY (conversation_id, user_id),
            CHECK (read_up_to <= delivered_up_to)
        ) WITH (fillfactor = 70)
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE receipt")
