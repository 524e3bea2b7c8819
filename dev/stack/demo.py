"""`just demo`: people, groups and ten thousand messages, for trying things out."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

from realchat import Client, ConflictError

from stack.instance import Stack
from stack.ports import DEFAULT_STACK
from stack.progress import say, step

NAMES = (
    *("Alice Munro", "Bo Lindqvist", "Carmen Ruiz", "Dmitri Volkov", "Emeka Obi", "Fatima Zahra", "Gita Rao"),
    *("Hana Sato", "Ines Costa", "Jonas Weber", "Khalid Nasser", "Lea Martin", "Mei Chen", "Noor Haddad"),
    *("Olu Adeyemi", "Pia Rossi", "Quinn Walsh", "Rosa Klein", "Sven Berg", "Tala Ahmadi"),
)
GROUPS = ("Launch", "Lunch", "Support", "Book club", "Running", "Design", "On call", "Everybody")
LINES = (
    "Good morning!",
    "Has anybody seen the **new figures**?",
    "I will be ten minutes late.",
    "Done. It was the cache, as always.",
    "Could you have a look at `delivery` when you find the time?",
    "Thank you, that helped.",
    "Where do we meet?",
    "At the old mill, at seven.",
    "هل نلتقي غدًا؟",
    "明日の会議は何時ですか。",
    "😀 🎉",
    "See you tomorrow.",
)
AT_ONCE = 20
"""Unanswered messages per person: far below what one socket may have."""
SEED = 7


@dataclass(frozen=True)
class Account:
    """Somebody of the demo."""

    name: str
    email: str
    password: str


def accounts(file: Path) -> list[Account]:
    """The demo's people; their password is made at the first time."""
    if not file.exists():
        file.write_text(json.dumps({"password": secrets.token_urlsafe(12)}))
        file.chmod(0o600)
    password = json.loads(file.read_text())["password"]
    return [Account(name, f"{name.split()[0].lower()}@demo.example", password) for name in NAMES]


async def fill(url: str, people: Sequence[Account], messages: int) -> None:
    """Registers people or logs them in, makes their groups as far as they are not there, and has them talk.

    Args:
        url: the gateway.
        people: who.
        messages: how many they write, all together.
    """
    chance = Random(SEED)  # noqa: S311 (the same conversations each time)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(url)) for _ in people]
        for client, person in zip(clients, people, strict=True):
            try:
                await client.register(person.email, person.password, person.name)
            except ConflictError:  # in this order: whoever fails to log in too often is locked out
                await client.login(person.email, person.password)
        await _make_conversations(clients, chance)
        rooms = {client: [entry.conversation_id async for entry in client.conversations()] for client in clients}
        async with asyncio.TaskGroup() as group:
            for client in clients:
                await client.connect()
                talk = [(chance.choice(rooms[client]), chance.choice(LINES)) for _ in range(messages // len(clients))]
                for lane in range(AT_ONCE):
                    group.create_task(_say(client, talk[lane::AT_ONCE]))


async def _make_conversations(clients: Sequence[Client], chance: Random) -> None:
    """Makes those that an earlier run, perhaps an interrupted one, has not: the founders are the same each time."""
    for title in GROUPS:
        founder, *others = clients if title == GROUPS[-1] else chance.sample(clients, 6)
        if title not in [entry.title async for entry in founder.conversations()]:
            await founder.group(title, *(other.user_id for other in others))
    for client in clients[1:]:
        await clients[0].direct(client.user_id)


async def _say(client: Client, talk: Sequence[tuple[str, str]]) -> None:
    for conversation_id, line in talk:
        await client.send(conversation_id, line)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="just demo", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("--name", default=DEFAULT_STACK, help="which stack (default: %(default)s)")
    options = parser.parse_args()
    stack = Stack.running(options.name)
    if not stack.is_up():
        parser.exit(1, "The stack is not up. The way out: dev/up\n")
    people = accounts(stack.state / "demo.json")
    with step(f"Twenty people write {options.messages:,} messages"):
        asyncio.run(fill(stack.web_url, people, options.messages))
    say(f"\n  Web client    {stack.web_url}/")
    say(f"  Log in as     {', '.join(person.email for person in people[:3])} …")
    say(f"  Password      {people[0].password}")


if __name__ == "__main__":
    main()
