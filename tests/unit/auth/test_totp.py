"""The rules of codes."""

from __future__ import annotations

import pyotp
from hypothesis import given
from hypothesis import strategies as st
from realchat_auth.credentials.totp import (
    STEP_MS,
    is_totp,
    matching_step,
    new_recovery_code,
    new_secret,
    normalise_code,
    provisioning_uri,
)

SECRET = new_secret(lambda size: bytes(range(size)))
NOW = 1_800_000_000_000
STEP = NOW // STEP_MS


def code_of(step: int) -> str:
    return pyotp.TOTP(SECRET).generate_otp(step)


def test_the_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B, in six digits."""
    secret = new_secret(lambda _: b"12345678901234567890")
    for seconds, code in ((59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")):
        assert matching_step(secret, code, seconds * 1000, 0) == seconds // 30


@given(st.integers(-5, 5))
def test_a_clock_may_be_off_by_one_step(drift: int) -> None:
    assert matching_step(SECRET, code_of(STEP + drift), NOW, 0) == (STEP + drift if abs(drift) <= 1 else None)


@given(st.lists(st.integers(-2, 2), max_size=20))
def test_a_step_is_used_once_and_none_before_it(drifts: list[int]) -> None:
    used: list[int] = []
    for drift in drifts:
        step = matching_step(SECRET, code_of(STEP + drift), NOW, max(used, default=0))
        if step is not None:
            assert step not in used
            used.append(step)
    assert used == sorted(used)


def test_people_may_type_codes_as_they_are_shown() -> None:
    code = new_recovery_code(lambda size: bytes(range(size)))
    assert normalise_code(f" {code.lower()} ") == normalise_code(code) == code.replace("-", "")
    assert normalise_code("123 456") == "123456"
    assert len(normalise_code(code)) == 16
    assert is_totp("123456")
    for text in ("12345", "1234567", "\u0661\u0662\u0663\u0664\u0665\u0666", normalise_code(code), ""):
        assert not is_totp(text)


def test_the_uri_names_the_account() -> None:
    uri = provisioning_uri(SECRET, "alice@example.com")
    assert uri.startswith("otpauth://totp/RealChat:alice%40example.com?secret=")
