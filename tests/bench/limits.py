"""What stands in the way of a measurement, moved out of it."""

from __future__ import annotations

UNLIMITED = {
    **{f"REALCHAT_RATE_{name}": "1000000/minute" for name in ("LOGIN", "ANONYMOUS", "READ", "WRITE", "ADDRESS")},
    "REALCHAT_FRAMES_PER_SECOND": "1000000",
    "REALCHAT_SENDS_PER_SECOND": "1000000",
    "REALCHAT_SENDS_BURST": "1000000",
}
"""Few sockets do here what many people do."""
