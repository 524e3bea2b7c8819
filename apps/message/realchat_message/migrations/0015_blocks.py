"""Whom somebody has blocked, or was blocked by, is found by either of the two."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX relation_high ON relation (high_id)")
    for side in ("low", "high"):
        op.execute(f"CREATE INDEX relation_apart_{side} ON relation ({side}_id) WHERE apart")


def downgrade() -> None:
    for index in ("relation_apart_high", "relation_apart_low", "relation_high"):
        op.execute(f"DROP INDEX {index}")
