"""What a conversation is to one of its members: the rules, without I/O."""

from __future__ import annotations

from dataclasses import dataclass

from realchat_common.errors import Code, RealChatError

MOST_DRAFT_CHARACTERS = 8_000
LATEST_MS = 253_402_300_799_999
"""The end of the year 9999, which stands for always."""


@dataclass(frozen=True, slots=True)
class MemberSettings:
    """A member's own settings in a conversation."""

    muted_until_ms: int = 0
    pinned: bool = False
    archived: bool = False
    draft: str = ""
    draft_at_ms: int = 0
    """When the draft was changed."""


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What a member changes; None stays as it is."""

    muted_until_ms: int | None = None
    pinned: bool | None = None
    archived: bool | None = None
    draft: str | None = None

    def checked(self) -> SettingsChange:
        """The change. Raises invalid_argument."""
        if self.muted_until_ms is not None and not 0 <= self.muted_until_ms <= LATEST_MS:
            raise RealChatError(Code.INVALID_ARGUMENT, "a time until the year 9999", field="muted_until")
        if self.draft is not None and (len(self.draft) > MOST_DRAFT_CHARACTERS or "\0" in self.draft):
            raise RealChatError(
                Code.INVALID_ARGUMENT, f"a draft has at most {MOST_DRAFT_CHARACTERS:,} characters", field="draft"
            )
        return self

    def applied_to(self, settings: MemberSettings, now_ms: int) -> MemberSettings:
        """The settings afterwards."""
        new_draft = self.draft is not None and self.draft != settings.draft
        return MemberSettings(
            settings.muted_until_ms if self.muted_until_ms is None else self.muted_until_ms,
            settings.pinned if self.pinned is None else self.pinned,
            settings.archived if self.archived is None else self.archived,
            settings.draft if self.draft is None else self.draft,
            now_ms if new_draft else settings.draft_at_ms,
        )
