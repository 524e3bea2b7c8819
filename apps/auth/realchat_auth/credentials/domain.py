"""The rules of what mails bring, without I/O. Times are milliseconds since the Unix epoch."""

from __future__ import annotations

from collections.abc import Sequence
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
    REMIND = "remind"
    """Tells somebody who is away what waits unread. Brings nothing."""


LIFETIME_MS = {Purpose.VERIFY: DAY_MS, Purpose.CHANGE: DAY_MS, Purpose.RESET: 60 * 60 * SECOND_MS}
"""For how long what a mail brings is good."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it is sent."""

    to: str
    subject: str
    html: str


def compose(purpose: Purpose, to: str, web_url: str, token: str = "", lines: Sequence[str] = ()) -> Mail:
    """The text of a mail.

    The token is behind the link's `#`, so that no server's log has it, nor any other page the link's address.

    Args:
        purpose: what it is for.
        to: the address.
        web_url: where the page is that reads the link.
        token: what it brings, if anything.
        lines: what it tells, if anything.
    """
    subject, text, otherwise = _TEXTS[purpose]
    home = web_url.rstrip("/")
    link = f"{home}/confirm.html#{purpose.value}={token}" if token else f"{home}/"
    button = f'<p><a href="{link}">{link}</a></p>' if token or lines else ""
    told = "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>" if lines else ""
    return Mail(
        to,
        subject,
        f"<!doctype html><html><head><title>{subject}</title></head><body><p>{text}</p>{told}{button}"
        f"<p>{otherwise} This mail was sent to {escape(to)}.</p></body></html>\n",
    )


_UNEXPECTED = "If you know nothing of this, do nothing."
_TEXTS = {
    Purpose.VERIFY: (
        "Confirm your address for RealChat",
        "Open this within a day, to confirm that this address is yours:",
        _UNEXPECTED,
    ),
    Purpose.CHANGE: (
        "Confirm your new address for RealChat",
        "Open this within a day, and your account has this address from then on:",
        _UNEXPECTED,
    ),
    Purpose.RESET: (
        "Choose a new password for RealChat",
        "Somebody, hopefully you, has forgotten the password. Open this within an hour to choose another one:",
        _UNEXPECTED,
    ),
    Purpose.CHANGED: (
        "Your RealChat account has another address",
        "Mails about your account go to another address from now on. Was it not you? Then ask your administrator.",
        _UNEXPECTED,
    ),
    Purpose.REMIND: (
        "You have unread messages on RealChat",
        "While you were away, you have got:",
        "No other mail like this comes before you have read some. You can turn them off in your settings.",
    ),
}
