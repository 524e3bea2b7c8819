"""What happens later by itself: messages that are sent at a time, and messages that end at one."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE scheduled (
            scheduled_id uuid PRIMARY KEY,
            conversation_id uuid NOT NULL,
            sender_id uuid NOT NULL,
            body text NOT NULL,
            reply_to uuid,
            send_at_ms bigint NOT NULL,
            failure text NOT NULL DEFAULT ''
        )
        """
    )
    op.execute("CREATE INDEX scheduled_due ON scheduled (send_at_ms) WHERE failure = ''")
    op.execute("CREATE INDEX scheduled_sender ON scheduled (sender_id, send_at_ms, scheduled_id)")
    # What the log says, and never changed: so who folds an event in never waits for who works off `expiry_work`.
    op.execute(
        """
        CREATE TABLE expiry (
            conversation_id uuid NOT NULL,
            kind smallint NOT NULL,
            from_seq bigint NOT NULL,
            seconds bigint NOT NULL,
            set_by uuid NOT NULL,
            PRIMARY KEY (conversation_id, kind, from_seq)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE expiry_work (
            conversation_id uuid NOT NULL,
            kind smallint NOT NULL,
            from_seq bigint NOT NULL,
            done_seq bigint NOT NULL,
            due_ms bigint NOT NULL,
            PRIMARY KEY (conversation_id, kind, from_seq)
        )
        """
    )
    op.execute("CREATE INDEX expiry_work_due ON expiry_work (due_ms)")


def downgrade() -> None:
    for table in ("expiry_work", "expiry", "scheduled"):
        op.execute(f"DROP TABLE {table}")
