"""The full-screen terminal client, without a terminal."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import httpx
from realchat import Client, MemoryStore
from realchat.cli.chat import ChatApp
from realchat.models import Conversation, Profile, Tokens

TOKENS = Tokens(user_id="alice", session_id="s", access_token="a", refresh_token="r", expires_in=600)


class SlowClient(Client):
    """Its connection takes until the test lets it; its people and conversations are there before."""

    def __init__(self) -> None:
        away = httpx.MockTransport(lambda _: httpx.Response(503))
        super().__init__("http://chat.example", store=MemoryStore(TOKENS), transport=away)
        self.connects = asyncio.Event()
        self.said: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.answers = asyncio.Event()

    async def connect(self) -> None:
        await self.connects.wait()

    async def find(self, prefix: str, limit: int = 20) -> list[Profile]:
        return [Profile(user_id="bob", handle="bob", display_name="Bob")]

    async def direct(self, user_id: str) -> Conversation:
        return Conversation(
            conversation_id="talk", kind="direct", title="", created_at=datetime.now(UTC), member_count=2,
            role="member", members=[],
        )  # fmt: skip

    async def send(self, conversation_id: str, body: str, **_: object) -> None:  # type: ignore[override]
        self.said.put_nowait((conversation_id, body))
        await self.answers.wait()


async def test_a_conversation_that_is_opened_before_the_connection_is_there_stays_open() -> None:
    client = SlowClient()
    async with ChatApp(client).run_test() as pilot:
        await pilot.press(*"/direct bob", "enter")
        await pilot.pause()
        client.connects.set()
        await pilot.pause()
        await pilot.press(*"hello", "enter")
        async with asyncio.timeout(10):
            assert await client.said.get() == ("talk", "hello")


async def test_messages_go_in_the_order_in_which_they_were_typed() -> None:
    client = SlowClient()
    async with ChatApp(client).run_test() as pilot, asyncio.timeout(10):
        await pilot.press(*"/direct bob", "enter")
        await pilot.pause()
        await pilot.press(*"one", "enter", *"two", "enter")
        assert await client.said.get() == ("talk", "one")
        await pilot.pause()
        assert client.said.empty()
        client.answers.set()
        assert await client.said.get() == ("talk", "two")


async def test_who_leaves_is_told_what_was_not_sent() -> None:
    app = ChatApp(SlowClient())
    async with app.run_test() as pilot:
        await pilot.press(*"/direct bob", "enter")
        await pilot.pause()
        await pilot.press(*"one", "enter", *"half a th")
        await pilot.press("ctrl+q")
    assert app.return_value == "Not sent: one\nNot sent: half a th"
