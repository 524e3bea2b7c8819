"""What conversations are to their members."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE member
            ADD COLUMN muted_until_ms bigint NOT NULL DEFAULT 0,
            ADD COLUMN pinned boolean NOT NULL DEFAULT false,
            ADD COLUMN archived boolean NOT NULL DEFAULT false,
            ADD COLUMN draft text NOT NULL DEFAULT '',
            ADD COLUMN draft_at_ms bigint NOT NULL DEFAULT 0
        """
    )


def downgrade() -> None:
    op.execute(
        """
        ALTER TABLE member
            DROP COLUMN muted_until_ms, DROP COLUMN pinned, DROP COLUMN archived,
            DROP COLUMN draft, DROP COLUMN draft_at_ms
        """
    )
