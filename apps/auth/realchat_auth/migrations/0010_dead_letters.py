"""Events that could not be read, for administrators."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE dead_letter (
            letter_id uuid PRIMARY KEY,
            digest bytea NOT NULL UNIQUE,
            at_ms bigint NOT NULL,
            topic text NOT NULL,
            key bytea NOT NULL,
            event_type text NOT NULL,
            event_id text NOT NULL,
            size integer NOT NULL,
            content bytea NOT NULL,
            replayed_at_ms bigint
        )
        """
    )
    op.execute("CREATE INDEX dead_letter_at ON dead_letter (at_ms)")


def downgrade() -> None:
    op.execute("DROP TABLE dead_letter")
