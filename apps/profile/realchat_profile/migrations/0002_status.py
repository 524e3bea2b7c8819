"""Avatars, status texts, and when a handle was changed."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE profile
            ADD COLUMN avatar_id uuid,
            ADD COLUMN status_text text NOT NULL DEFAULT '',
            ADD COLUMN status_until_ms bigint NOT NULL DEFAULT 0,
            ADD COLUMN handle_changed_ms bigint[] NOT NULL DEFAULT '{}'
        """
    )


def downgrade() -> None:
    op.execute(
        """
        ALTER TABLE profile
            DROP COLUMN avatar_id,
            DROP COLUMN status_text,
            DROP COLUMN status_until_ms,
            DROP COLUMN handle_changed_ms
        """
    )
