"""How far the logs of bots' conversations were taken up: those where bots are already, not at all yet."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE followed (conversation_id uuid PRIMARY KEY, seq bigint NOT NULL)")
    op.execute("INSERT INTO followed SELECT DISTINCT conversation_id, 0 FROM bot_member")


def downgrade() -> None:
    op.execute("DROP TABLE followed")
