"""What people do with accounts and sessions."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from chat.profile.v1 import profile_pb2
from realchat_auth.credentials.domain import Purpose
from realchat_auth.credentials.factors import SecondFactors
from realchat_auth.credentials.letters import letter
from realchat_auth.domain import (
    FREE_ATTEMPTS,
    FREE_ATTEMPTS_OF_CLIENT,
    MOST_NAME_CHARACTERS,
    REFRESH_MS,
    choose_password,
    device_label,
    digest,
    email_key,
    normalise_password,
    parse_email,
    session_name,
)
from realchat_auth.events import PROFILE
from realchat_auth.keys import SigningKeys
from realchat_auth.outbox import Outbox, owed
from realchat_auth.passwords import Passwords
from realchat_auth.store import AuthStore
from realchat_auth.tables import Account, Owed, Session
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import new_id
from realchat_common.telemetry import log
from realchat_common.text import clean_text


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a session's device is given."""

    user_id: str
    session_id: str
    access_token: str
    refresh_token: str


def new_refresh_token() -> str:
    """256 random bits. The prefix lets scanners for leaked secrets know it."""
    return f"rt_{secrets.token_urlsafe(32)}"


class Accounts:
    """The use cases.

    Args:
        store: accounts and sessions.
        factors: second factors.
        passwords: hashes them.
        keys: sign access tokens.
        outbox: delivers what other services are owed.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(
        self,
        store: AuthStore,
        factors: SecondFactors,
        passwords: Passwords,
        keys: SigningKeys,
        outbox: Outbox,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._factors = factors
        self._passwords = passwords
        self._keys = keys
        self._outbox = outbox
        self._clock = clock

    async def register(self, email: str, password: str, display_name: str, device_name: str) -> Tokens:
        """Makes an account and its first session. Its profile exists when this returns, or soon after.

        Raises:
            RealChatError: email_taken, invalid_argument, overloaded.
        """
        address = parse_email(email)
        name = clean_text(display_name, "display_name", most=MOST_NAME_CHARACTERS)
        password_hash = await self._passwords.hash(choose_password(password))
        user_id, now_ms = new_id(), self._clock()
        account = Account(
            user_id=UUID(user_id),
            email=address.address,
            email_key=address.key,
            password_hash=password_hash,
            created_at_ms=now_ms,
        )
        profile = owed(PROFILE, profile_pb2.CreateProfileRequest(user_id=user_id, display_name=name), now_ms)
        verification = letter(Purpose.VERIFY, address.address, now_ms, user_id)
        await self._store.add_account(account, [profile, verification])
        await self._outbox.deliver([profile])
        return await self._open_session(account.user_id, device_name, password_hash)

    async def log_in(
        self, email: str, password: str, device_name: str, client_address: str = "", code: str = ""
    ) -> Tokens:
        """Starts a session. Whether an address has an account shows neither in the answer nor in its time.

        Raises:
            RealChatError: invalid_credentials, locked_out, overloaded; and after the right password
                second_factor_required, wrong_code, account_suspended.
        """
        key = email_key(email)
        of_account, of_client = digest(key), digest(f"client {client_address}") if client_address else None
        free = {of_account: FREE_ATTEMPTS} | ({of_client: FREE_ATTEMPTS_OF_CLIENT} if of_client else {})
        await self._store.count_attempts(free, self._clock())
        account = await self._store.find_account(key)
        given = normalise_password(password)
        matches = await self._passwords.matches(account.password_hash if account else None, given)
        if account is None or not matches:
            raise RealChatError(Code.INVALID_CREDENTIALS)
        await self._factors.check(account.user_id, code)
        await self._store.forget_attempts(of_account, of_client)
        proof = account.password_hash
        if self._passwords.outdated(proof):
            proof = await self._passwords.hash(given)
            await self._store.replace_hash(account, proof)
        return await self._open_session(account.user_id, device_name, proof)

    async def refresh(self, refresh_token: str) -> Tokens:
        """Rotates a refresh token (`domain.judge_use` says what becomes of one that was used before).

        Raises:
            RealChatError: invalid_refresh_token, refresh_token_reused, session_revoked.
        """
        successor = new_refresh_token()
        outcome = await self._store.refresh(digest(refresh_token), digest(successor), self._clock())
        if isinstance(outcome, Owed):
            await self._outbox.deliver([outcome])
            raise RealChatError(Code.REFRESH_TOKEN_REUSED)
        return self._tokens(outcome, successor)

    async def log_out(self, refresh_token: str) -> None:
        """Ends the session that a refresh token belongs to, if it goes on."""
        await self._outbox.deliver(await self._store.end_session_of(digest(refresh_token), self._clock()))

    async def revoke(self, session_id: str, user_id: str) -> None:
        """Ends one of somebody's sessions. Raises session_not_found."""
        await self._outbox.deliver(await self._store.end_session(session_id, user_id, self._clock()))

    async def revoke_others(self, user: User) -> list[str]:
        """Ends all of somebody's sessions but the one that asks; returns those that ended."""
        ended = await self._store.end_other_sessions(user, self._clock())
        await self._outbox.deliver(ended.debts)
        return ended.session_ids

    async def rename(self, session_id: str, user_id: str, name: str) -> Session:
        """Names one of somebody's sessions. Raises session_not_found, invalid_argument."""
        return await self._store.rename_session(session_id, user_id, session_name(name))

    async def sessions(self, user_id: str) -> list[Session]:
        """Somebody's sessions that go on, newest first."""
        return await self._store.live_sessions(user_id, self._clock())

    async def purge(self) -> None:
        """Removes what has expired."""
        log.info("purged", rows=await self._store.purge(self._clock()))

    async def _open_session(self, user_id: UUID, device_name: str, proof: str) -> Tokens:
        refresh_token, now_ms = new_refresh_token(), self._clock()
        session = Session(
            session_id=UUID(new_id()),
            user_id=user_id,
            device_name=device_label(device_name),
            created_at_ms=now_ms,
            last_seen_at_ms=now_ms,
            expires_at_ms=now_ms + REFRESH_MS,
        )
        await self._store.open_session(session, digest(refresh_token), proof)
        return self._tokens(session, refresh_token)

    def _tokens(self, session: Session, refresh_token: str) -> Tokens:
        user_id, session_id = str(session.user_id), str(session.session_id)
        return Tokens(user_id, session_id, self._keys.access_token(user_id, session_id), refresh_token)
