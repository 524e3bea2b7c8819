"""Roles, suspensions, reports, and a log of what administrators did that nothing changes."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE account ADD COLUMN role text NOT NULL DEFAULT 'member'")
    op.execute("ALTER TABLE account ADD COLUMN suspended_at_ms bigint")
    op.execute("ALTER TABLE account ADD COLUMN suspension_reason text NOT NULL DEFAULT ''")
    op.execute(
        """
        CREATE TABLE report (
            report_id uuid PRIMARY KEY,
            reporter_id uuid NOT NULL,
            conversation_id uuid NOT NULL,
            message_id uuid NOT NULL,
            sender_id uuid NOT NULL,
            body text NOT NULL,
            sent_at_ms bigint NOT NULL,
            reason text NOT NULL,
            reported_at_ms bigint NOT NULL,
            resolved_at_ms bigint,
            resolved_by uuid,
            resolution text NOT NULL DEFAULT '',
            UNIQUE (reporter_id, message_id)
        )
        """
    )
    op.execute("CREATE INDEX report_open ON report (report_id) WHERE resolved_at_ms IS NULL")
    op.execute(
        """
        CREATE TABLE audit (
            entry_id uuid PRIMARY KEY,
            at_ms bigint NOT NULL,
            actor text NOT NULL,
            action text NOT NULL,
            subject_id uuid NOT NULL,
            detail text NOT NULL
        )
        """
    )
    op.execute(
        """
        CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit log is only appended to';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE audit")
    op.execute("DROP FUNCTION audit_is_append_only")
    op.execute("DROP TABLE report")
    for column in ("suspension_reason", "suspended_at_ms", "role"):
        op.execute(f"ALTER TABLE account DROP COLUMN {column}")
