"""What people are to each other, and whose a direct conversation is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chat.event.v1 import event_pb2 as pb

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BATCH = 1_000


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE relation (
            low_id uuid,
            high_id uuid,
            contacts boolean NOT NULL,
            apart boolean NOT NULL,
            version bigint NOT NULL,
            PRIMARY KEY (low_id, high_id)
        )
        """
    )
    op.execute("ALTER TABLE head ADD COLUMN direct_low_id uuid, ADD COLUMN direct_high_id uuid")
    _fill()


def _fill() -> None:
    """Whose the direct conversations are, from the first events of their logs."""
    connection = op.get_bind()
    creations = sa.text(
        "SELECT conversation_id, change FROM entry WHERE seq = 1 AND conversation_id > :after"
        " ORDER BY conversation_id LIMIT :batch"
    )
    fill = sa.text("UPDATE head SET direct_low_id = :low, direct_high_id = :high WHERE conversation_id = :id")
    after = "00000000-0000-0000-0000-000000000000"
    while rows := connection.execute(creations, {"after": after, "batch": BATCH}).all():
        after = rows[-1][0]
        for conversation_id, change in rows:
            created = pb.Event.FromString(change).conversation_created
            if created.kind == pb.CONVERSATION_KIND_DIRECT:
                low, high = sorted(member.user_id for member in created.members)
                connection.execute(fill, {"low": low, "high": high, "id": conversation_id})


def downgrade() -> None:
    op.execute("ALTER TABLE head DROP COLUMN direct_low_id, DROP COLUMN direct_high_id")
    op.execute("DROP TABLE relation")
