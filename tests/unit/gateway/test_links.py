"""Links to files: for one person, file and purpose, and for a while."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from realchat_gateway.links import LIFETIME_SECONDS, Links

from realchat_common.errors import Code, RealChatError

LINKS = Links("a key of 32 bytes, of the tests'.")
NOW = 1_767_323_045.6
MADE: dict[str, Any] = {"purpose": "download", "attachment_id": "file", "user_id": "alice"}


def query() -> dict[str, Any]:
    made = parse_qs(urlsplit(LINKS.path(**MADE, now=NOW)).query)
    return {"expires": int(made["expires"][0]), "signature": made["signature"][0]}


def refusal(links: Links = LINKS, now: float = NOW, **changed: Any) -> Code | None:
    try:
        links.check(**{**MADE, **query(), **changed}, now=now)
    except RealChatError as error:
        return error.code
    return None


def test_a_link_opens_what_it_was_made_for_until_it_ends() -> None:
    assert refusal() is None
    assert refusal(now=NOW + LIFETIME_SECONDS - 1) is None
    assert refusal(now=NOW + LIFETIME_SECONDS) is Code.LINK_EXPIRED


@pytest.mark.parametrize(
    "changed",
    [
        {"user_id": "bob"},
        {"attachment_id": "another file"},
        {"purpose": "upload"},
        {"purpose": "thumbnail"},
        {"expires": 2**50},
        {"signature": "0" * 64},
        {"links": Links("another key")},
    ],
)
def test_other_peoples_links_and_changed_ones_open_nothing(changed: dict[str, Any]) -> None:
    assert refusal(**changed) is Code.PERMISSION_DENIED
