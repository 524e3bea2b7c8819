"""Addresses and forgotten passwords over HTTP."""

from __future__ import annotations

import httpx
from fastapi import FastAPI
from service.gateway.backends import Backends
from service.gateway.door import Client, MakeApp, access_token, visitor

from chat.auth.v1 import account_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id


async def test_an_account_is_shown_to_its_owner(alice: Client, backends: Backends) -> None:
    account = pb.Account(user_id=alice.user_id, email="a@example.org", email_verified=True, created_at_ms=1)
    backends.answer("GetAccount", pb.GetAccountResponse(account=account))
    assert (await alice.ask("GET", "/v1/me/account")).json() == {
        "user_id": alice.user_id,
        "email": "a@example.org",
        "email_verified": True,
        "created_at": "1970-01-01T00:00:00.001Z",
        "second_factor": False,
        "recovery_codes_left": 0,
        "admin": False,
        "reminders": False,
    }
    account.reminders = True
    backends.answer("UpdateAccount", pb.UpdateAccountResponse(account=account))
    changed = await alice.ask("PATCH", "/v1/me/account", json={"reminders": True})
    assert changed.json()["reminders"] is True
    assert backends.asked("UpdateAccount") == pb.UpdateAccountRequest(reminders=True)


async def test_another_address_waits_for_its_confirmation(
    alice: Client, nobody: httpx.AsyncClient, backends: Backends
) -> None:
    body = {"password": "secret", "email": "b@example.org"}
    assert (await alice.ask("POST", "/v1/me/email", json=body)).status_code == 202
    assert backends.asked("ChangeEmail") == pb.ChangeEmailRequest(**body)
    backends.answer("ConfirmEmail", pb.ConfirmEmailResponse(email="b@example.org"))
    answer = await nobody.post("/v1/auth/email-confirmations", json={"token": "t"})
    assert (answer.status_code, answer.json()) == (200, {"email": "b@example.org"})
    backends.answer("ConfirmEmail", RealChatError(Code.INVALID_CONFIRMATION))
    answer = await nobody.post("/v1/auth/email-confirmations", json={"token": "t"})
    assert (answer.status_code, answer.json()["code"]) == (410, "invalid_confirmation")


async def test_a_reset_password_ends_the_access_tokens_of_all_sessions(
    app: FastAPI, nobody: httpx.AsyncClient, backends: Backends
) -> None:
    user_id, session_id = new_id(), new_id()
    backends.answer("ResetPassword", pb.ResetPasswordResponse(session_ids=[session_id]))
    assert (await nobody.post("/v1/auth/password-resets", json={"email": "a@example.org"})).status_code == 202
    async with visitor(app, authorization=f"Bearer {access_token(user_id, session_id)}") as phone:
        assert (await phone.get("/v1/sessions")).status_code == 200
        body = {"token": "t", "new_password": "another one"}
        assert (await nobody.post("/v1/auth/password-resets/confirm", json=body)).status_code == 204
        assert (await phone.get("/v1/sessions")).json()["code"] == "session_revoked"


async def test_asking_for_resets_is_counted_like_logins(make_app: MakeApp) -> None:
    async with visitor(make_app({"login": "2/minute"})) as nobody:
        codes = [
            (await nobody.post("/v1/auth/password-resets", json={"email": "a@example.org"})).status_code
            for _ in range(3)
        ]
    assert codes == [202, 202, 429]
