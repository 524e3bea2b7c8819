"""The rules of handles and profiles."""

from __future__ import annotations

import random
import unicodedata
from contextlib import suppress
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat_profile.domain import (
    RESERVED,
    Status,
    admit_handle_change,
    choose_handle,
    handle_candidates,
    is_handle,
    parse_change,
    parse_status,
    search_key,
    search_prefix,
)

from realchat_common.errors import Code, RealChatError


def _first(name: str) -> str:
    return next(handle_candidates(name, random.Random(1).choice))


@pytest.mark.parametrize(
    ("name", "handle"),
    [
        ("Ada Lovelace", "ada.lovelace"),
        ("  José Núñez-García ", "jose.nunez.garcia"),
        ("Søren Kierkegaard", "soren.kierkegaard"),
        ("Straßenbahn", "strassenbahn"),
        ("ＦＵＬＬ width", "full.width"),
        ("snake_case_42", "snake_case_42"),
        ("A" * 64, "a" * 32),
        ("Æsop & Ωmega", "aesop.mega"),
    ],
)
def test_a_handle_is_the_name_in_ascii(name: str, handle: str) -> None:
    assert _first(name) == handle


@pytest.mark.parametrize("name", ["李明", "🐎", "Al", "Все", "everyone", "..."])
def test_names_without_a_handle_of_their_own_get_a_suffix(name: str) -> None:
    candidates = list(islice(handle_candidates(name, random.Random(1).choice), 3))
    assert len(set(candidates)) == 3
    assert all(is_handle(candidate) for candidate in candidates)
    assert not RESERVED.intersection(candidates)


@given(st.text(min_size=1, max_size=64), st.integers())
def test_every_name_has_several_candidates_of_the_right_form(name: str, seed: int) -> None:
    candidates = list(handle_candidates(name, random.Random(seed).choice))
    assert len(candidates) >= 7
    for candidate in candidates:
        assert is_handle(candidate)
        assert candidate not in RESERVED


def test_a_handle_is_taken_in_lower_case() -> None:
    assert choose_handle(" Ada_L.1815 ") == "ada_l.1815"


@pytest.mark.parametrize("text", ["", "ab", "a" * 33, "a b c", "ada!", "ädä", "ada\x00", "ada%", "ａｄａ"])
def test_other_characters_and_lengths_are_refused(text: str) -> None:
    with pytest.raises(RealChatError) as refusal:
        choose_handle(text)
    assert (refusal.value.code, refusal.value.field) == (Code.INVALID_ARGUMENT, "handle")


@pytest.mark.parametrize("text", ["all", "HERE", "everyone", "Admin", "support"])
def test_a_reserved_word_is_nobodys_handle(text: str) -> None:
    with pytest.raises(RealChatError) as refusal:
        choose_handle(text)
    assert refusal.value.code is Code.HANDLE_TAKEN


def test_a_change_is_normalised() -> None:
    change = parse_change(None, "  Jose\u0301 ", " one\r\ntwo\t\n ")
    assert (change.handle, change.display_name, change.bio) == (None, "Jos\u00e9", "one\ntwo")
    assert parse_change(None, None, "").bio == ""


@pytest.mark.parametrize(
    ("name", "bio", "field"),
    [
        ("", None, "display_name"),
        (" \u200b\u200d ", None, "display_name"),
        ("x" * 65, None, "display_name"),
        ("two\nlines", None, "display_name"),
        ("a\u2028b", None, "display_name"),
        ("\u202eecila", None, "display_name"),
        (None, "x" * 501, "bio"),
        (None, "bell\x07", "bio"),
    ],
)
def test_names_and_bios_are_refused_by_field(name: str | None, bio: str | None, field: str) -> None:
    with pytest.raises(RealChatError) as refusal:
        parse_change(None, name, bio)
    assert (refusal.value.code, refusal.value.field) == (Code.INVALID_ARGUMENT, field)


def test_names_may_have_joined_emoji_and_any_script() -> None:
    for name in ("👩‍👩‍👧‍👦 family", "می‌خواهم", "x", "李"):
        assert parse_change(None, name, None).display_name == unicodedata.normalize("NFC", name)


@given(st.text(max_size=64))
def test_a_search_key_does_not_depend_on_case_or_composition(name: str) -> None:
    assert search_key(unicodedata.normalize("NFD", name)) == search_key(unicodedata.normalize("NFC", name))
    assert search_key(search_key(name)) == search_key(name)


def test_people_type_the_at_sign_of_a_mention() -> None:
    assert search_prefix("@Ada") == search_prefix("ADA ") == "ada"
    with pytest.raises(RealChatError):
        search_prefix("@")


@given(st.lists(st.integers(0, 200), max_size=30).map(sorted))
def test_within_30_days_a_handle_changes_three_times_at_most(days: list[int]) -> None:
    day_ms = 24 * 3600 * 1000
    counted: list[int] = []
    done: list[int] = []
    for day in days:
        with suppress(RealChatError):
            counted = admit_handle_change(counted, day * day_ms)
            done.append(day)
    assert all(sum(start <= day < start + 30 for day in done) <= 3 for start in done)


def test_who_changed_their_handle_too_often_is_told_when_they_may_again() -> None:
    counted: list[int] = []
    for at_ms in (1_000, 2_000, 3_000):
        counted = admit_handle_change(counted, at_ms)
    with pytest.raises(RealChatError) as refusal:
        admit_handle_change(counted, 4_000)
    assert (refusal.value.code, refusal.value.field) == (Code.RATE_LIMITED, "handle")
    assert refusal.value.retry_after is not None
    again_ms = 4_000 + int(refusal.value.retry_after) * 1000
    assert admit_handle_change(counted, again_ms) == [2_000, 3_000, again_ms]


def test_a_status_is_shown_until_it_expires() -> None:
    assert parse_status("  tea ", 10, 1) == Status("tea", 10)
    assert parse_status("", 10, 1) == Status()
    assert Status("tea", 10).at(9) == Status("tea", 10)
    assert Status("tea", 10).at(10) == Status()
    assert Status("tea").at(10) == Status("tea")
