"""What counts as one emoji."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat_message.emojis import one_emoji

from realchat_common.errors import Code, RealChatError


@pytest.mark.parametrize("text", ["👍", "👍🏽", "🇨🇭", "👩‍👩‍👧", "1️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"])
def test_one_emoji_is_one(text: str) -> None:
    assert one_emoji(text) == text


@pytest.mark.parametrize("text", ["❤", "❤️", "❤️️"])
def test_an_emoji_is_the_same_with_and_without_variation_selectors(text: str) -> None:
    assert one_emoji(text) == "❤️"


@pytest.mark.parametrize("text", ["", "a", "1", "#", "👍👍", "👍 ", "🇨", "\ufe0f", "\u200d", "👍\x00", ":+1:"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(RealChatError) as refused:
        one_emoji(text)
    assert (refused.value.code, refused.value.field) == (Code.INVALID_ARGUMENT, "emoji")


@given(st.text(max_size=8))
def test_no_text_is_more_than_refused(text: str) -> None:
    with suppress(RealChatError):
        assert one_emoji(one_emoji(text)) == one_emoji(text)
