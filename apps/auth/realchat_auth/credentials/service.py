"""What people do with their credentials."""

from __future__ import annotations

from collections.abc import Callable

from realchat_auth.credentials.store import CredentialStore
from realchat_auth.domain import FREE_ATTEMPTS, choose_password, normalise_password
from realchat_auth.outbox import Outbox
from realchat_auth.passwords import Passwords
from realchat_auth.service import digest
from realchat_auth.store import AuthStore
from realchat_auth.tables import Account
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User


class Credentials:
    """The use cases.

    Args:
        store: credentials.
        sessions: sessions, and the counts of attempts.
        passwords: hashes them.
        outbox: delivers what other services are owed.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(
        self,
        store: CredentialStore,
        sessions: AuthStore,
        passwords: Passwords,
        outbox: Outbox,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._passwords = passwords
        self._outbox = outbox
        self._clock = clock

    async def change_password(self, user: User, current: str, new: str) -> list[str]:
        """Gives somebody another password; returns the sessions that ended, which are all but the one that asks.

        Raises:
            RealChatError: wrong_password, locked_out, invalid_argument, overloaded.
        """
        chosen = choose_password(new, "new_password")
        account = await self.confirmed(user, current)
        password_hash = await self._passwords.hash(chosen)
        ended = await self._store.change_password(user, account.password_hash, password_hash, self._clock())
        await self._outbox.deliver(ended.debts)
        return ended.session_ids

    async def confirmed(self, user: User, password: str) -> Account:
        """Somebody's account, after they have shown their password again: an open session alone is not enough.

        Raises:
            RealChatError: wrong_password, locked_out, overloaded.
        """
        account = await self._store.account(user.user_id)
        attempts = digest(account.email_key)
        await self._sessions.count_attempts({attempts: FREE_ATTEMPTS}, self._clock())
        if not await self._passwords.matches(account.password_hash, normalise_password(password)):
            raise RealChatError(Code.WRONG_PASSWORD)
        await self._sessions.forget_attempts(attempts)
        return account
