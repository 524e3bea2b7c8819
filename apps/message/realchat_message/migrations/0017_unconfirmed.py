"""What was not seen on Kafka yet, by segment: replicas confirm whatever each of them sees, in any order.

The columns `confirmed_seq` and `unconfirmed_since_ms` of `head`, of which this takes the place, go one version later.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE unconfirmed (
            conversation_id uuid,
            first_seq bigint,
            last_seq bigint NOT NULL,
            since_ms bigint NOT NULL,
            PRIMARY KEY (conversation_id, first_seq)
        )
        """
    )
    op.execute("CREATE INDEX unconfirmed_since ON unconfirmed (since_ms)")
    op.execute(
        """
        INSERT INTO unconfirmed
        SELECT conversation_id, confirmed_seq + 1, last_seq, unconfirmed_since_ms FROM head
        WHERE confirmed_seq < last_seq
        """
    )
    op.execute("DROP INDEX head_unconfirmed")


def downgrade() -> None:
    op.execute("CREATE INDEX head_unconfirmed ON head (unconfirmed_since_ms) WHERE confirmed_seq < last_seq")
    op.execute(
        """
        UPDATE head SET confirmed_seq = coalesce(
            (SELECT min(first_seq) - 1 FROM unconfirmed AS open WHERE open.conversation_id = head.conversation_id),
            last_seq)
        """
    )
    op.execute("DROP TABLE unconfirmed")
