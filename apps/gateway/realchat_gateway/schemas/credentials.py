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

    model_config = example({"user_id": ALICE, "email": "alice@example.com", "email_verified": True, "created_at": AT})

    user_id: Id
    email: str
    email_verified: bool
    created_at: Time

    @classmethod
    def of(cls, account: account_pb2.Account) -> Account:
        """From the auth service."""
        return cls(
            user_id=account.user_id,
            email=account.email,
            email_verified=account.email_verified,
            created_at=rfc3339(account.created_at_ms),
        )


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
