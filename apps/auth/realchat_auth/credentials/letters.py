"""Mails that are owed: written in the transaction that causes them, sent by mail.py."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from realchat_auth.credentials.domain import Purpose
from realchat_auth.tables import Owed
from realchat_common.ids import new_id

MAIL = "mail"
"""The kind of debt."""


class Letter(msgspec.Struct, frozen=True):
    """A mail that is owed."""

    purpose: Purpose
    email: str
    """Where to; empty for where the account's mails go."""
    written_at_ms: int
    user_id: str = ""
    """Whose account; empty when only the address is known."""
    lines: Sequence[str] = ()
    """What it tells."""


def letter(purpose: Purpose, email: str, now_ms: int, user_id: str = "", lines: Sequence[str] = ()) -> Owed:
    """A mail as a debt, due at once."""
    payload = msgspec.json.encode(Letter(purpose, email, now_ms, user_id, lines))
    return Owed(owed_id=UUID(new_id()), kind=MAIL, payload=payload, due_at_ms=now_ms)
