"""Lock-outs also by the client's address, so what they count is not always an email."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE lockout RENAME COLUMN email_digest TO subject_digest")


def downgrade() -> None:
    op.execute("ALTER TABLE lockout RENAME COLUMN subject_digest TO email_digest")
