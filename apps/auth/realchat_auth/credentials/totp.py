"""The rules of codes, without I/O: those of authenticators (TOTP, RFC 6238) and those for recovery.

Invariant, with the test that breaks when it goes (tests/unit/auth/test_totp.py): no code is good twice.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable

import pyotp

ISSUER = "RealChat"
STEP_MS = 30_000
DRIFT_STEPS = 1
"""How far an authenticator's clock may be off, either way."""
RECOVERY_CODES = 10
_TOTP = re.compile(r"[0-9]{6}")
MOST_CODE_CHARACTERS = 64


def normalise_code(text: str) -> str:
    """A code without what people put between its parts, in upper case."""
    return "".join(text[:MOST_CODE_CHARACTERS].split()).replace("-", "").upper()


def is_totp(code: str) -> bool:
    """Whether a normalised code is one of an authenticator; else it may be a recovery code."""
    return _TOTP.fullmatch(code) is not None


def matching_step(secret: str, code: str, now_ms: int, last_step: int) -> int | None:
    """The time step that a code belongs to.

    Args:
        secret: base32.
        code: normalised.
        now_ms: the time.
        last_step: that of the newest code that was used.

    Returns:
        None when it is the code of no step around now, or of one that is not after `last_step`.
    """
    totp, now = pyotp.TOTP(secret), now_ms // STEP_MS
    steps = range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1)
    found = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), code)]
    return next((step for step in found if step > last_step), None)


def new_secret(draw: Callable[[int], bytes]) -> str:
    """A secret of 160 bits, base32 (RFC 4226, section 4)."""
    return base64.b32encode(draw(20)).decode()


def provisioning_uri(secret: str, email: str) -> str:
    """What an authenticator reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def new_recovery_code(draw: Callable[[int], bytes]) -> str:
    """A code of 80 bits, in groups of four."""
    text = base64.b32encode(draw(10)).decode()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))
