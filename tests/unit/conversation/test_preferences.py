"""A member's own settings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat_conversation.preferences import LATEST_MS, MemberSettings, SettingsChange

from realchat_common.errors import RealChatError

changes = st.builds(
    SettingsChange,
    st.none() | st.integers(0, LATEST_MS),
    st.none() | st.booleans(),
    st.none() | st.booleans(),
    st.none() | st.text(max_size=20).filter(lambda text: "\0" not in text),
)


@given(st.lists(changes, max_size=6))
def test_what_is_not_given_stays_and_what_is_given_is_so(history: list[SettingsChange]) -> None:
    settings = MemberSettings()
    for now_ms, change in enumerate(history, 1):
        before, settings = settings, change.checked().applied_to(settings, now_ms)
        for name in ("muted_until_ms", "pinned", "archived", "draft"):
            given_value = getattr(change, name)
            assert getattr(settings, name) == (getattr(before, name) if given_value is None else given_value)
        assert settings.draft_at_ms == (before.draft_at_ms if settings.draft == before.draft else now_ms)
        assert change.applied_to(settings, now_ms + 1) == settings


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (SettingsChange(muted_until_ms=-1), "muted_until"),
        (SettingsChange(muted_until_ms=LATEST_MS + 1), "muted_until"),
        (SettingsChange(draft="x" * 8001), "draft"),
        (SettingsChange(draft="a\0"), "draft"),
    ],
)
def test_impossible_settings_are_refused_by_field(change: SettingsChange, field: str) -> None:
    with pytest.raises(RealChatError) as refusal:
        change.checked()
    assert refusal.value.field == field
