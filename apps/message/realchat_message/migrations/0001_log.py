"""The log's head and read model."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE head (
            conversation_id uuid PRIMARY KEY,
            last_seq bigint NOT NULL DEFAULT 0,
            members_seq bigint NOT NULL DEFAULT 0,
            confirmed_seq bigint NOT NULL DEFAULT 0,
            last_activity_ms bigint NOT NULL DEFAULT 0,
            unconfirmed_since_ms bigint NOT NULL DEFAULT 0,
            writer_id uuid
        ) WITH (fillfactor = 50)
        """
    )
    # What the sweeper looks at: nearly always empty.
    op.execute("CREATE INDEX head_unconfirmed ON head (unconfirmed_since_ms) WHERE confirmed_seq < last_seq")
    op.execute(
        """
        CREATE TABLE entry (
            conversation_id uuid NOT NULL,
            seq bigint NOT NULL,
            event_id uuid NOT NULL,
            actor_id uuid NOT NULL,
            occurred_at_ms bigint NOT NULL,
            client_message_id text,
            body text,
            reply_to uuid,
            redacted boolean NOT NULL DEFAULT false,
            change bytea,
            PRIMARY KEY (conversation_id, seq),
            CHECK ((client_message_id IS NULL) = (change IS NOT NULL))
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX entry_dedup ON entry (conversation_id, actor_id, client_message_id)"
        " WHERE client_message_id IS NOT NULL"
    )
    op.execute("CREATE UNIQUE INDEX entry_event ON entry (conversation_id, event_id)")
    op.execute(
        """
        CREATE TABLE member (
            conversation_id uuid NOT NULL,
            user_id uuid NOT NULL,
            from_seq bigint NOT NULL,
            until_seq bigint NOT NULL DEFAULT 0,
            role smallint NOT NULL,
            PRIMARY KEY (conversation_id, user_id, from_seq)
        )
        """
    )
    op.execute("CREATE INDEX member_user ON member (user_id, conversation_id) WHERE until_seq = 0")
    op.execute(
        """
        CREATE TABLE epoch (
            singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
            epoch uuid NOT NULL DEFAULT gen_random_uuid()
        )
        """
    )
    op.execute("INSERT INTO epoch DEFAULT VALUES")


def downgrade() -> None:
    for table in ("epoch", "member", "entry", "head"):
        op.execute(f"DROP TABLE {table}")
