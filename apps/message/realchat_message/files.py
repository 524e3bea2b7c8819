"""What a file is, told by its bytes: type, size of an image, thumbnail. No I/O; it takes CPU, so call it in a thread.

Nothing is served as what a client says that it is: a browser would run a page that pretends to be a picture.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from io import BytesIO

import filetype
from PIL import Image, ImageOps

from realchat_common.errors import Code, RealChatError

MOST_BYTES = 10 * 1024 * 1024
"""Of a file: a binding takes and gives whole bodies, so each is in memory as a whole."""
MOST_NAME_CHARACTERS = 255
MOST_PIXELS = 40_000_000
"""A picture is 4 bytes for each when it is opened, however small its file is."""
THUMBNAIL = (512, 512)
THUMBNAIL_TYPE = "image/webp"
UNKNOWN = "application/octet-stream"
TEXT = "text/plain"

_PICTURES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP"}
_TOLD = ("image/", "video/", "audio/", "font/")
"""Kinds whose bytes tell them: what does not begin like one is none."""
_TOLD_TYPES = frozenset({"application/pdf", "application/zip", "application/gzip"})
_SAME = {
    "image/jpg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/wav": "audio/x-wav",
    "audio/wave": "audio/x-wav",
    "video/mov": "video/quicktime",
    "application/x-gzip": "application/gzip",
    "application/x-zip-compressed": "application/zip",
}
_ACTIVE = frozenset({"image/svg+xml", "text/html", "application/xhtml+xml"})
"""Text that browsers run: taken as the text that it is."""
_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class File:
    """What bytes are."""

    content_type: str
    matches: bool
    """Whether they are what was announced."""
    width: int = 0
    height: int = 0
    thumbnail: bytes = b""
    """An image/webp, of pictures."""


def check_name(name: str) -> str:
    """A file's name, without folders. Raises invalid_argument."""
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= MOST_NAME_CHARACTERS or name in {".", ".."}:
        raise RealChatError(Code.INVALID_ARGUMENT, f"a name has 1 to {MOST_NAME_CHARACTERS} characters", field="name")
    if any(c in '/\\"' or unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in name):
        raise RealChatError(Code.INVALID_ARGUMENT, "a name has no slashes, quotes and control characters", field="name")
    return name


def check_content_type(text: str) -> str:
    """A media type in lower case, without parameters. Raises invalid_argument."""
    content_type = text.partition(";")[0].strip().lower()
    if not _CONTENT_TYPE.fullmatch(content_type):
        raise RealChatError(Code.INVALID_ARGUMENT, "not a media type, such as image/png", field="content_type")
    return _SAME.get(content_type, content_type)


def check_size(size: int) -> int:
    """A number of bytes. Raises invalid_argument, payload_too_large."""
    if size < 1:
        raise RealChatError(Code.INVALID_ARGUMENT, "a file has at least one byte", field="size")
    if size > MOST_BYTES:
        raise RealChatError(Code.PAYLOAD_TOO_LARGE, f"a file has at most {MOST_BYTES} bytes", field="size")
    return size


def sniff(data: bytes) -> str:
    """The type that bytes tell; text/plain for text of whatever kind, application/octet-stream for what tells none."""
    told = filetype.guess_mime(data)  # type: ignore[no-untyped-call]
    if told:
        return _SAME.get(str(told), str(told))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return UNKNOWN
    return UNKNOWN if "\0" in text else TEXT


def fits(announced: str, told: str) -> bool:
    """Whether bytes that tell a type may have been announced as another."""
    if announced in (told, UNKNOWN):
        return True
    if announced in _ACTIVE:
        return told == TEXT
    kind, _, container = announced.partition("/")
    if kind in ("audio", "video") and told in (f"audio/{container}", f"video/{container}"):
        return True  # the same container, with sound alone or not: recorders announce audio/webm
    if announced.startswith(_TOLD) or announced in _TOLD_TYPES:
        return False
    # Documents are archives, source code is text: what was announced says more than the bytes can.
    return told in (TEXT, UNKNOWN, "application/zip") and (told != TEXT or not announced.startswith("application/vnd"))


def examine(data: bytes, announced: str) -> File:
    """What a file is.

    Args:
        data: its bytes, whole.
        announced: the media type that the client takes it for.
    """
    told = sniff(data)
    if not fits(announced, told):
        return File(told, matches=False)
    if told not in _PICTURES:
        return File(told, matches=True)
    try:
        return _picture(data, told)
    except Exception:  # decoders stumble over hostile bytes in many ways
        return File(told, matches=False)  # it begins like a picture and is none, or is too large to be opened


def _picture(data: bytes, told: str) -> File:
    with Image.open(BytesIO(data), formats=[_PICTURES[told]]) as image:
        if image.width * image.height > MOST_PIXELS:
            return File(told, matches=False)
        turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        width, height = (image.height, image.width) if turned else (image.width, image.height)
        image.draft("RGB", THUMBNAIL)  # a JPEG is then decoded as small as will do
        small = ImageOps.exif_transpose(image)
        small.thumbnail(THUMBNAIL)
        opaque = small.mode in ("L", "RGB")
        out = BytesIO()
        # Made anew from the pixels: whatever else the file said (where it was taken, say) is not in it.
        (small if opaque else small.convert("RGBA")).save(out, "WEBP", quality=80, exif=b"", icc_profile=b"")
    return File(told, matches=True, width=width, height=height, thumbnail=out.getvalue())
