"""The mails that the stack has sent: files."""

from __future__ import annotations

import html
import re

from stack import Stack
from support.chat import eventually
from support.confidential import confide


async def arrived(stack: Stack, email: str, words: str, count: int = 1) -> list[str]:
    """The mails to an address with some words in them, the oldest first, as soon as there are so many."""
    found: list[str] = []

    def are_there() -> bool:
        mails = (path.read_text() for path in sorted(stack.mail_folder.glob("*.html")))
        found[:] = [mail for mail in mails if f"sent to {email}." in mail and words in mail]
        return len(found) >= count

    await eventually(are_there, f"there are mails with {words}: {count}", 20)
    return found


async def link(stack: Stack, email: str, purpose: str) -> str:
    """Where the last mail of a purpose to an address leads: its page and, after `#purpose=`, the token."""
    mail = (await arrived(stack, email, f"#{purpose}="))[-1]
    found = re.search(f'href="([^"]+#{purpose}=[^"]+)"', mail)
    assert found, "the mail has a link"
    confide(token_of(found[1]))
    return html.unescape(found[1])


def token_of(address: str) -> str:
    """What a link brings."""
    return address.partition("#")[2].partition("=")[2]
