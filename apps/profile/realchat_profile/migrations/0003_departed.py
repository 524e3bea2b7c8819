"""Whose accounts were deleted, so that nothing makes their profiles again."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE departed (user_id uuid PRIMARY KEY)")


def downgrade() -> None:
    op.execute("DROP TABLE departed")
