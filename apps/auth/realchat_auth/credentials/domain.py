"""The rules of what mails bring, without I/O. Times are milliseconds since the Unix epoch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from html import escape

from realchat_auth.domain import DAY_MS, SECOND_MS

RESEND_MS = 60 * SECOND_MS
"""Nobody gets two mails of one purpose within this time."""
GIVE_UP_MS = DAY_MS
"""A mail that could not be sent for so long is not sent any more."""


class Purpose(StrEnum):
    """What a mail is for."""

    VERIFY = "verify"
    CHANGE = "change"
    RESET = "reset"
    CHANGED = "changed"
    """Tells the old address that the account has another one. Brings nothing."""


LIFETIME_MS = {Purpose.VERIFY: DAY_MS, Purpose.CHANGE: DAY_MS, Purpose.RESET: 60 * 60 * SECOND_MS}
"""For how long what a mail brings is good."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it is sent."""

    to: str
    subject: str
    html: str


def compose(purpose: Purpose, to: str, web_url: str, token: str = "") -> Mail:
    """The text of a mail.

    The token is behind the link's `#`, so that no server's log has it, nor any other page the link's address.

    Args:
        purpose: what it is for.
        to: the address.
        web_url: where the page is that reads the link.
        token: what it brings, if anything.
    """
    subject, text = _TEXTS[purpose]
    link = f"{web_url.rstrip('/')}/confirm.html#{purpose.value}={token}"
    button = f'<p><a href="{link}">{link}</a></p>' if token else ""
    return Mail(
        to,
        subject,
        f"<!doctype html><html><head><title>{subject}</title></head><body><p>{text}</p>{button}"
        f"<p>If you know nothing of this, do nothing. This mail was sent to {escape(to)}.</p></body></html>\n",
    )


_TEXTS = {
    Purpose.VERIFY: (
        "Confirm your address for RealChat",
        "Open this within a day, to confirm that this address is yours:",
    ),
    Purpose.CHANGE: (
        "Confirm your new address for RealChat",
        "Open this within a day, and your account has this address from then on:",
    ),
    Purpose.RESET: (
        "Choose a new password for RealChat",
        "Somebody, hopefully you, has forgotten the password. Open this within an hour to choose another one:",
    ),
    Purpose.CHANGED: (
        "Your RealChat account has another address",
        "Mails about your account go to another address from now on. Was it not you? Then ask your administrator.",
    ),
}
