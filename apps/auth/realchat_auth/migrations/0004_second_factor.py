"""Second factors and recovery codes."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE second_factor (
            user_id uuid PRIMARY KEY REFERENCES account ON DELETE CASCADE,
            sealed_secret bytea NOT NULL,
            last_step bigint NOT NULL,
            confirmed_at_ms bigint
        )
        """
    )
    op.execute(
        """
        CREATE TABLE recovery_code (
            user_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
            digest bytea NOT NULL,
            PRIMARY KEY (user_id, digest)
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE recovery_code")
    op.execute("DROP TABLE second_factor")
