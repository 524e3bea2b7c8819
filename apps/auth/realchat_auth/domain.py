"""The rules of accounts, sessions and signing keys, without I/O. Times are milliseconds since the Unix epoch.

Invariants, with the tests that break when they go (tests/unit/auth/test_domain.py):
- of a session's refresh tokens, only those of its newest generation start the next one;
- an older token ends the session, unless it is the retry of the last rotation within its grace;
- a signing key is listed before the first token that it signs, and until the last one has expired.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

from email_validator import EmailNotValidError, validate_email

from realchat_common.errors import Code, RealChatError
from realchat_common.text import clean_text
from realchat_common.tokens import LEEWAY_SECONDS

SECOND_MS = 1_000
DAY_MS = 24 * 60 * 60 * SECOND_MS

MOST_EMAIL_TEXT = 320
"""Far more than an address has (254, RFC 5321)."""
LEAST_PASSWORD_CHARACTERS, MOST_PASSWORD_CHARACTERS = 8, 128
MOST_NAME_CHARACTERS = 64
MOST_DEVICE_CHARACTERS = 64

ACCESS_SECONDS = 15 * 60
REFRESH_MS = 30 * DAY_MS
GRACE_MS = 10 * SECOND_MS
KEEP_ENDED_MS = DAY_MS
"""For so long an ended session answers session_revoked, not invalid_refresh_token."""

FREE_ATTEMPTS = 5
FREE_ATTEMPTS_OF_CLIENT = 50
"""An office or a household shares an address."""
FIRST_LOCK_MS = 15 * SECOND_MS
LONGEST_LOCK_MS = 15 * 60 * SECOND_MS
FORGET_ATTEMPTS_MS = DAY_MS

KEY_USE_MS = 30 * DAY_MS
KEY_LEAD_MS = 60 * 60 * SECOND_MS
"""A key is listed for so long before it signs: longer than any cache of the list may be old."""
KEY_OVERLAP_MS = (ACCESS_SECONDS + LEEWAY_SECONDS) * SECOND_MS + KEY_LEAD_MS
"""A key is listed for so long after its successor took over: its tokens' life, and clocks that differ."""


def digest(text: str) -> bytes:
    """SHA-256: for what has enough random bits, or is only to be compared."""
    return hashlib.sha256(text.encode()).digest()


# Emails and passwords


@dataclass(frozen=True, slots=True)
class Email:
    """An address as its owner writes it, and the form in which it is unique."""

    address: str
    key: str


