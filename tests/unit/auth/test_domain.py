"""The rules of accounts, sessions and signing keys."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from realchat_auth.domain import (
    ACCESS_SECONDS,
    DAY_MS,
    FIRST_LOCK_MS,
    FREE_ATTEMPTS,
    GRACE_MS,
    KEY_LEAD_MS,
    KEY_USE_MS,
    LONGEST_LOCK_MS,
    Attempts,
    KeyPeriod,
    Use,
    attempt,
    choose_password,
    device_label,
    email_key,
    finished_kids,
    judge_use,
    next_key_from,
    normalise_password,
    parse_email,
    signing_kid,
)

from realchat_common.errors import Code, RealChatError
from realchat_common.tokens import FRESH_SECONDS, LEEWAY_SECONDS

NOW = 1_800_000_000_000


# Emails and passwords


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice@Example.com", "alice@example.COM"),
        ("  alice@example.com ", "alice@example.com"),
        ("straße@example.com", "STRASSE@example.com"),
        ("jos\u00e9@example.com", "jose\u0301@example.com"),
        ("a@bücher.example.com", "a@xn--bcher-kva.example.com"),
    ],
)
def test_addresses_that_people_take_for_the_same_have_one_key(one: str, other: str) -> None:
    assert parse_email(one).key == parse_email(other).key == email_key(one)


def test_an_address_is_kept_as_its_owner_writes_it() -> None:
    assert parse_email("Alice.Liddell@Example.COM").address == "Alice.Liddell@example.com"


@pytest.mark.parametrize("text", ["", "alice", "@example.com", "alice@", "a b@example.com", "a@b\x00.com", "a" * 9999])
def test_what_is_no_address_is_refused_but_can_be_looked_up(text: str) -> None:
    with pytest.raises(RealChatError) as refusal:
        parse_email(text)
    assert refusal.value.code is Code.INVALID_ARGUMENT
    assert refusal.value.field == "email"
    assert "\x00" not in email_key(text)


@pytest.mark.parametrize(
    "password", ["correct horse", "        x", "密码密码密码密码", "🐎" * 8, "x" * 128, "tab\there\x00"]
)
def test_passwords_may_have_any_characters(password: str) -> None:
    assert choose_password(password) == unicodedata.normalize("NFKC", password)


@pytest.mark.parametrize("password", ["", "seven77", " " * 12, "\u3000" * 12, "x" * 129, "x" * 100_000, "e\u0301" * 7])
def test_passwords_that_are_too_short_too_long_or_blank_are_refused(password: str) -> None:
    with pytest.raises(RealChatError) as refusal:
        choose_password(password)
    assert refusal.value.field == "password"


@given(st.text(min_size=8, max_size=40))
def test_a_password_is_the_same_however_a_keyboard_composes_it(password: str) -> None:
    assert normalise_password(unicodedata.normalize("NFD", password)) == normalise_password(password)


@given(st.text())
@example("0" * 63 + " 0")
def test_a_device_label_is_short_and_printable(text: str) -> None:
    label = device_label(text)
    assert len(label) <= 64
    assert label.isprintable()
    assert label == label.strip()


# Lock-out


def _attempts(count: int) -> Attempts:
    """So many in a row, each as soon as it is allowed."""
    state, now = Attempts(), NOW
    for _ in range(count):
        now = max(now, state.locked_until_ms)
        state = attempt(state, now)
    return state


def test_the_first_attempts_are_free_and_then_the_locks_double() -> None:
    locks = [state.locked_until_ms - state.last_at_ms for state in map(_attempts, range(1, 15))]
    assert locks[: FREE_ATTEMPTS - 1] == [0] * (FREE_ATTEMPTS - 1)
    assert locks[FREE_ATTEMPTS - 1 : FREE_ATTEMPTS + 2] == [FIRST_LOCK_MS, 2 * FIRST_LOCK_MS, 4 * FIRST_LOCK_MS]
    assert locks[-1] == LONGEST_LOCK_MS


def test_a_lock_says_when_it_ends() -> None:
    state = _attempts(FREE_ATTEMPTS)
    with pytest.raises(RealChatError) as refusal:
        attempt(state, state.locked_until_ms - 4_000)
    assert refusal.value.code is Code.LOCKED_OUT
    assert refusal.value.retry_after == 4
    assert attempt(state, state.locked_until_ms).count == FREE_ATTEMPTS + 1


def test_attempts_long_ago_are_forgotten() -> None:
    state = _attempts(40)
    assert attempt(state, state.last_at_ms + DAY_MS + 1) == Attempts(
        1, state.last_at_ms + DAY_MS + 1, state.last_at_ms + DAY_MS + 1
    )


# Refresh tokens


@given(st.integers(0, 1000))
def test_the_newest_token_is_rotated(generation: int) -> None:
    assert judge_use(generation, None, generation, NOW) is Use.ROTATION


def test_the_token_just_used_may_be_retried_while_its_successor_is_unused() -> None:
    assert judge_use(3, NOW, 4, NOW) is Use.RETRY
    assert judge_use(3, NOW, 4, NOW + GRACE_MS) is Use.RETRY
    assert judge_use(3, NOW, 4, NOW + GRACE_MS + 1) is Use.REUSE


def test_once_a_successor_was_used_its_predecessor_and_its_siblings_are_old() -> None:
    assert judge_use(3, NOW, 5, NOW) is Use.REUSE
    assert judge_use(4, None, 5, NOW) is Use.REUSE  # a sibling, which nobody had used


# Signing keys


class KeyRing:
    """What a database would hold, rotated whenever somebody looks."""

    def __init__(self) -> None:
        self.keys: list[KeyPeriod] = []
        self.made = 0

    def rotate(self, now_ms: int) -> None:
        finished = finished_kids(self.keys, now_ms)
        start = next_key_from(self.keys, now_ms)
        self.keys = [key for key in self.keys if key.kid not in finished]
        if start is not None:
            self.made += 1
            self.keys.append(KeyPeriod(f"key-{self.made}", start))


def test_a_key_is_listed_before_it_signs_and_until_its_last_token_has_expired() -> None:
    ring = KeyRing()
    listed_since: dict[str, int] = {}
    last_signed: dict[str, int] = {}
    minute = 60_000
    for now in range(NOW, NOW + 3 * KEY_USE_MS, 10 * minute):
        ring.rotate(now)
        kids = {key.kid for key in ring.keys}
        for kid in kids:
            listed_since.setdefault(kid, now)
        kid = signing_kid(ring.keys, now)
        last_signed[kid] = now
        if len(last_signed) > 1:
            assert now - listed_since[kid] >= KEY_LEAD_MS - 10 * minute
        for old, at in last_signed.items():
            if now - at <= (ACCESS_SECONDS + LEEWAY_SECONDS) * 1000:
                assert old in kids
    assert len(last_signed) == 3
    assert len(ring.keys) <= 2


@given(st.lists(st.integers(1, 100 * DAY_MS), max_size=30))
def test_there_is_always_a_key_that_signs_however_long_nobody_looked(pauses: list[int]) -> None:
    ring, now = KeyRing(), NOW
    ring.rotate(now)
    for pause in pauses:
        now += pause
        before = {key.kid for key in ring.keys}
        ring.rotate(now)
        active = [key for key in ring.keys if key.active_from_ms <= now]
        assert signing_kid(ring.keys, now) == active[-1].kid
        assert active[-1].kid in before  # what signs was listed at the rotation before


def test_caches_of_the_keys_are_younger_than_the_lead() -> None:
    assert FRESH_SECONDS * 1000 < KEY_LEAD_MS
