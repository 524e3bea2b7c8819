"""Accounts, sessions, refresh tokens, signing keys, and what others are owed."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE account (
            user_id uuid PRIMARY KEY,
            email text NOT NULL,
            email_key text NOT NULL UNIQUE,
            password_hash text NOT NULL,
            created_at_ms bigint NOT NULL
        )
        """
    )
    op.execute(
        """
        CREATE TABLE lockout (
            email_digest bytea PRIMARY KEY,
            count integer NOT NULL,
            last_at_ms bigint NOT NULL,
            locked_until_ms bigint NOT NULL
        )
        """
    )
    op.execute(
        """
        CREATE TABLE session (
            session_id uuid PRIMARY KEY,
            user_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
            device_name text NOT NULL,
            created_at_ms bigint NOT NULL,
            last_seen_at_ms bigint NOT NULL,
            expires_at_ms bigint NOT NULL,
            ended_at_ms bigint,
            generation integer NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX session_of_user ON session (user_id, session_id DESC) WHERE ended_at_ms IS NULL")
    op.execute("CREATE INDEX session_expiry ON session (expires_at_ms)")
    op.execute("CREATE INDEX session_end ON session (ended_at_ms) WHERE ended_at_ms IS NOT NULL")
    op.execute(
        """
        CREATE TABLE token (
            digest bytea PRIMARY KEY,
            session_id uuid NOT NULL REFERENCES session ON DELETE CASCADE,
            generation integer NOT NULL,
            expires_at_ms bigint NOT NULL,
            used_at_ms bigint
        )
        """
    )
    op.execute("CREATE INDEX token_session ON token (session_id)")
    op.execute("CREATE INDEX token_expiry ON token (expires_at_ms)")
    op.execute(
        """
        CREATE TABLE key (
            kid text PRIMARY KEY,
            sealed_private_key bytea NOT NULL,
            active_from_ms bigint NOT NULL
        )
        """
    )
    op.execute(
        """
        CREATE TABLE owed (
            owed_id uuid PRIMARY KEY,
            kind text NOT NULL,
            payload bytea NOT NULL,
            due_at_ms bigint NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX owed_due ON owed (due_at_ms)")


def downgrade() -> None:
    for table in ("owed", "key", "token", "session", "lockout", "account"):
        op.execute(f"DROP TABLE {table}")
