"""The rules of handles and profiles, without I/O."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from realchat_common.errors import Code, RealChatError
from realchat_common.ids import parse_id
from realchat_common.text import clean_text

MOST_NAME_CHARACTERS = 64
MOST_BIO_CHARACTERS = 500
MOST_STATUS_CHARACTERS = 140
MOST_STATUS_MS = 366 * 24 * 3600 * 1000
"""How far ahead a status may expire."""
MOST_PREFIX_CHARACTERS = 64
LEAST_HANDLE_CHARACTERS, MOST_HANDLE_CHARACTERS = 3, 32

MOST_HANDLE_CHANGES = 3
HANDLE_CHANGES_MS = 30 * 24 * 3600 * 1000
"""So often a handle may be changed within so long: who mentions somebody should still mean them."""

RESERVED = frozenset(
    {"all", "channel", "everyone", "here"}  # what a mention means by itself
    | {"admin", "administrator", "moderator", "official", "owner", "realchat", "root", "security", "staff", "support"}
    | {"bot", "deleted", "nobody", "null", "system", "undefined", "user"}
)
"""Handles that nobody gets, since they would be taken for somebody or something else."""
NAMELESS = "user"
"""What a handle begins with where the name has no letters for one."""

_HANDLE = re.compile(rf"[a-z0-9_.]{{{LEAST_HANDLE_CHARACTERS},{MOST_HANDLE_CHARACTERS}}}")
_SUFFIX_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_SUFFIX_LENGTHS = (3, 3, 4, 4, 6, 6, 10)
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
"""Latin letters that Unicode does not take apart."""


def is_handle(text: str) -> bool:
    """Whether a text has the form of a handle."""
    return _HANDLE.fullmatch(text) is not None


def choose_handle(text: str) -> str:
    """A handle that somebody asks for, in lower case.

    Raises:
        RealChatError: invalid_argument for what has not the form, handle_taken for reserved words.
    """
    handle = text.strip().lower()
    if not is_handle(handle):
        raise RealChatError(Code.INVALID_ARGUMENT, "a handle is 3 to 32 of a-z 0-9 _ .", field="handle")
    if handle in RESERVED:
        raise RealChatError(Code.HANDLE_TAKEN, field="handle")
    return handle


def display_name_of(text: str) -> str:
    """A display name in its one form. Raises invalid_argument."""
    return clean_text(text, "display_name", most=MOST_NAME_CHARACTERS)


def search_key(text: str) -> str:
    """The form in which names are searched: without regard to case, width or ligatures."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def search_prefix(text: str) -> str:
    """What somebody looks for, as a search key; people type the @ of a mention, too. Raises invalid_argument."""
    return search_key(clean_text(text.strip().removeprefix("@"), "prefix", most=MOST_PREFIX_CHARACTERS))


def handle_candidates(display_name: str, pick: Callable[[str], str]) -> Iterator[str]:
    """Handles for a new profile, best first: the name in ASCII, then with a suffix that grows.

    Args:
        display_name: the name.
        pick: chooses a character of a text at random.
    """
    folded = unicodedata.normalize("NFKD", display_name.casefold().translate(_LETTERS))
    ascii_only = "".join(c for c in folded if not unicodedata.combining(c))
    slug = re.sub(r"[^a-z0-9_]+", ".", ascii_only).strip("._")[:MOST_HANDLE_CHARACTERS].strip("._")
    if is_handle(slug) and slug not in RESERVED:
        yield slug
    for length in _SUFFIX_LENGTHS:
        base = (slug or NAMELESS)[: MOST_HANDLE_CHARACTERS - 1 - length].strip("._")
        yield f"{base}.{''.join(pick(_SUFFIX_ALPHABET) for _ in range(length))}"


def admit_handle_change(earlier_ms: Sequence[int], now_ms: int) -> list[int]:
    """The times of the changes of a handle that count, with the one now.

    Args:
        earlier_ms: the times of the changes before, oldest first.
        now_ms: the time.

    Raises:
        RealChatError: rate_limited, after too many changes.
    """
    recent = [at_ms for at_ms in earlier_ms if at_ms > now_ms - HANDLE_CHANGES_MS]
    if len(recent) >= MOST_HANDLE_CHANGES:
        wait_ms = recent[-MOST_HANDLE_CHANGES] + HANDLE_CHANGES_MS - now_ms
        raise RealChatError(
            Code.RATE_LIMITED,
            f"a handle changes at most {MOST_HANDLE_CHANGES} times in 30 days",
            field="handle",
            retry_after=-(-wait_ms // 1000),
        )
    return [*recent, now_ms]


@dataclass(frozen=True, slots=True)
class Status:
    """What somebody is about."""

    text: str = ""
    """Empty for none."""
    until_ms: int = 0
    """When it expires; 0 for never."""

    def at(self, now_ms: int) -> Status:
        """The status as it is shown at a time."""
        return self if not self.until_ms or now_ms < self.until_ms else Status()


def parse_status(text: str, until_ms: int, now_ms: int) -> Status:
    """A status in its one form. Raises invalid_argument."""
    text = clean_text(text, "status_text", least=0, most=MOST_STATUS_CHARACTERS)
    if until_ms and not now_ms < until_ms <= now_ms + MOST_STATUS_MS:
        raise RealChatError(
            Code.INVALID_ARGUMENT, "a status expires in the future, within a year", field="status_until"
        )
    return Status(text, until_ms if text else 0)


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody changes of their profile; None stays as it is."""

    handle: str | None = None
    display_name: str | None = None
    bio: str | None = None
    avatar_id: str | None = None
    """Empty for none."""
    status: Status | None = None


def parse_change(
    handle: str | None,
    display_name: str | None,
    bio: str | None,
    avatar_id: str | None = None,
    status: Status | None = None,
) -> Change:
    """A change in its one form.

    Raises:
        RealChatError: invalid_argument, handle_taken.
    """
    return Change(
        None if handle is None else choose_handle(handle),
        None if display_name is None else display_name_of(display_name),
        None if bio is None else clean_text(bio, "bio", least=0, most=MOST_BIO_CHARACTERS, lines=True),
        parse_id(avatar_id, "avatar_id") if avatar_id else avatar_id,
        status,
    )
