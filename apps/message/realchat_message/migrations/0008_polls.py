"""What members answer to polls."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE vote (
            message_id uuid NOT NULL,
            user_id uuid NOT NULL,
            choices integer[] NOT NULL,
            PRIMARY KEY (message_id, user_id)
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE vote")
