"""The profiles of the bots that there are come to say so: told as for a new bot, since profile knows no bots."""

from __future__ import annotations

from time import time_ns
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from chat.profile.v1.profile_pb2 import CreateProfileRequest
from realchat_common.ids import new_id

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

DELAY_MS = 15 * 60 * 1000
"""By then profile, which goes forward at the same time, has learned to read it."""

_OWED = sa.table(
    "owed",
    sa.column("owed_id", sa.Uuid),
    sa.column("kind", sa.Text),
    sa.column("payload", sa.LargeBinary),
    sa.column("due_at_ms", sa.BigInteger),
)


def upgrade() -> None:
    bots = op.get_bind().execute(sa.text("SELECT bot_id, display_name FROM bot")).all()
    debts = [
        {
            "owed_id": UUID(new_id()),
            "kind": "profile",
            "payload": CreateProfileRequest(user_id=str(bot_id), display_name=name, bot=True).SerializeToString(),
            "due_at_ms": time_ns() // 1_000_000 + DELAY_MS,
        }
        for bot_id, name in bots
    ]
    if debts:
        op.bulk_insert(_OWED, debts)


def downgrade() -> None:
    """What was told stays told: it is true."""
