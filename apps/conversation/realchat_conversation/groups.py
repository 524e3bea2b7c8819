"""What there is to a group besides its members: title, description, avatar, rules; without I/O."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, fields

from realchat_common.errors import Code, RealChatError

MOST_TITLE_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class Details:
    """What else there is to a group."""

    description: str = ""
    avatar_id: str = ""
    """An attachment, or empty."""
    admins_only: bool = False
    """Only administrators write."""
    open_history: bool = False
    """Who joins may read what was before."""


DETAILS = tuple(field.name for field in fields(Details))


@dataclass(frozen=True, slots=True)
class Configure:
    """Changes details; None leaves one as it is."""

    description: str | None = None
    avatar_id: str | None = None
    admins_only: bool | None = None
    open_history: bool | None = None

    def given(self) -> dict[str, str | bool]:
        """What is wanted, by the names that it has in Details."""
        return {name: value for name in DETAILS if (value := getattr(self, name)) is not None}

    def applied_to(self, details: Details) -> Details:
        """The details afterwards."""
        return Details(
            details.description if self.description is None else self.description,
            details.avatar_id if self.avatar_id is None else self.avatar_id,
            details.admins_only if self.admins_only is None else self.admins_only,
            details.open_history if self.open_history is None else self.open_history,
        )


@dataclass(frozen=True, slots=True)
class Configured:
    """Details changed."""

    changes: Configure
    """Without what was so already."""


def normalise_title(title: str) -> str:
    """A title in NFC with nothing blank around it.

    Raises:
        RealChatError: invalid_argument unless it is 1 to 128 characters, of which one can be seen and none is a
            control character or ends a line.
    """
    text = title.strip()
    if len(text) <= 4 * MOST_TITLE_CHARACTERS:  # at most four characters become one (UAX #15); don't work on more
        text = unicodedata.normalize("NFC", text)
    categories = {unicodedata.category(character) for character in text}
    if categories & {"Cc", "Zl", "Zp"}:
        raise RealChatError(Code.INVALID_ARGUMENT, "a title has no control characters", field="title")
    if not 1 <= len(text) <= MOST_TITLE_CHARACTERS or all(category[0] in "CZ" for category in categories):
        raise RealChatError(
            Code.INVALID_ARGUMENT, f"a title has 1 to {MOST_TITLE_CHARACTERS} characters", field="title"
        )
    return text
