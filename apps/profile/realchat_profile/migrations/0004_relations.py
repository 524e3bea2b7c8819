"""What people are to each other."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE relation (
            low_id uuid REFERENCES profile ON DELETE CASCADE,
            high_id uuid REFERENCES profile ON DELETE CASCADE,
            requested_by uuid,
            contacts boolean NOT NULL DEFAULT false,
            blocked_by_low boolean NOT NULL DEFAULT false,
            blocked_by_high boolean NOT NULL DEFAULT false,
            changed_at_ms bigint NOT NULL DEFAULT 0,
            version bigint NOT NULL DEFAULT 0,
            told_version bigint NOT NULL DEFAULT 0,
            PRIMARY KEY (low_id, high_id),
            CHECK (low_id < high_id),
            CHECK (requested_by IN (low_id, high_id)),
            CHECK (NOT (contacts AND requested_by IS NOT NULL)),
            CHECK (NOT ((blocked_by_low OR blocked_by_high) AND (contacts OR requested_by IS NOT NULL)))
        )
        """
    )
    op.execute("CREATE INDEX relation_high ON relation (high_id)")
    # What the teller looks at every second: nearly always empty.
    op.execute("CREATE INDEX relation_untold ON relation (changed_at_ms) WHERE told_version < version")


def downgrade() -> None:
    op.execute("DROP TABLE relation")
