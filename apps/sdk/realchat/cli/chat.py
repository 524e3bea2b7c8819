"""`realchat chat`: conversations, what was said in one, and a line to say something."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from realchat import Client, Message, RealChatError, Talk
from realchat.cli.session import explained
from realchat.company import MOST_WATCHED

REFRESH_SECONDS = 0.1
SAY_TYPING_SECONDS = 3.0
SHOWN = 200
"""Messages of the open conversation that are drawn."""
HELP = "/direct handle · /group title, handle, … · /edit text · /delete · keys below"


class ChatApp(App[str]):
    """The screen. Its result is what was typed and not sent, after the reason when it had to end.

    Args:
        client: not entered yet; somebody is logged in.
    """

    CSS = """
    #talks { width: 30; border-right: solid $primary; }
    #title { height: 1; background: $primary; padding: 0 1; }
    #status { height: 1; background: $warning; color: $text; padding: 0 1; display: none; }
    #log { padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "step(1)", "next", priority=True),
        Binding("ctrl+p", "step(-1)", "previous", priority=True),
        Binding("ctrl+o", "older", "older", priority=True),
        Binding("ctrl+q", "quit", "quit", priority=True),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._open = ""
        self._names: dict[str, str] = {}
        self._asked: set[str] = set()
        self._drafts: defaultdict[str, dict[str, str]] = defaultdict(dict)
        """Of each conversation what is on its way: the client's own id to the text."""
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Of each conversation: one message after the other, also where one has to be tried again."""
        self._read: dict[str, int] = {}
        self._typing: dict[tuple[str, str], float] = {}
        """Conversation and person to when that ends, by the monotonic clock."""
        self._watched: set[str] = set()
        self._said_typing = 0.0
        self._dirty = False
        self._offline = False

    def compose(self) -> ComposeResult:
        """The screen's parts."""
        with Horizontal():
            yield OptionList(id="talks")
            with Vertical():
                yield Static("RealChat", id="title", markup=False)
                yield Static("", id="status", markup=False)
                with VerticalScroll(id="log", can_focus=False):
                    yield Static("", id="messages", markup=False)
                yield Input(placeholder=HELP, id="composer")
        yield Footer()

    def on_mount(self) -> None:
        """Connects, and draws whatever changes."""
        self.query_one("#composer").focus()
        self.set_interval(REFRESH_SECONDS, self._draw)
        self._live()

    @work(exclusive=True, group="live")
    async def _live(self) -> None:
        try:
            async with self._client as client:
                client.on_change(self._changed)
                self._listen()
                self._names[client.user_id] = "You"
                await client.connect()
                if not self._open:
                    self._show(next((talk.conversation_id for talk in client.view), ""))
                async for _ in client.events():
                    pass  # they are in the view; this tells when they end for good
        except RealChatError as error:
            self.exit("\n".join([explained(error), *self._unsent()]))

    async def action_quit(self) -> None:
        """Leaves."""
        self.exit("\n".join(self._unsent()))

    def _unsent(self) -> list[str]:
        typed = self.query_one("#composer", Input).value
        bodies = [body for drafts in self._drafts.values() for body in drafts.values()] + ([typed] if typed else [])
        return [f"Not sent: {body}" for body in bodies]

    @work(exclusive=True, group="signals")
    async def _listen(self) -> None:
        async for signal in self._client.signals():
            if signal.type == "typing":
                who = (str(signal.data.get("conversation_id")), str(signal.data.get("user_id")))
                self._typing[who] = monotonic() + signal.data.get("expires_in_ms", 0) / 1000  # 0: it has stopped
                self._dirty = True

    def _changed(self, conversation_id: str) -> None:
        self._dirty = True

    # Drawing

    def _draw(self) -> None:
        if not self.query("#talks"):  # the screen is taken down before the app's timers end
            return
        if self._client.is_connected == self._offline:
            self._offline = not self._client.is_connected
            self._say("Offline; connecting …" if self._offline else "")
        now = monotonic()
        ended = [who for who, until in self._typing.items() if until <= now]
        for who in ended:
            del self._typing[who]
        if self._dirty or ended:
            self._dirty = False
            self._draw_talks()
            self._draw_messages()

    def _say(self, text: str) -> None:
        status = self.query_one("#status", Static)
        status.update(text)
        status.display = bool(text)

    def _draw_talks(self) -> None:
        talks = self.query_one("#talks", OptionList)
        options = [Option(self._label(talk), id=talk.conversation_id) for talk in self._client.view]
        talks.clear_options()
        talks.add_options(options)
        ids = [option.id for option in options]
        if self._open in ids:
            with talks.prevent(OptionList.OptionHighlighted):
                talks.highlighted = ids.index(self._open)

    def _label(self, talk: Talk) -> Text:
        label = Text(self._title(talk), style="bold" if talk.unread_count else "", no_wrap=True, overflow="ellipsis")
        if talk.unread_count:
            label = Text.assemble((f"{talk.unread_count} ", "bold reverse"), label)
        return label

    def _title(self, talk: Talk) -> str:
        if talk.title:
            return talk.title
        others = [self._named(user_id) for user_id in talk.members if user_id != talk.me]
        return ", ".join(others) or "…"

    def _draw_messages(self) -> None:
        talk = self._client.view.get(self._open)
        if talk is None:
            return
        log = self.query_one("#log", VerticalScroll)
        at_end = log.scroll_y >= log.max_scroll_y - 1
        typing = ", ".join(self._named(user_id) for where, user_id in self._typing if where == self._open)
        self._watch(others := [user_id for user_id in talk.members if user_id != talk.me][:MOST_WATCHED])
        doing = f"{typing} typing …" if typing else self._company(talk, others)
        self.query_one("#title", Static).update(f"{self._title(talk)} · {doing}")
        shown = talk.timeline()[-SHOWN:]
        lines = [self._message(talk, message) for message in shown]
        sent = {message.client_message_id for message in shown}
        for key, text in self._drafts[self._open].items():
            if key not in sent:
                lines.append(Text(f"      You: {text} …", style="dim"))
        self.query_one("#messages", Static).update(Text("\n").join(lines))
        if at_end:
            log.scroll_end(animate=False)
            self._mark_read(talk)

    def _company(self, talk: Talk, others: Sequence[str]) -> str:
        parts = [f"{talk.member_count} people"]
        for status in ("online", "away"):
            seen = [self._client.view.presences.get(user_id) for user_id in others]
            names = [self._named(one.user_id) for one in seen if one and one.status == status]
            parts += [f"{status}: {', '.join(names)}"] if names else []
        return " · ".join(parts)

    def _watch(self, user_ids: Sequence[str]) -> None:
        if set(user_ids) != self._watched:
            self._watched = set(user_ids)
            self._tell_watched(user_ids)

    @work(group="watch")
    async def _tell_watched(self, user_ids: Sequence[str]) -> None:
        with suppress(RealChatError):  # what ends the connection for good ends the screen
            await self._client.watch(*user_ids)

    def _message(self, talk: Talk, message: Message) -> Text:
        body = ("(deleted)", "dim italic") if message.deleted else (message.body, "")
        answered = talk.messages.get(message.reply_to or "")
        return Text.assemble(
            (f"{message.at.astimezone():%H:%M} ", "dim"),
            (f"{self._named(message.author_id)}: ", "bold green" if message.author_id == talk.me else "bold"),
            (f"↪ {answered.body[:30]} · " if answered else "", "dim"),
            body,
            (" (edited)" if message.edited_at else "", "dim"),
        )

    def _named(self, user_id: str) -> str:
        if user_id not in self._asked and user_id not in self._names:
            self._asked.add(user_id)
            self._learn(user_id)
        return self._names.get(user_id, "…")

    @work(group="names")
    async def _learn(self, user_id: str) -> None:
        try:
            self._names[user_id] = (await self._client.user(user_id)).display_name
        except RealChatError:
            self._names[user_id] = "somebody"
        self._dirty = True

    # Moving about

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Opens a conversation."""
        self._show(event.option_id or "")
        self.query_one("#composer").focus()

    def action_step(self, step: int) -> None:
        """Opens the next conversation of the list."""
        ids = [talk.conversation_id for talk in self._client.view]
        if ids:
            self._show(ids[(ids.index(self._open) + step) % len(ids) if self._open in ids else 0])

    def _show(self, conversation_id: str) -> None:
        self._open = conversation_id
        self._dirty = True
        talk = self._client.view.get(conversation_id)
        if talk and not talk.messages:
            self.action_older()

    @work(exclusive=True, group="older")
    async def action_older(self) -> None:
        """Reads what was said before."""
        try:
            await self._client.load_older(self._open)
        except KeyError:
            return
        except RealChatError as error:
            self._say(explained(error))
        self._dirty = True

    def _mark_read(self, talk: Talk) -> None:
        if talk.unread_count and self._read.get(talk.conversation_id, 0) < talk.last_seq:
            self._read[talk.conversation_id] = talk.last_seq
            self._tell_read(talk.conversation_id, talk.last_seq)

    @work(group="read")
    async def _tell_read(self, conversation_id: str, seq: int) -> None:
        try:
            await self._client.read(conversation_id, seq)
        except RealChatError:
            self._read.pop(conversation_id, None)

    # Saying something

    async def on_input_changed(self, event: Input.Changed) -> None:
        """Lets the others see that one types."""
        types = self._open and event.value and not event.value.startswith("/")
        if types and monotonic() - self._said_typing > SAY_TYPING_SECONDS:
            self._said_typing = monotonic()
            await self._client.typing(self._open)

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Sends a message, or does what a line that begins with / says."""
        text = event.value.strip()
        if not text:
            return
        event.input.clear()
        if text.startswith("/"):
            self._command(text)
        else:
            self._send(self._open, text)

    @work(group="send")
    async def _send(self, conversation_id: str, text: str) -> None:
        drafts, key = self._drafts[conversation_id], uuid.uuid4().hex
        drafts[key] = text
        self._dirty = True
        async with self._turns[conversation_id]:
            try:
                await self._client.send(conversation_id, text, client_message_id=key)
            except RealChatError as error:
                self._give_back(text, error)
        del drafts[key]
        self._dirty = True

    def _give_back(self, text: str, error: RealChatError) -> None:
        """Puts what could not be sent where it was typed, if nothing else is there by now."""
        composer = self.query_one("#composer", Input)
        self._say(explained(error) + ("" if not composer.value else f" · not sent: {text}"))
        if not composer.value:
            composer.value = text
            composer.cursor_position = len(text)

    @work(group="send")
    async def _command(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        self._say("")
        try:
            match word:
                case "/direct":
                    self._show((await self._client.direct(await self._person(rest))).conversation_id)
                case "/group":
                    title, *handles = [part.strip() for part in rest.split(",")]
                    people = await asyncio.gather(*(self._person(handle) for handle in handles))
                    self._show((await self._client.group(title, *people)).conversation_id)
                case "/edit":
                    await self._client.edit(self._open, self._last_own().message_id, rest)
                case "/delete":
                    await self._client.delete(self._open, self._last_own().message_id)
                case _:
                    self._say(HELP)
        except RealChatError as error:
            self._give_back(line, error)
        except LookupError as error:
            self._say(str(error.args[0]))

    async def _person(self, handle: str) -> str:
        handle = handle.strip().removeprefix("@").lower()
        for person in await self._client.find(handle) if handle else []:
            if person.handle == handle:
                return person.user_id
        raise LookupError(f"nobody is called @{handle}")

    def _last_own(self) -> Message:
        talk = self._client.view.get(self._open)
        for message in reversed(talk.timeline() if talk else []):
            if message.author_id == self._client.user_id and not message.deleted:
                return message
        raise LookupError("you have said nothing here")
