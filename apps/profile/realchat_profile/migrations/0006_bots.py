"""Which profiles are bots'."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE profile ADD COLUMN bot boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    op.execute("ALTER TABLE profile DROP COLUMN bot")
