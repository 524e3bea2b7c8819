"""The rules of webhooks."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat_auth.webhooks.domain import choose_url, is_public, signature, told

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_of_our_own_networks_is_public(address: str) -> None:
    assert not is_public(address)
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(RealChatError):
        choose_url(f"https://{host}/hook", private=False)
    choose_url(f"http://{host}/hook", private=True)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "64:ff9b::101:101"])
def test_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_within_another_is_judged_alike(address: ipaddress.IPv4Address) -> None:
    assert is_public(str(address)) == is_public(f"::ffff:{address}") == is_public(f"64:ff9b::{address}")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bots.example",
        "http://bots.example/",
        "ftp://bots.example/",
        "https://",
        "https:///path",
        "https://user@bots.example/",
        "https://user:secret@bots.example/",
        "https://bots.example/#part",
        "https://bots.example:99999/",
        "https://bots.example:0/",
        "https://bots.example/a b",
        "https://bots.example/\r\nHost: x",
        "https://b\u00f6ts.example/",
        "https://[::1/",
        "https://bots.example/" + "a" * 2000,
    ],
)
def test_what_is_no_public_https_url_is_refused(url: str) -> None:
    with pytest.raises(RealChatError) as refusal:
        choose_url(url, private=False)
    assert (refusal.value.code, refusal.value.field) == (Code.INVALID_ARGUMENT, "url")


@given(st.text(), st.binary(), st.integers(0, 2**40))
def test_a_signature_is_checked_as_the_documentation_says(secret: str, body: bytes, at: int) -> None:
    given_at, _, given_digest = signature(secret, at, body).partition(",v1=")
    assert given_at == f"t={at}"
    expected = hmac.new(secret.encode(), str(at).encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(expected, given_digest)


def test_bots_are_told_of_what_others_do_and_of_their_own_coming_and_going() -> None:
    said = pb.Event(actor_id="alice", message_sent=pb.MessageSent(body="x"))
    assert told(said, {"bot", "other"}) == {"bot", "other"}
    said.actor_id = "bot"
    assert told(said, {"bot", "other"}) == {"other"}
    added = pb.Event(actor_id="alice", members_added=pb.MembersAdded(members=[pb.Member(user_id="bot")]))
    assert told(added, set()) == {"bot"}
    removed = pb.Event(actor_id="alice", member_removed=pb.MemberRemoved(user_id="bot"))
    assert told(removed, {"bot"}) == {"bot"}
