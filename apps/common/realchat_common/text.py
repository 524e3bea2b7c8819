"""What people write about themselves and their groups: names, titles, descriptions."""

from __future__ import annotations

import unicodedata

from realchat_common.errors import Code, RealChatError

_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the text around them about, so that a name can look like another one (Unicode TR 36)."""


def clean_text(text: str, field: str, *, most: int, least: int = 1, lines: bool = False) -> str:
    """A text in NFC with nothing blank around it.

    Args:
        text: as it came.
        field: its name, for the error.
        most: characters (code points) at most.
        least: characters at least; 1 also asks for something to see.
        lines: whether line ends and tabs may occur; ends become `\\n`.

    Raises:
        RealChatError: invalid_argument, also for control characters and those that turn the direction about.
    """
    if lines:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > most:
        raise RealChatError(Code.INVALID_ARGUMENT, f"{field} has at most {most} characters", field=field)
    allowed = "\n\t" if lines else ""
    if any(c in _BIDI or (unicodedata.category(c) in _REFUSED and c not in allowed) for c in text):
        raise RealChatError(Code.INVALID_ARGUMENT, f"{field} has no control characters", field=field)
    if len(text) < least or (least and not any(unicodedata.category(c)[0] not in "CZ" for c in text)):
        raise RealChatError(Code.INVALID_ARGUMENT, f"{field} has at least {least} characters", field=field)
    return text
