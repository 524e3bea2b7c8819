"""The mails that the stack has sent: files."""

from __future__ import annotations

import html
import re

from stack import Stack
from support.chat import eventually
from support.confidential import confide

_LINK = re.compile(r'href="([^"]+#(\w+)=([^"]+))"')


async def link(stack: Stack, email: str, purpose: str) -> str:
    """Where the last mail of a purpose to an address leads: its page and, after `#purpose=`, the token."""
    found: list[str] = []

    def arrived() -> bool:
        mails = [path.read_text() for path in sorted(stack.mail_folder.glob("*.html"))]  # by time
        links = [match for mail in mails if f"sent to {email}." in mail and (match := _LINK.search(mail))]
        found[:] = [html.unescape(match[1]) for match in links if match[2] == purpose]
        return bool(found)

    await eventually(arrived, f"there is a mail to {purpose}", 10)
    confide(token_of(found[-1]))
    return found[-1]


def token_of(address: str) -> str:
    """What a link brings."""
    return address.partition("#")[2].partition("=")[2]
