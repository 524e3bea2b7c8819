"""Bots and their keys."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE bot (
            bot_id uuid PRIMARY KEY,
            owner_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
            display_name text NOT NULL,
            created_at_ms bigint NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX bot_of_owner ON bot (owner_id)")
    op.execute(
        """
        CREATE TABLE api_key (
            key_id uuid PRIMARY KEY,
            bot_id uuid NOT NULL REFERENCES bot ON DELETE CASCADE,
            name text NOT NULL,
            prefix text NOT NULL,
            digest bytea NOT NULL UNIQUE,
            scopes text[] NOT NULL,
            created_at_ms bigint NOT NULL,
            last_used_at_ms bigint,
            expires_at_ms bigint
        )
        """
    )
    op.execute("CREATE INDEX api_key_of_bot ON api_key (bot_id)")


def downgrade() -> None:
    op.execute("DROP TABLE api_key")
    op.execute("DROP TABLE bot")
