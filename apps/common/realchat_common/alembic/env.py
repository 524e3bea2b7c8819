"""Alembic's entry, the same for each service: `realchat_common.database` hands it an open connection."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=None,
)
with context.begin_transaction():
    context.run_migrations()
