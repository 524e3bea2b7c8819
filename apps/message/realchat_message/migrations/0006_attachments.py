"""Messages that carry files."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE entry ADD COLUMN extras bytea")
    op.execute(
        """
        CREATE TABLE attachment (
            attachment_id uuid PRIMARY KEY,
            conversation_id uuid NOT NULL,
            owner_id uuid NOT NULL,
            name text NOT NULL,
            content_type text NOT NULL,
            size bigint NOT NULL,
            state smallint NOT NULL DEFAULT 1,
            width integer NOT NULL DEFAULT 0,
            height integer NOT NULL DEFAULT 0,
            has_thumbnail boolean NOT NULL DEFAULT false,
            message_id uuid,
            remove_after_ms bigint
        )
        """
    )
    op.execute("CREATE INDEX attachment_message ON attachment (message_id) WHERE message_id IS NOT NULL")
    # What the clean-up looks at: what no message took, and what was deleted with its message.
    op.execute("CREATE INDEX attachment_loose ON attachment (remove_after_ms) WHERE remove_after_ms IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP TABLE attachment")
    op.execute("ALTER TABLE entry DROP COLUMN extras")
