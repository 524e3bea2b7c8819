"""Identifiers, times and cursors as they look outside."""

from __future__ import annotations

import base64
import binascii
import re
import time
import uuid
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
import uuid_utils

from realchat_common.errors import Code, RealChatError

T = TypeVar("T")

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def new_id() -> str:
    """A UUIDv7 (RFC 9562): unique, and sorted by time of making."""
    return str(uuid_utils.uuid7())


def now_ms() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def rfc3339(milliseconds: int) -> str:
    """A time in UTC with milliseconds, as RFC 3339 writes it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_rfc3339(text: str) -> int:
    """The milliseconds since the Unix epoch of a time as RFC 3339 writes it. Raises ValueError, also before 1970."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("not a time as RFC 3339 writes it, such as 2026-01-02T03:04:05Z")
    milliseconds = round(datetime.fromisoformat(text.upper()).timestamp() * 1000)
    if milliseconds < 0:
        raise ValueError("not a time since 1970")
    return milliseconds


def parse_id(text: str, field: str) -> str:
    """An id in canonical form. Raises invalid_argument for anything that is not a UUID."""
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise RealChatError(Code.INVALID_ARGUMENT, f"{field} is not a UUID", field=field) from error


def encode_cursor(*position: str | float) -> str:
    """A place in a list as an opaque text."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).rstrip(b"=").decode()


def decode_cursor(cursor: str, shape: type[T]) -> T:
    """The place that a cursor stands for, a tuple of the shape given. Raises invalid_argument for a foreign one."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=shape)
    except (binascii.Error, msgspec.MsgspecError, ValueError) as error:
        raise RealChatError(Code.INVALID_ARGUMENT, "the cursor is not valid", field="cursor") from error


def page_limit(limit: int, *, default: int = 50, most: int = 200) -> int:
    """The number of entries of a page; 0 asks for the default. Raises invalid_argument outside 1 to `most`."""
    if limit == 0:
        return default
    if not 1 <= limit <= most:
        raise RealChatError(Code.INVALID_ARGUMENT, f"limit is 1 to {most}", field="limit")
    return limit
