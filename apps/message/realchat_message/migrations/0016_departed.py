"""Those whose accounts were deleted."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE departed (user_id uuid PRIMARY KEY)")


def downgrade() -> None:
    op.execute("DROP TABLE departed")
