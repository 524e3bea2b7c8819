"""Accounts as their owners see them, and what they are opened with."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from chat.auth.v1 import account_pb2
from realchat_common.ids import rfc3339
from realchat_gateway.schemas.base import ALICE, AT, Command, Id, Time, example

Email = Annotated[str, Field(max_length=320)]
Password = Annotated[str, Field(max_length=1024)]
Token = Annotated[str, Field(min_length=1, max_length=256, description="What the mail's link has behind its `#`.")]


class Account(BaseModel):
    """An account."""

    model_config = example(
        {
            "user_id": ALICE,
            "email": "alice@example.com",
            "email_verified": True,
            "created_at": AT,
            "second_factor": False,
            "recovery_codes_left": 0,
            "admin": False,
            "reminders": True,
        }
    )

    user_id: Id
    email: str
    email_verified: bool
    created_at: Time
    second_factor: Annotated[bool, Field(description="A login needs a code, too.")]
    recovery_codes_left: int
    admin: Annotated[bool, Field(description="May administer the instance.")]
    reminders: Annotated[bool, Field(description="Mails tell what waits unread while its owner is away.")]

    @classmethod
    def of(cls, account: account_pb2.Account) -> Account:
        """From the auth service."""
        return cls(
            user_id=account.user_id,
            email=account.email,
            email_verified=account.email_verified,
            created_at=rfc3339(account.created_at_ms),
            second_factor=account.second_factor,
            recovery_codes_left=account.recovery_codes_left,
            admin=account.admin,
            reminders=account.reminders,
        )


class AccountChange(Command):
    """What of an account is to change."""

    model_config = example({"reminders": False})

    reminders: bool | None = None


class PasswordChange(Command):
    """The password, and another one."""

    model_config = example({"current_password": "correct horse battery", "new_password": "staple at dawn"})

    current_password: Password
    new_password: Password


class PasswordAgain(Command):
    """The password, for what an open session alone may not do."""

    model_config = example({"password": "correct horse battery"})

    password: Password


class EmailChange(Command):
    """Another address, and the password again."""

    model_config = example({"password": "correct horse battery", "email": "alice@example.org"})

    password: Password
    email: Email


class Address(Command):
    """An address that may have an account."""

    model_config = example({"email": "alice@example.com"})

    email: Email


class Confirmation(Command):
    """What a mail has brought."""

    model_config = example({"token": "Zq3…"})

    token: Token


class ConfirmedAddress(BaseModel):
    """The address that is confirmed now."""

    model_config = example({"email": "alice@example.org"})

    email: str


class PasswordReset(Command):
    """What a mail has brought, and another password."""

    model_config = example({"token": "Zq3…", "new_password": "staple at dawn"})

    token: Token
    new_password: Password


Code = Annotated[str, Field(min_length=1, max_length=64)]


class SecondFactorSecret(BaseModel):
    """What an authenticator needs (TOTP, RFC 6238)."""

    model_config = example(
        {"secret": "JBSWY3DPEHPK3PXP", "uri": "otpauth://totp/RealChat:alice%40example.com?secret=JBSWY3DPEHPK3PXP"}
    )

    secret: Annotated[str, Field(description="Base32, for typing in.")]
    uri: Annotated[str, Field(description="For a QR code.")]


class SecondFactorCode(Command):
    """What the authenticator shows."""

    model_config = example({"code": "492039"})

    code: Code


class PasswordAndCode(Command):
    """Both proofs."""

    model_config = example({"password": "correct horse battery", "code": "492039"})

    password: Password
    code: Annotated[str, Field(min_length=1, max_length=64, description="Or a recovery code.")]


class RecoveryCodes(BaseModel):
    """Each is good for one login without the authenticator. They are shown this once."""

    model_config = example({"recovery_codes": ["MFRG-GZDF-MZTW-Q2LK"]})

    recovery_codes: list[str]
