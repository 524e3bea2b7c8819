"""What people do with their credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from realchat_auth.credentials.domain import Purpose
from realchat_auth.credentials.factors import SecondFactors
from realchat_auth.credentials.letters import letter
from realchat_auth.credentials.store import CredentialStore
from realchat_auth.domain import FREE_ATTEMPTS, choose_password, digest, email_key, normalise_password, parse_email
from realchat_auth.outbox import Outbox
from realchat_auth.passwords import Passwords
from realchat_auth.store import AuthStore
from realchat_auth.tables import Account
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User


class Credentials:
    """The use cases.

    Args:
        store: credentials.
        sessions: sessions, and the counts of attempts.
        factors: second factors.
        passwords: hashes them.
        outbox: delivers what other services are owed.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(
        self,
        store: CredentialStore,
        sessions: AuthStore,
        factors: SecondFactors,
        passwords: Passwords,
        outbox: Outbox,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._factors = factors
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

    async def account(self, user: User) -> Account:
        """Somebody's own account."""
        return await self._store.account(user.user_id)

    async def set_reminders(self, user: User, wanted: bool) -> Account:
        """Whether somebody is reminded by mail of what waits unread while they are away."""
        return await self._store.set_reminders(user.user_id, wanted)

    async def second_factor(self, account: Account) -> tuple[bool, int]:
        """Whether a login needs a code, and how many recovery codes are left."""
        return await self._factors.state(account.user_id)

    async def request_verification(self, user: User) -> None:
        """Sends an address that is not verified a mail, unless it got one just now."""
        account = await self._store.account(user.user_id)
        if account.email_verified_at_ms is None:
            await self._store.owe(letter(Purpose.VERIFY, account.email, self._clock(), user.user_id))

    async def change_email(self, user: User, password: str, email: str) -> None:
        """Sends another address a mail; the account has it once that was confirmed.

        Whether the address has an account is not told: if so, confirming it fails.

        Raises:
            RealChatError: wrong_password, locked_out, invalid_argument, overloaded.
        """
        address = parse_email(email)
        await self.confirmed(user, password)
        await self._store.owe(letter(Purpose.CHANGE, address.address, self._clock(), user.user_id))

    async def confirm_email(self, token: str) -> str:
        """Takes an address for that of whoever holds what a mail to it has brought; returns it.

        Raises:
            RealChatError: invalid_confirmation, email_taken.
        """
        return await self._store.confirm_email(digest(token), self._clock())

    async def request_reset(self, email: str) -> None:
        """Sends an address a mail if it has an account. That is found out later, so that nobody can tell by time."""
        await self._store.owe(letter(Purpose.RESET, email_key(email), self._clock()))

    async def reset_password(self, token: str, new: str) -> list[str]:
        """Another password for whoever holds what a mail has brought; returns the sessions that ended, which are all.

        Raises:
            RealChatError: invalid_confirmation, invalid_argument, overloaded.
        """
        chosen, proof = choose_password(new, "new_password"), digest(token)
        await self._store.confirmed_account(proof, Purpose.RESET, self._clock())  # before an expensive hash
        ended = await self._store.reset_password(proof, await self._passwords.hash(chosen), self._clock())
        await self._outbox.deliver(ended.debts)
        return ended.session_ids

    async def delete_account(self, user: User, password: str) -> list[str]:
        """Removes somebody's account for good; returns the sessions that ended.

        Raises:
            RealChatError: wrong_password, locked_out, overloaded.
        """
        account = await self.confirmed(user, password)
        ended = await self._store.delete_account(user, account.password_hash, self._clock())
        await self._outbox.deliver(ended.debts)
        return ended.session_ids

    async def begin_second_factor(self, user: User, password: str) -> tuple[str, str]:
        """A secret for an authenticator, and as a URI.

        Raises:
            RealChatError: wrong_password, locked_out, second_factor_on, overloaded.
        """
        return await self._factors.begin(await self.confirmed(user, password))

    async def confirm_second_factor(self, user: User, code: str) -> list[str]:
        """Turns the second factor on; returns its recovery codes.

        Raises:
            RealChatError: wrong_code, locked_out, second_factor_on, second_factor_off.
        """
        async with self._counted(await self._store.account(user.user_id)) as account:
            return await self._factors.confirm(account.user_id, code)

    async def renew_recovery_codes(self, user: User, password: str, code: str) -> list[str]:
        """Other recovery codes.

        Raises:
            RealChatError: wrong_password, wrong_code, locked_out, second_factor_off, overloaded.
        """
        async with self._counted(await self._store.account(user.user_id)) as account:
            await self._match(account, password)
            return await self._factors.renew_codes(account.user_id, code)

    async def remove_second_factor(self, user: User, password: str, code: str) -> None:
        """Turns the second factor off.

        Raises:
            RealChatError: wrong_password, wrong_code, locked_out, second_factor_off, overloaded.
        """
        async with self._counted(await self._store.account(user.user_id)) as account:
            await self._match(account, password)
            await self._factors.remove(account.user_id, code)

    async def confirmed(self, user: User, password: str) -> Account:
        """Somebody's account, after they have shown their password again: an open session alone is not enough.

        Raises:
            RealChatError: wrong_password, locked_out, overloaded.
        """
        async with self._counted(await self._store.account(user.user_id)) as account:
            await self._match(account, password)
            return account

    async def _match(self, account: Account, password: str) -> None:
        if not await self._passwords.matches(account.password_hash, normalise_password(password)):
            raise RealChatError(Code.WRONG_PASSWORD)

    @asynccontextmanager
    async def _counted(self, account: Account) -> AsyncIterator[Account]:
        """Counts an attempt, which is forgotten unless an error is raised inside."""
        attempts = digest(account.email_key)
        await self._sessions.count_attempts({attempts: FREE_ATTEMPTS}, self._clock())
        yield account
        await self._sessions.forget_attempts(attempts)
