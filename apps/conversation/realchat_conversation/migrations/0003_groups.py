"""Descriptions, avatars and rules of groups, and invitations to them."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE conversation
            ADD COLUMN description text NOT NULL DEFAULT '',
            ADD COLUMN avatar_id uuid,
            ADD COLUMN admins_only boolean NOT NULL DEFAULT false,
            ADD COLUMN open_history boolean NOT NULL DEFAULT false
        """
    )
    op.execute(
        """
        CREATE TABLE invite (
            invite_id uuid PRIMARY KEY,
            conversation_id uuid NOT NULL REFERENCES conversation ON DELETE CASCADE,
            creator_id uuid NOT NULL,
            token_hash bytea NOT NULL UNIQUE,
            created_at_ms bigint NOT NULL,
            expires_at_ms bigint NOT NULL,
            max_uses integer NOT NULL,
            uses integer NOT NULL,
            CHECK (max_uses = 0 OR uses <= max_uses)
        )
        """
    )
    op.execute("CREATE INDEX invite_conversation ON invite (conversation_id)")


def downgrade() -> None:
    op.execute("DROP TABLE invite")
    op.execute(
        """
        ALTER TABLE conversation
            DROP COLUMN description, DROP COLUMN avatar_id, DROP COLUMN admins_only, DROP COLUMN open_history
        """
    )
