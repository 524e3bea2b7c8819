"""Mails, and what they bring. They wait in the outbox: nobody waits for them, and none is lost.

What a mail brings is drawn when it is sent, so the database never has it in clear, not even while it waits.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

import msgspec

from realchat_auth.credentials.domain import GIVE_UP_MS, LIFETIME_MS, RESEND_MS, Mail, Purpose, compose
from realchat_auth.credentials.letters import Letter
from realchat_auth.credentials.store import CredentialStore
from realchat_auth.domain import digest, email_key
from realchat_auth.outbox import Pace
from realchat_auth.tables import Confirmation
from realchat_common.ids import new_id
from realchat_common.sidecar import Sidecar
from realchat_common.telemetry import log

BINDING = "mail"
"""components/mail.yaml."""
DEADLINE_SECONDS = 30.0
PACE = Pace(batch=1, lease_ms=60_000, most_doublings=6)
"""One at a time: in daprd 1.18's SMTP binding, two that are sent at once may get each other's recipient
(bindings/smtp/smtp.go, mergeWithRequestMetadata changes what all share)."""

Post = Callable[[Mail], Awaitable[None]]
"""Sends one mail. Raises when it was not taken."""


def post(sidecar: Sidecar) -> Post:
    """Sends by the sidecar's binding: by SMTP, or into a folder, which takes of the metadata only the file's name."""

    async def send(mail: Mail) -> None:
        metadata = {"emailTo": mail.to, "subject": mail.subject, "fileName": f"{new_id()}.html"}
        await sidecar.invoke_binding(BINDING, "create", mail.html.encode(), metadata, deadline=DEADLINE_SECONDS)

    return send


class Mailroom:
    """Writes the mails that are owed, and sends them.

    Args:
        store: accounts, and what mails bring.
        post: sends them.
        web_url: where the page is that reads their links.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(self, store: CredentialStore, post: Post, web_url: str, clock: Callable[[], int]) -> None:
        self._store = store
        self._post = post
        self._web_url = web_url
        self._clock = clock

    async def take(self, payload: bytes) -> None:
        """Sends a letter: the courier of `letters.MAIL`. Raises when it was not taken."""
        letter = msgspec.json.decode(payload, type=Letter)
        if self._clock() - letter.written_at_ms > GIVE_UP_MS:
            log.warning("a mail was given up", purpose=letter.purpose.value)
        elif letter.purpose is Purpose.CHANGED:
            await self._post(compose(letter.purpose, letter.email, self._web_url))
        elif letter.purpose is Purpose.REMIND:
            await self._remind(letter)
        else:
            await self._confirm(letter)

    async def _remind(self, letter: Letter) -> None:
        account = await self._store.find(letter.user_id, "")
        if account and account.reminders and account.suspended_at_ms is None:
            await self._post(compose(letter.purpose, account.email, self._web_url, lines=letter.lines))

    async def _confirm(self, letter: Letter) -> None:
        account = await self._store.find(letter.user_id, email_key(letter.email))
        if account is None or (letter.purpose is Purpose.VERIFY and account.email_key != email_key(letter.email)):
            return
        # Not to the address as somebody has typed it: what compares as equal may be another mailbox.
        to = letter.email if letter.purpose is Purpose.CHANGE else account.email
        token = secrets.token_urlsafe(32)
        confirmation = Confirmation(
            digest=digest(token),
            user_id=account.user_id,
            purpose=letter.purpose.value,
            email=to,
            email_key=email_key(to),
            created_at_ms=letter.written_at_ms,
            expires_at_ms=self._clock() + LIFETIME_MS[letter.purpose],
        )
        if await self._store.add_confirmation(confirmation, letter.written_at_ms - RESEND_MS):
            await self._post(compose(letter.purpose, to, self._web_url, token))
