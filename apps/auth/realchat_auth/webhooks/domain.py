"""The rules of webhooks, without I/O.

Invariants, with the tests that break when they go (tests/unit/auth/test_webhooks.py): no address inside our own
networks is called unless a setting says so; what is sent can be told from what anybody else sends, and from what was
sent before.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from chat.event.v1 import event_pb2 as pb
from realchat_auth.domain import DAY_MS, SECOND_MS
from realchat_common.errors import Code, RealChatError

MOST_WEBHOOKS = 5
"""Of one bot."""
MOST_URL_CHARACTERS = 2_000
GIVE_UP_MS = DAY_MS
"""What could not be delivered for so long is not delivered any more; nor is what is so old when it is taken up."""
CLOCKS_DIFFER_MS = 60 * SECOND_MS
KEEP_SEEN_MS = 2 * DAY_MS
"""For so long it is known what was taken up: longer than the topic keeps its events."""

SECRET_PREFIX = "whs_"  # noqa: S105
SIGNATURE_HEADER = "RealChat-Signature"
GONE = 410
"""The receiver wants no more, for good."""


def choose_url(text: str, *, private: bool) -> str:
    """Where a webhook goes. What its name stands for is looked at each time it is called.

    Args:
        text: the URL.
        private: whether plain http and addresses of our own networks are allowed.

    Raises:
        RealChatError: invalid_argument.
    """
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise RealChatError(Code.INVALID_ARGUMENT, "that is no URL", field="url") from error
    if len(text) > MOST_URL_CHARACTERS or not text.isascii() or not text.isprintable() or " " in text:
        raise RealChatError(Code.INVALID_ARGUMENT, "that is no URL", field="url")
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise RealChatError(Code.INVALID_ARGUMENT, "a webhook has an https URL", field="url")
    if not host or parts.username is not None or parts.fragment or port == 0:
        raise RealChatError(Code.INVALID_ARGUMENT, "a URL with a host, without user or fragment", field="url")
    if not private and _is_private_literal(host):
        raise RealChatError(Code.INVALID_ARGUMENT, "a public address", field="url")
    return text


def _is_private_literal(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether an IP address is one of the Internet's. Raises ValueError for what is no address."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        # Addresses that carry an IPv4 one lead to it: mapped, 6to4, Teredo, NAT64 (RFC 6052).
        within = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if within is None and ip in _NAT64:
            within = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if within is not None:
            return is_public(str(within))
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def signature(secret: str, at_seconds: int, body: bytes) -> str:
    """The signature header's value: `t=<time>,v1=<HMAC-SHA256 of "time.body", hex>`.

    The time is signed too, so that a receiver can refuse what somebody has recorded and sends again.
    """
    digest = hmac.new(secret.encode(), f"{at_seconds}.".encode() + body, "sha256").hexdigest()
    return f"t={at_seconds},v1={digest}"


@dataclass(frozen=True, slots=True)
class Joined:
    """A user is in a conversation from an event on."""

    user_id: str


@dataclass(frozen=True, slots=True)
class Left:
    """A user is in a conversation no more."""

    user_id: str


def movements(event: pb.Event) -> Iterator[Joined | Left]:
    """Who comes and goes by an event."""
    match event.WhichOneof("payload"):
        case "conversation_created":
            yield from (Joined(member.user_id) for member in event.conversation_created.members)
        case "members_added":
            yield from (Joined(member.user_id) for member in event.members_added.members)
        case "member_removed":
            yield Left(event.member_removed.user_id)
        case "member_left":
            yield Left(event.actor_id)


def told(event: pb.Event, members: Collection[str]) -> set[str]:
    """Which of the bots in a conversation are told of an event: all but the one who caused it.

    Args:
        event: what happened.
        members: the bots that were in the conversation before it.

    Returns:
        Those who may read the event: also who comes or goes by it.
    """
    return (set(members) | {each.user_id for each in movements(event)}) - {event.actor_id}


def follow(
    events: Sequence[pb.Event], before: Collection[str], bots: Collection[str]
) -> tuple[list[tuple[pb.Event, set[str]]], set[str]]:
    """Follows a run of events.

    Args:
        events: in order.
        before: the bots that were in the conversation before it.
        bots: of all who are named in it or were there before, those who are bots.

    Returns:
        The events of which bots are told, each with these; and the bots that are in the conversation after it.
    """
    present, tellings = set(before), []
    for event in events:
        if hearers := told(event, present) & set(bots):
            tellings.append((event, hearers))
        for each in movements(event):
            match each:
                case Joined(user_id) if user_id in bots:
                    present.add(user_id)
                case Left(user_id):
                    present.discard(user_id)
    return tellings, present


def is_owed(event: pb.Event, made_at_ms: int, now_ms: int) -> bool:
    """Whether a webhook that was made at a time is told of an event: of what came after it, unless that is long ago.

    A log that is read from its beginning has both kinds.
    """
    return event.occurred_at_ms > max(made_at_ms - CLOCKS_DIFFER_MS, now_ms - GIVE_UP_MS)
