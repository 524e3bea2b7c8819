"""What people let others do and see. The numbers are those of chat.profile.v1.Audience."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE privacy (
            user_id uuid PRIMARY KEY REFERENCES profile ON DELETE CASCADE,
            last_seen smallint NOT NULL CHECK (last_seen BETWEEN 1 AND 3),
            receipts smallint NOT NULL CHECK (receipts BETWEEN 1 AND 3),
            direct smallint NOT NULL CHECK (direct BETWEEN 1 AND 3),
            groups smallint NOT NULL CHECK (groups BETWEEN 1 AND 3),
            changed_at_ms bigint NOT NULL,
            version bigint NOT NULL,
            told_version bigint NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX privacy_untold ON privacy (changed_at_ms) WHERE told_version < version")


def downgrade() -> None:
    op.execute("DROP TABLE privacy")
