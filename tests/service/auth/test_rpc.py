"""The service as the gateway and the sidecar see it."""

from __future__ import annotations

import grpc
import pytest
from dapr.proto import appcallback_v1
from google.protobuf import empty_pb2
from service.auth.office import PASSWORD, TOKEN, Line, Office

from chat.auth.v1 import auth_pb2
from realchat_common.errors import Code
from realchat_common.identity import User
from realchat_common.tokens import AccessTokens, auth_keys

SIDECAR = (("dapr-api-token", TOKEN),)


async def _registered(line: Line) -> auth_pb2.TokenPair:
    request = auth_pb2.RegisterRequest(
        email="alice@example.com", password=PASSWORD, display_name="Alice", device_name="Firefox on Linux"
    )
    return (await line.gateway.call(line.gateway.stub.Register, request)).tokens


async def test_a_whole_life_of_a_session(line: Line, office: Office) -> None:
    stub, call = line.gateway.stub, line.gateway.call
    alice = await _registered(line)
    assert alice.expires_in == 900
    tokens = AccessTokens(auth_keys(line.gateway), "realchat")
    user = await tokens.verify(alice.access_token)
    assert user == User(alice.user_id, alice.session_id)

    login = auth_pb2.LoginRequest(email="Alice@example.com", password=PASSWORD, device_name="Safari on iPhone")
    phone = (await call(stub.Login, login)).tokens
    phone = (await call(stub.Refresh, auth_pb2.RefreshRequest(refresh_token=phone.refresh_token))).tokens
    listed = (await call(stub.ListSessions, auth_pb2.ListSessionsRequest(), user)).sessions
    assert [session.device_name for session in listed] == ["Safari on iPhone", "Firefox on Linux"]

    await call(stub.RevokeSession, auth_pb2.RevokeSessionRequest(session_id=phone.session_id), user)
    for _ in range(2):
        await call(stub.Logout, auth_pb2.LogoutRequest(), user)
    assert office.revoked() == [phone.session_id, alice.session_id]
    assert not (await call(stub.ListSessions, auth_pb2.ListSessionsRequest(), user)).sessions
    office.passes(40 * 24 * 3600)
    await office.accounts.purge()
    await call(stub.Logout, auth_pb2.LogoutRequest(), user)


async def test_what_needs_a_user_says_so(line: Line, office: Office) -> None:
    stub, call = line.gateway.stub, line.gateway.call
    for attempt in (
        call(stub.ListSessions, auth_pb2.ListSessionsRequest()),
        call(stub.Logout, auth_pb2.LogoutRequest()),
        call(stub.RevokeSession, auth_pb2.RevokeSessionRequest(session_id="019a8f3e-9a5f-7162-9e85-6daf0c4b5c55")),
    ):
        assert (await office.refused(attempt)).code is Code.UNAUTHENTICATED


async def test_errors_arrive_with_code_field_and_time(line: Line, office: Office) -> None:
    stub, call = line.gateway.stub, line.gateway.call
    alice = await _registered(line)
    user = User(alice.user_id, alice.session_id)
    taken = await office.refused(_registered(line))
    assert (taken.code, taken.field) == (Code.EMAIL_TAKEN, "email")
    odd = await office.refused(call(stub.RevokeSession, auth_pb2.RevokeSessionRequest(session_id="1"), user))
    assert (odd.code, odd.field) == (Code.INVALID_ARGUMENT, "session_id")
    wrong = auth_pb2.LoginRequest(email="alice@example.com", password="wrong horse")
    for _ in range(5):
        await office.refused(call(stub.Login, wrong))
    locked = await office.refused(call(stub.Login, wrong))
    assert (locked.code, locked.retry_after) == (Code.LOCKED_OUT, 15)


async def test_the_sidecar_finds_the_binding_and_purges_by_it(line: Line, office: Office) -> None:
    await office.registers()
    office.passes(31 * 24 * 3600)
    bindings = await line.sidecar.ListInputBindings(empty_pb2.Empty(), metadata=SIDECAR)
    assert bindings.bindings == ["session-purge"]
    await line.sidecar.OnBindingEvent(appcallback_v1.BindingEventRequest(name="session-purge"), metadata=SIDECAR)
    assert await office.rows("session") == 0


async def test_only_the_sidecar_may_call_back(line: Line, office: Office) -> None:
    await office.registers()
    office.passes(31 * 24 * 3600)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await line.sidecar.OnBindingEvent(appcallback_v1.BindingEventRequest(name="session-purge"))
    assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert await office.rows("session") == 1
