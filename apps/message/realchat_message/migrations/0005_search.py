"""Messages are found by what they say.

One GIN index over conversation and words: a search costs what the searcher's own conversations hold, not what all
do. The list of what is not yet in the index proper is kept short, since every search reads it whole.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")  # trusted: the database's owner may
    op.execute(
        "CREATE INDEX entry_words ON entry USING gin (conversation_id, to_tsvector('simple', body))"
        " WITH (gin_pending_list_limit = 512) WHERE client_message_id IS NOT NULL AND NOT redacted"
    )


def downgrade() -> None:
    op.execute("DROP INDEX entry_words")
    op.execute("DROP EXTENSION btree_gin")
