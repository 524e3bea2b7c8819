"""Members by user: who shares a conversation with somebody."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the index."""
    op.execute("CREATE INDEX member_by_user ON member (user_id) INCLUDE (conversation_id)")


def downgrade() -> None:
    """Removes it."""
    op.execute("DROP INDEX member_by_user")
