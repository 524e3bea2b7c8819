"""What an API key may be good for. A person's session is good for everything, so it has no scopes.

A scope is a noun of the API and a deed. The gateway's routes have the noun as their tag, and the deed from what they
ask of the caller; whatever belongs to no noun here, such as accounts, no key opens.
"""

from __future__ import annotations

NOUNS = ("people", "conversations", "messages", "attachments", "reactions", "receipts")
DEEDS = ("read", "write")
SCOPES = frozenset(f"{noun}:{deed}" for noun in NOUNS for deed in DEEDS)

SOCKET = "messages:read"
"""What it takes to be sent events."""
