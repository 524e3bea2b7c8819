"""Files of scheduled messages: kept for them until they are sent."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE scheduled ADD COLUMN attachment_ids uuid[] NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE attachment ADD COLUMN scheduled_id uuid")
    op.execute("CREATE INDEX attachment_scheduled ON attachment (scheduled_id) WHERE scheduled_id IS NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE attachment DROP COLUMN scheduled_id")
    op.execute("ALTER TABLE scheduled DROP COLUMN attachment_ids")
