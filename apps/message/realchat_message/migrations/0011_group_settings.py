"""Groups in which only administrators write, or whose history is open to newcomers."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE head
            ADD COLUMN admins_only boolean NOT NULL DEFAULT false,
            ADD COLUMN open_history boolean NOT NULL DEFAULT false
        """
    )


def downgrade() -> None:
    op.execute("ALTER TABLE head DROP COLUMN admins_only, DROP COLUMN open_history")
