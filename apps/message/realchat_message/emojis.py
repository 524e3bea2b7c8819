"""What counts as one emoji: those that Unicode recommends for interchange (UTS #51, RGI)."""

from __future__ import annotations

from emoji import EMOJI_DATA, STATUS

from realchat_common.errors import Code, RealChatError

_VARIATION = "\ufe0f"
_QUALIFIED = {
    emoji.replace(_VARIATION, ""): emoji
    for emoji, data in EMOJI_DATA.items()
    if data["status"] == STATUS["fully_qualified"]
}


def one_emoji(text: str) -> str:
    """An emoji in its fully qualified form, so that the same one is one however it was typed.

    Raises:
        RealChatError: invalid_argument for anything else.
    """
    qualified = _QUALIFIED.get(text.replace(_VARIATION, ""))
    if qualified is None:
        raise RealChatError(Code.INVALID_ARGUMENT, "a reaction is one emoji", field="emoji")
    return qualified
