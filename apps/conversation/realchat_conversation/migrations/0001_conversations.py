"""Conversations, members, and changes on their way to the log."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE conversation (
            conversation_id uuid PRIMARY KEY,
            kind smallint NOT NULL,
            title text NOT NULL,
            created_at_ms bigint NOT NULL,
            member_count integer NOT NULL,
            creator_id uuid NOT NULL,
            idempotency_key text,
            content_digest bytea,
            direct_low_id uuid,
            direct_high_id uuid,
            UNIQUE (creator_id, idempotency_key),
            UNIQUE (direct_low_id, direct_high_id),
            CHECK ((idempotency_key IS NULL) = (content_digest IS NULL)),
            CHECK ((kind = 1) = (direct_low_id IS NOT NULL)),
            CHECK ((direct_low_id IS NULL) = (direct_high_id IS NULL)),
            CHECK (direct_low_id < direct_high_id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE member (
            conversation_id uuid REFERENCES conversation ON DELETE CASCADE,
            user_id uuid,
            role smallint NOT NULL CHECK (role BETWEEN 1 AND 3),
            joined bigint GENERATED ALWAYS AS IDENTITY,
            PRIMARY KEY (conversation_id, user_id),
            UNIQUE (conversation_id, joined)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE pending_change (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            conversation_id uuid NOT NULL REFERENCES conversation ON DELETE CASCADE,
            event_id uuid NOT NULL UNIQUE,
            actor_id uuid NOT NULL,
            event bytea NOT NULL,
            decided_at_ms bigint NOT NULL,
            appended boolean NOT NULL DEFAULT false
        )
        """
    )
    op.execute("CREATE INDEX pending_change_conversation ON pending_change (conversation_id, id)")
    # What the relay looks at every second: nearly always empty.
    op.execute("CREATE INDEX pending_change_leftover ON pending_change (conversation_id) WHERE NOT appended")


def downgrade() -> None:
    for table in ("pending_change", "member", "conversation"):
        op.execute(f"DROP TABLE {table}")
