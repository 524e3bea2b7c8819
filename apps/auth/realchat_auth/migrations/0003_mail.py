"""Verified addresses, what mails bring, and back-off for what is owed."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE account ADD COLUMN email_verified_at_ms bigint")
    op.execute("ALTER TABLE owed ADD COLUMN attempts integer NOT NULL DEFAULT 0")
    op.execute(
        """
        CREATE TABLE confirmation (
            digest bytea PRIMARY KEY,
            user_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
            purpose text NOT NULL,
            email text NOT NULL,
            email_key text NOT NULL,
            created_at_ms bigint NOT NULL,
            expires_at_ms bigint NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX confirmation_of_user ON confirmation (user_id, purpose)")
    op.execute("CREATE INDEX confirmation_expiry ON confirmation (expires_at_ms)")


def downgrade() -> None:
    op.execute("DROP TABLE confirmation")
    op.execute("ALTER TABLE owed DROP COLUMN attempts")
    op.execute("ALTER TABLE account DROP COLUMN email_verified_at_ms")
