"""How bots are told by HTTP of what happens."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from realchat_auth.webhooks.domain import signature
from realchat_auth.webhooks.outgoing import Outgoing
from service.auth.office import Office
from service.auth.room import URL, Room, begun, hooked_bot
from sqlalchemy import text

from realchat_common.errors import Code
from realchat_common.ids import new_id


async def _room(office: Office) -> tuple[Room, str]:
    """A conversation with a bot that has a webhook; and the webhook's secret."""
    alice = await office.registers()
    bot, secret = await hooked_bot(office, alice.user_id)
    room = begun(office, alice.user_id, bot, bot)
    await room.arrives(*room.events)
    await office.calls.deliver_due()
    office.web.calls.clear()
    return room, secret


async def _called(office: Office) -> list[str]:
    """The bodies of the messages that are told now."""
    office.web.calls.clear()
    while await office.calls.deliver_due():
        pass
    return [json.loads(body)["event"]["data"].get("body") for _, _, body in office.web.calls]


async def test_a_bot_is_told_of_what_others_do_signed_by_its_secret(office: Office) -> None:
    room, secret = await _room(office)
    event = await room.says(room.owner, "Will it rain?")
    await room.says(room.bot, "Yes.")  # it knows
    assert await _called(office) == ["Will it rain?"]
    ((url, headers, body),) = office.web.calls
    assert url == URL
    assert headers["RealChat-Signature"] == signature(secret, office.now_ms // 1000, body)
    assert headers["RealChat-Event"] == event.event_id
    told = json.loads(body)
    assert (told["bot_id"], told["event"]["seq"], told["event"]["kind"]) == (room.bot, 2, "message.sent")


async def test_a_bot_is_told_of_its_coming_of_what_is_said_and_of_its_going(office: Office) -> None:
    room, _ = await _room(office)
    elsewhere = begun(office, room.owner, room.bot)
    elsewhere.said(room.owner, "not for bots")
    elsewhere.added(room.bot)
    elsewhere.said(room.owner, "hello bot")
    elsewhere.removed(room.bot)
    elsewhere.said(room.owner, "it is gone")
    await elsewhere.arrives(*elsewhere.events)
    assert Counter(await _called(office)) == {None: 2, "hello bot": 1}, "at once, in any order"


async def test_a_call_that_fails_is_made_again_ever_later_and_given_up_after_a_day(office: Office) -> None:
    room, _ = await _room(office)
    office.web.status = 500
    await room.says(room.owner, "Will it rain?")
    times = []
    for half_minute in range(2 * 60 * 30):
        if await office.calls.deliver_due():
            times.append(half_minute)
        office.passes(30)
    assert times[:8] == [0, 1, 3, 7, 15, 31, 63, 127]
    (webhook,) = await office.webhooks.of(room.bot, room.owner)
    assert webhook.failing_since_ms
    assert await office.rows("owed WHERE kind = 'webhook'") == 0
    office.web.status = 204
    await room.says(room.owner, "And now?")
    assert await _called(office) == ["And now?"]
    (webhook,) = await office.webhooks.of(room.bot, room.owner)
    assert webhook.failing_since_ms is None


async def test_who_answers_gone_is_not_called_again(office: Office) -> None:
    room, _ = await _room(office)
    office.web.status = 410
    await room.says(room.owner, "one")
    await _called(office)
    office.web.status = 200
    await room.says(room.owner, "two")
    assert await _called(office) == []
    (webhook,) = await office.webhooks.of(room.bot, room.owner)
    assert webhook.disabled_at_ms


async def test_a_message_that_is_deleted_before_the_call_is_told_without_its_body(office: Office) -> None:
    room, _ = await _room(office)
    event = await room.says(room.owner, "buried treasure")
    async with office.engine.connect() as connection:
        dump = str((await connection.execute(text("SELECT convert_from(payload, 'UTF8') FROM owed"))).all())
    assert "treasure" not in dump
    event.message_sent.body, event.message_sent.redacted = "", True
    assert await _called(office) == [""]


async def test_a_removed_or_suspended_owner_or_webhook_ends_the_calls(office: Office) -> None:
    room, _ = await _room(office)
    await room.says(room.owner, "one")
    (webhook,) = await office.webhooks.of(room.bot, room.owner)
    await office.webhooks.remove(str(webhook.webhook_id), room.bot, room.owner)
    assert await _called(office) == []
    await office.webhooks.create(room.bot, room.owner, URL)
    await room.says(room.owner, "two")
    async with office.engine.begin() as connection:
        await connection.execute(text("UPDATE account SET suspended_at_ms = 1"))
    assert await _called(office) == []
    assert await office.rows("owed WHERE kind = 'webhook'") == 0


async def test_webhooks_belong_to_the_bots_owner_and_are_few(office: Office) -> None:
    room, _ = await _room(office)
    mallory = (await office.registers("mallory@example.com")).user_id
    for attempt in (
        office.webhooks.create(room.bot, mallory, URL),
        office.webhooks.of(room.bot, mallory),
        office.webhooks.remove(new_id(), room.bot, mallory),
    ):
        assert (await office.refused(attempt)).code is Code.BOT_NOT_FOUND
    made = await asyncio.gather(
        *(office.webhooks.create(room.bot, room.owner, URL) for _ in range(8)), return_exceptions=True
    )
    assert sum(not isinstance(each, Exception) for each in made) == 4
    async with office.engine.connect() as connection:
        dump = str((await connection.execute(text("SELECT * FROM webhook"))).all())
    assert not any(made_[1] in dump for made_ in made if not isinstance(made_, BaseException))


# Over the network


@asynccontextmanager
async def _server(answer: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server on this machine: its port, and what it was sent."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        heard.append(head + await reader.readexactly(length))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


async def test_a_call_is_a_post_and_redirects_are_not_followed() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    outgoing = Outgoing(private=True)
    async with _server(redirect) as (port, heard):
        status = await outgoing.post(f"http://localhost:{port}/hook?x=1", {"RealChat-Event": "7"}, b'{"a":1}')
    await outgoing.close()
    assert status == 302
    assert heard[0].startswith(b"POST /hook?x=1 HTTP/1.1\r\n")
    assert b"RealChat-Event: 7" in heard[0]
    assert heard[0].endswith(b'{"a":1}')


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"])
async def test_no_address_of_our_own_networks_is_called(host: str) -> None:
    outgoing = Outgoing(private=False)
    async with _server(b"HTTP/1.1 200 OK\r\n\r\n") as (port, heard):
        with pytest.raises(OSError, match="not public"):
            await outgoing.post(f"http://{host}:{port}/", {}, b"")
    assert heard == []


async def test_a_name_that_stands_for_one_of_ours_among_others_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolves(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("1.1.1.1", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolves, raising=False)
    outgoing = Outgoing(private=False)
    with pytest.raises(OSError, match="not public"):
        await outgoing.post("https://rebinding.example/", {}, b"")


async def test_nobody_who_answers_nonsense_or_nothing_does_harm() -> None:
    outgoing = Outgoing(private=True)
    async with _server(b"\x00\xffnonsense\r\n\r\n") as (port, _):
        with pytest.raises(OSError, match="no answer"):
            await outgoing.post(f"http://127.0.0.1:{port}/", {}, b"")
    with pytest.raises(OSError, match="no answer"):
        await outgoing.post(f"http://127.0.0.1:{port}/", {}, b"")  # it has closed
    with pytest.raises(OSError, match="no answer"):
        await outgoing.post("http://no-such-host.invalid/", {}, b"")
