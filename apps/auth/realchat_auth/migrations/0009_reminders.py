"""Who is reminded by mail of what waits unread, and when that was done last."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE account ADD COLUMN reminders boolean NOT NULL DEFAULT true,"
        " ADD COLUMN remind_at_ms bigint NOT NULL DEFAULT 0,"
        " ADD COLUMN reminded_at_ms bigint, ADD COLUMN reminded_read_mark bigint"
    )
    op.execute(
        "CREATE INDEX account_remind ON account (remind_at_ms)"
        " WHERE reminders AND email_verified_at_ms IS NOT NULL AND suspended_at_ms IS NULL"
    )


def downgrade() -> None:
    op.execute(
        "ALTER TABLE account DROP COLUMN reminded_read_mark, DROP COLUMN reminded_at_ms, DROP COLUMN remind_at_ms,"
        " DROP COLUMN reminders"
    )
