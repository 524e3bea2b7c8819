"""Who sees somebody's receipts."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE receipt_privacy (
            user_id uuid PRIMARY KEY,
            audience smallint NOT NULL,
            version bigint NOT NULL
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE receipt_privacy")
