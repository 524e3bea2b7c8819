"""Profiles. Handles and search keys have the collation "C", so a prefix is a range of their index."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE profile (
            user_id uuid PRIMARY KEY,
            handle text COLLATE "C" NOT NULL UNIQUE,
            display_name text NOT NULL,
            name_key text COLLATE "C" NOT NULL,
            bio text NOT NULL,
            updated_at_ms bigint NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX profile_name ON profile (name_key, handle) INCLUDE (user_id)")


def downgrade() -> None:
    op.execute("DROP TABLE profile")
