"""Who has been where before is found too: an export of somebody's data has what they said in what they have left."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX member_former ON member (user_id, conversation_id) WHERE until_seq <> 0")


def downgrade() -> None:
    op.execute("DROP INDEX member_former")