def parse_email(text: str) -> Email:
    """An address that can be an account. Whether mail arrives there is not asked.

    Raises:
        RealChatError: invalid_argument.
    """
    try:
        address = validate_email(text[:MOST_EMAIL_TEXT].strip(), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise RealChatError(Code.INVALID_ARGUMENT, str(error), field="email") from error
    return Email(address, unicodedata.normalize("NFC", address.casefold()))


def email_key(text: str) -> str:
    """The form in which addresses are compared; of a text that is no address, one that no account has."""
    try:
        return parse_email(text).key
    except RealChatError:
        return text[:MOST_EMAIL_TEXT].casefold().replace("\x00", " ")


def normalise_password(text: str) -> str:
    """The form of a password that is hashed: NFKC, since keyboards compose characters differently (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", text[: 8 * MOST_PASSWORD_CHARACTERS])


def choose_password(text: str, field: str = "password") -> str:
    """A new password, normalised.

    Args:
        text: as it was typed.
        field: its name in the request, for the error.

    Raises:
        RealChatError: invalid_argument unless it is 8 to 128 characters, of any kind, not only blanks.
    """
    password = normalise_password(text)
    if not LEAST_PASSWORD_CHARACTERS <= len(password) <= MOST_PASSWORD_CHARACTERS:
        raise RealChatError(
            Code.INVALID_ARGUMENT,
            f"a password has {LEAST_PASSWORD_CHARACTERS} to {MOST_PASSWORD_CHARACTERS} characters",
            field=field,
        )
    if password.isspace():
        raise RealChatError(Code.INVALID_ARGUMENT, "a password is not only blanks", field=field)
    return password


def session_name(text: str) -> str:
    """What somebody calls one of their sessions. Raises invalid_argument."""
    return clean_text(text, "device_name", most=MOST_DEVICE_CHARACTERS)


def device_label(text: str) -> str:
    """What the session list shows of a device: printable, cut rather than refused, since nobody typed it."""
    kept = "".join(c if c.isprintable() else " " for c in text[: 8 * MOST_DEVICE_CHARACTERS])
    return " ".join(unicodedata.normalize("NFC", kept).split())[:MOST_DEVICE_CHARACTERS].rstrip()


# Lock-out


@dataclass(frozen=True, slots=True)
class Attempts:
    """The logins of one subject, an email or a client's address, since the last that succeeded."""

    count: int = 0
    last_at_ms: int = 0
    locked_until_ms: int = 0


def attempt(before: Attempts, now_ms: int, free: int = FREE_ATTEMPTS) -> Attempts:
    """Counts a login before its password is looked at, so that many at once are no way around the count.

    Some are free; after that each is followed by a lock that doubles from 15 s to 15 min. A lock also holds for the
    right password and for addresses without an account, so it tells nothing; sessions that exist go on.

    Raises:
        RealChatError: locked_out, with the rest of the lock.
    """
    if now_ms < before.locked_until_ms:
        raise RealChatError(Code.LOCKED_OUT, retry_after=(before.locked_until_ms - now_ms) / SECOND_MS)
    if now_ms - before.last_at_ms > FORGET_ATTEMPTS_MS:
        before = Attempts()
    count = before.count + 1
    doublings = min(count - free, 32)
    lock_ms = min(FIRST_LOCK_MS << doublings, LONGEST_LOCK_MS) if doublings >= 0 else 0
    return Attempts(count, now_ms, now_ms + lock_ms)


# Refresh tokens


class Use(Enum):
    """What presenting a refresh token amounts to."""

    ROTATION = auto()
    RETRY = auto()
    REUSE = auto()


def judge_use(token_generation: int, used_at_ms: int | None, session_generation: int, now_ms: int) -> Use:
    """Decides about a refresh token of a session that goes on.

    A token that was used before is in two hands, a thief's and its owner's, and nobody can tell which is which: the
    session ends (RFC 9700, section 4.14.2). But an owner whose answer was lost, or who asked twice at once, presents
    it again too. They are told apart by what became of the successor: while that was never used, and for 10 s
    only, the token that was just used gets another successor. As soon as one successor is used, its siblings are
    old: if one was in a thief's hand, using it ends the session. So a thief gains 10 s, not a session.

    Args:
        token_generation: how many rotations lie before the token.
        used_at_ms: when it was first used, None if never.
        session_generation: the newest generation of the session's tokens.
        now_ms: the time.
    """
    if token_generation == session_generation:
        return Use.ROTATION
    if token_generation == session_generation - 1 and used_at_ms is not None and now_ms - used_at_ms <= GRACE_MS:
        return Use.RETRY
    return Use.REUSE


# Signing keys


@dataclass(frozen=True, slots=True)
class KeyPeriod:
    """From when a key signs. It stops when the next one begins."""

    kid: str
    active_from_ms: int


def signing_kid(keys: Sequence[KeyPeriod], now_ms: int) -> str:
    """The key that signs now. `keys` are oldest first."""
    active = [key.kid for key in keys if key.active_from_ms <= now_ms]
    return active[-1] if active else keys[0].kid


def next_key_from(keys: Sequence[KeyPeriod], now_ms: int) -> int | None:
    """When the key that is to be made now becomes active; None while none is needed. `keys` are oldest first."""
    if not keys:
        return now_ms
    until = keys[-1].active_from_ms + KEY_USE_MS
    return max(until, now_ms + KEY_LEAD_MS) if now_ms >= until - KEY_LEAD_MS else None


def finished_kids(keys: Sequence[KeyPeriod], now_ms: int) -> set[str]:
    """The keys of which no token can be valid any more. `keys` are oldest first."""
    return {key.kid for key, successor in pairwise(keys) if successor.active_from_ms + KEY_OVERLAP_MS <= now_ms}
