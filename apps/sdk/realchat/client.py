"""The client: a person's session, their conversations, and what happens in them."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, get_args
from urllib.parse import quote

import httpx
import msgspec

from realchat.api import LONGEST_DELAY, PAGE, Api
from realchat.backoff import delay
from realchat.codes import Code
from realchat.contacts import Contacts
from realchat.errors import ConnectionLostError, InvalidRequestError, RealChatError
from realchat.files import Files
from realchat.models import (
    Changed,
    Conversation,
    Event,
    Hit,
    Hits,
    Inbox,
    InboxEntry,
    Member,
    Members,
    Page,
    Profile,
    Profiles,
    Receipt,
    Sent,
    Shown,
    Signal,
    Tokens,
)
from realchat.polls import Polls
from realchat.schedule import Schedule
from realchat.subscription import Subscription
from realchat.sync import Sync
from realchat.tasks import ended
from realchat.threads import Threads
from realchat.tokens import MemoryStore, TokenStore
from realchat.view import Talk, View

TRY_SECONDS = 10.0
"""For one HTTP request."""


class Client:
    """A person's client. Use it as an asynchronous context manager; what it runs in the background ends with it.

    Every method raises RealChatError, of a class that says what to do about it, and may be cancelled at any time.

    Args:
        url: the gateway, such as `https://chat.example.org`.
        store: where the session is kept between runs; in memory if not given.
        socket_url: the WebSocket, when it is not where the gateway says.
        patience: seconds within which something that may safely be repeated is, while failures are temporary.
        queue: events that wait for an iteration before it reads them from the log instead.
        transport: how HTTP is spoken, for proxies, certificates of one's own and tests.
    """

    def __init__(
        self,
        url: str,
        *,
        store: TokenStore | None = None,
        socket_url: str | None = None,
        patience: float = 30.0,
        queue: int = 1_000,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=TRY_SECONDS, transport=transport)
        self._patience = patience
        self._socket_url = socket_url
        self._queue = queue
        self.api = Api(self._http, store or MemoryStore(), patience)
        """For routes that have no method here."""
        self.files = Files(self.api)
        """What messages carry."""
        self.polls = Polls(self.api)
        self.schedule = Schedule(self.api)
        self.contacts = Contacts(self.api)
        self.threads = Threads(self.api)
        self._sync: Sync | None = None
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        try:
            await self._disconnect()
        finally:
            await self.api.close()
            await self._http.aclose()

    # The session

    @property
    def user_id(self) -> str:
        """Who is logged in. Raises LoggedOutError."""
        return self.api.tokens.user_id

    async def register(self, email: str, password: str, display_name: str, *, device_name: str = "") -> None:
        """Makes an account and logs in."""
        await self._enter(
            "register",
            {"email": email, "password": password, "display_name": display_name, "device_name": device_name},
        )

    async def login(self, email: str, password: str, *, device_name: str = "") -> None:
        """Starts a session."""
        await self._enter("login", {"email": email, "password": password, "device_name": device_name})

    async def _enter(self, how: str, proof: Mapping[str, str]) -> None:
        tokens = await self.api.ask_anonymously(f"/v1/auth/{how}", Tokens, proof)
        await self._disconnect()
        self.api.adopt(tokens)

    async def logout(self) -> None:
        """Ends the session."""
        await self._disconnect()
        try:
            await self.api.ask_anonymously(
                "/v1/auth/logout", type(None), {"refresh_token": self.api.tokens.refresh_token}
            )
        finally:
            self.api.adopt(None)

    # What happens

    @property
    def view(self) -> View:
        """The local picture of one's conversations, once `connect` has been awaited."""
        return self._synced().view

    @property
    def is_connected(self) -> bool:
        """A socket is up and has caught up."""
        return self._sync is not None and self._sync.link.is_up

    @property
    def connections(self) -> int:
        """How often a socket was connected."""
        return self._sync.link.connections if self._sync else 0

    async def connect(self) -> None:
        """Connects, unless that has happened, and waits until the view is there and the socket has caught up.

        Raises what ends the connection for good: LoggedOutError, SocketRefusedError.
        """
        await self._synced().up()

    def drop(self) -> None:
        """Ends the socket without a goodbye, as a network does; the client connects again by itself."""
        if self._sync:
            self._sync.link.drop()

    def events(self, *, since: Mapping[str, int] | None = None) -> Subscription:
        """What happens in all conversations, from now on: of each conversation everything, in order, once.

        It connects and stays connected by itself; what was missed comes after a reconnection. It ends only by an
        exception that needs a person or a program: LoggedOutError, SocketRefusedError.

        Args:
            since: to go on where an earlier iteration ended: its `positions`. Of conversations that are not in it,
                everything comes.
        """
        return self._synced().events(since)

    def signals(self) -> AsyncIterator[Signal]:
        """What is ephemeral: receipts, typing, presence of those whom one watches, when it has changed.

        What comes faster than it is taken is dropped.
        """
        return self._synced().signals()

    def on_change(self, tell: Callable[[str], None]) -> None:
        """Lets a function know of each change of the view: the conversation's id, or nothing when it may be any."""
        self._synced().on_change(tell)

    def _synced(self) -> Sync:
        if self._sync is None:
            self._sync = Sync(self.api, self.user_id, self._socket_url, self._queue)
            self._running = asyncio.create_task(self._sync.run())
        return self._sync

    async def _disconnect(self) -> None:
        running, self._running, self._sync = self._running, None, None
        if running:
            await ended(running)
            if not running.cancelled():
                running.result()  # a fault of this package is not passed over

    # The log

    async def history(
        self, conversation_id: str, *, after: int | None = None, before: int | None = None
    ) -> AsyncIterator[Event]:
        """A conversation's log: with `after` oldest first (0: from the beginning), else newest first from `before`."""
        backwards = after is None
        while True:
            page = await self._page(conversation_id, after=after, before=before)
            for event in reversed(page.events) if backwards else page.events:
                yield event
            if not (page.has_more and page.events):
                return
            if backwards:
                before = page.events[0].seq
            else:
                after = page.events[-1].seq

    async def _page(self, conversation_id: str, **query: int | None) -> Page:
        return await self.api.ask(
            "GET", f"/v1/conversations/{conversation_id}/events", Page, query={"limit": PAGE, **query}
        )

    async def load_older(self, conversation_id: str, limit: int = 50) -> Talk:
        """Makes the view of a conversation longer by the page before what it knows. Raises KeyError."""
        talk = self.view[conversation_id]
        first_seq = talk.first_seq
        if first_seq > 1:
            page = await self._page(conversation_id, before=first_seq, limit=limit)
            if talk.first_seq == first_seq:
                talk.extend(page)
        return talk

    async def search(
        self,
        query: str,
        *,
        conversation_ids: Sequence[str] = (),
        sender_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AsyncIterator[Hit]:
        """Messages by what they say, in the conversations that one is in now: the best first, then the newest.

        Args:
            query: words, all of which are looked for; `"in quotes"`, those that follow each other; `beg*`, a beginning.
            conversation_ids: only there.
            sender_id: only from them.
            since: only what was sent then or later.
            until: only what was sent before.
        """
        asked: dict[str, Any] = {
            "q": query,
            "conversation_id": list(conversation_ids),
            "sender_id": sender_id,
            "since": _rfc3339(since),
            "until": _rfc3339(until),
        }
        async for page in self.api.pages("/v1/search", Hits, asked):
            for hit in page.hits:
                yield hit

    # Messages

    async def send(
        self,
        conversation_id: str,
        body: str,
        *,
        reply_to: str | None = None,
        attachment_ids: Sequence[str] = (),
        mentions: Sequence[str] = (),
        client_message_id: str | None = None,
    ) -> Sent:
        """Sends a message, once, over the socket or by HTTP, and again over any trouble for as long as `patience`.

        Args:
            conversation_id: where.
            body: 1 to 8,000 characters, in a subset of Markdown.
            reply_to: the message that it answers.
            attachment_ids: files that were uploaded for it; the body may be empty then.
            mentions: ids of members whom the text mentions.
            client_message_id: its sender's own id; to send the same message again later, give the same.
        """
        message: dict[str, Any] = {"client_message_id": client_message_id or uuid.uuid4().hex, "body": body}
        if reply_to:
            message["reply_to"] = reply_to
        if attachment_ids:
            message["attachment_ids"] = list(attachment_ids)
        if mentions:
            message["mentions"] = list(mentions)
        until = time.monotonic() + self._patience
        attempt = 0
        while True:
            try:
                return await self._send(conversation_id, message)
            except RealChatError as error:
                attempt += 1
                wait = delay(attempt, error.retry_after or 0.0, LONGEST_DELAY)
                if not error.temporary or time.monotonic() + wait > until:
                    raise
            await asyncio.sleep(wait)

    async def _send(self, conversation_id: str, message: Mapping[str, Any]) -> Sent:
        if self.is_connected:
            with suppress(ConnectionLostError):
                frame = {"type": "send", "conversation_id": conversation_id, **message}
                return msgspec.json.decode(await self._synced().link.ask(frame), type=Sent)
        return await self.api.ask("POST", f"/v1/conversations/{conversation_id}/messages", Sent, json=message)

    async def reply(self, to: Event, body: str) -> Sent:
        """Answers a message."""
        return await self.send(to.conversation_id, body, reply_to=to.message_id)

    async def edit(self, conversation_id: str, message_id: str, body: str) -> Changed:
        """Changes what a message of one's own says."""
        return await self.api.ask(
            "PATCH", f"/v1/conversations/{conversation_id}/messages/{message_id}", Changed, json={"body": body}
        )

    async def delete(self, conversation_id: str, message_id: str, *, for_me: bool = False) -> None:
        """Deletes a message, for everyone or for oneself."""
        whom = {"for": "me" if for_me else "everyone"}
        await self.api.ask(
            "DELETE", f"/v1/conversations/{conversation_id}/messages/{message_id}", type(None), query=whom
        )

    async def react(self, conversation_id: str, message_id: str, emoji: str, *, remove: bool = False) -> Changed:
        """Gives a message an emoji, or takes it back."""
        path = f"/v1/conversations/{conversation_id}/messages/{message_id}/reactions/{quote(emoji, safe='')}"
        return await self.api.ask("DELETE" if remove else "PUT", path, Changed)

    async def typing(self, conversation_id: str, *, stopped: bool = False) -> None:
        """Lets the others see that one types; about every three seconds. Nothing happens without a socket."""
        if self.is_connected:
            state = "stop" if stopped else "start"
            with suppress(ConnectionLostError):
                await self._synced().link.tell({"type": "typing", "conversation_id": conversation_id, "state": state})

    async def watch(self, *user_ids: str) -> None:
        """Watches people, up to 200, instead of those before: `view.presences` has how they are seen, from then on.

        It connects, and watches by each new connection again; `signals` and `on_change` tell of changes. Who shares
        neither a conversation nor a contact with this person is `hidden`.

        Raises:
            InvalidRequestError: they are too many, or not users' ids; those before are still watched.
        """
        await self._synced().watch(user_ids)

    async def set_presence(self, status: Shown) -> None:
        """Is to be seen as `online`, `away` or not at all (`invisible`), as far as this device is concerned.

        It connects; every new connection says it again, until the session ends. Of all devices of a person the most
        present one counts.

        Raises:
            InvalidRequestError: there is no such status.
        """
        if status not in get_args(Shown):  # the server would not let the socket in
            detail = f"a presence is one of {', '.join(get_args(Shown))}"
            raise InvalidRequestError(Code.INVALID_ARGUMENT, detail, field="status")
        await self._synced().link.show(status)

    async def read(self, conversation_id: str, up_to_seq: int) -> Receipt:
        """Says how far one has read."""
        path = f"/v1/conversations/{conversation_id}/read"
        receipt = await self.api.ask("POST", path, Receipt, json={"up_to_seq": up_to_seq}, key=uuid.uuid4().hex)
        if self._sync:
            self._sync.heard(conversation_id, receipt)
        return receipt

    # Conversations and people

    async def conversations(self) -> AsyncIterator[InboxEntry]:
        """One's conversations, newest activity first."""
        async for page in self.api.pages("/v1/conversations", Inbox):
            for entry in page.conversations:
                yield entry

    async def conversation(self, conversation_id: str) -> Conversation:
        """A conversation that one is in."""
        return await self.api.ask("GET", f"/v1/conversations/{conversation_id}", Conversation)

    async def direct(self, user_id: str) -> Conversation:
        """The direct conversation with somebody, made if there is none."""
        return await self.api.ask(
            "POST", "/v1/conversations/direct", Conversation, json={"user_id": user_id}, key=uuid.uuid4().hex
        )

    async def group(self, title: str, *user_ids: str) -> Conversation:
        """Makes a group."""
        asked = {"title": title, "member_ids": user_ids}
        return await self.api.ask("POST", "/v1/conversations", Conversation, json=asked, key=uuid.uuid4().hex)

    async def members(self, conversation_id: str) -> AsyncIterator[Member]:
        """Who is in a conversation, in order of joining."""
        async for page in self.api.pages(f"/v1/conversations/{conversation_id}/members", Members):
            for member in page.members:
                yield member

    async def me(self) -> Profile:
        """One's own profile."""
        return await self.api.ask("GET", "/v1/me", Profile)

    async def user(self, user_id: str) -> Profile:
        """Somebody's profile."""
        return await self.api.ask("GET", f"/v1/users/{user_id}", Profile)

    async def find(self, prefix: str, limit: int = 20) -> list[Profile]:
        """People whose handle or name begins with a text."""
        found = await self.api.ask("GET", "/v1/users", Profiles, query={"prefix": prefix, "limit": limit})
        return found.users


def _rfc3339(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment else None
