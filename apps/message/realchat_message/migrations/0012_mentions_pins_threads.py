"""Whom messages mention, which are pinned, and which answer one."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE entry ADD COLUMN mentions uuid[], ADD COLUMN mention_all boolean NOT NULL DEFAULT false,"
        " ADD COLUMN pinned_seq bigint"
    )
    op.execute("CREATE INDEX entry_pinned ON entry (conversation_id, pinned_seq) WHERE pinned_seq IS NOT NULL")
    op.execute("CREATE INDEX entry_reply ON entry (reply_to, seq) WHERE reply_to IS NOT NULL")


def downgrade() -> None:
    for index in ("entry_reply", "entry_pinned"):
        op.execute(f"DROP INDEX {index}")
    op.execute("ALTER TABLE entry DROP COLUMN pinned_seq, DROP COLUMN mention_all, DROP COLUMN mentions")
