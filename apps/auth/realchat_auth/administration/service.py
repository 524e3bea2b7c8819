"""What administrators do, and what they are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from realchat_auth.administration.dead_letters import dead_letter
from realchat_auth.administration.store import ADMIN, MEMBER, ONLY_ADMINISTRATORS, AdministrationStore
from realchat_auth.domain import MOST_EMAIL_TEXT
from realchat_auth.outbox import Outbox
from realchat_auth.tables import Account, Audit, DeadLetter, Report
from realchat_common.errors import Code, RealChatError
from realchat_common.text import clean_text

MOST_REASON_CHARACTERS = 500


def reason_of(text: str, field: str) -> str:
    """Why something is done. Raises invalid_argument."""
    return clean_text(text, field, most=MOST_REASON_CHARACTERS, lines=True)


class Administration:
    """The use cases. All but `report` raise permission_denied for who is no administrator now.

    Args:
        store: roles, suspensions, reports, dead letters, the audit log.
        outbox: delivers what other services are owed.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(self, store: AdministrationStore, outbox: Outbox, clock: Callable[[], int]) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock

    async def users(
        self, actor_id: str, email_prefix: str, suspended_only: bool, before: UUID | None, limit: int
    ) -> Sequence[Account]:
        """Accounts, newest first."""
        await self._require_admin(actor_id)
        prefix = email_prefix[:MOST_EMAIL_TEXT].strip().casefold().replace("\x00", " ")
        return await self._store.users(prefix, suspended_only, before, limit)

    async def suspend(self, actor_id: str, user_id: str, reason: str) -> list[str]:
        """Suspends somebody; returns the sessions and keys that ended.

        Raises:
            RealChatError: user_not_found, invalid_argument.
        """
        await self._require_admin(actor_id)
        _not_oneself(actor_id, user_id)
        ended = await self._store.suspend(user_id, actor_id, reason_of(reason, "reason"), self._clock())
        await self._outbox.deliver(ended.debts)
        return ended.session_ids

    async def unsuspend(self, actor_id: str, user_id: str) -> None:
        """Lets somebody in again. Raises user_not_found."""
        await self._require_admin(actor_id)
        await self._store.unsuspend(user_id, actor_id, self._clock())

    async def set_role(self, actor_id: str, user_id: str, *, admin: bool) -> None:
        """Makes somebody an administrator, or takes it back. So there is always one left: nobody does it to oneself.

        Raises:
            RealChatError: user_not_found, invalid_argument.
        """
        await self._require_admin(actor_id)
        _not_oneself(actor_id, user_id)
        await self._store.set_role(user_id, actor_id, ADMIN if admin else MEMBER, self._clock())

    async def report(self, report: Report) -> UUID:
        """Takes a report; returns its id."""
        report.reported_at_ms = self._clock()
        return await self._store.add_report(report)

    async def reports(self, actor_id: str, open_only: bool, before: UUID | None, limit: int) -> Sequence[Report]:
        """Reports, newest first."""
        await self._require_admin(actor_id)
        return await self._store.reports(open_only, before, limit)

    async def resolve(self, actor_id: str, report_id: str, resolution: str) -> None:
        """Closes a report. Raises report_not_found, invalid_argument."""
        await self._require_admin(actor_id)
        await self._store.resolve(report_id, actor_id, reason_of(resolution, "resolution"), self._clock())

    async def audit(self, actor_id: str, before: UUID | None, limit: int) -> Sequence[Audit]:
        """What administrators did, newest first."""
        await self._require_admin(actor_id)
        return await self._store.audit(before, limit)

    async def keep(self, records: Sequence[tuple[bytes, Mapping[str, str]]]) -> None:
        """Takes events that could not be read, each with its metadata."""
        await self._store.add_dead_letters([dead_letter(*record, self._clock()) for record in records])

    async def dead_letters(self, actor_id: str, before: UUID | None, limit: int) -> Sequence[DeadLetter]:
        """Events that could not be read, without their content, newest first."""
        await self._require_admin(actor_id)
        return await self._store.dead_letters(before, limit)

    async def dead_letter(self, actor_id: str, letter_id: str) -> DeadLetter:
        """One of them. Raises dead_letter_not_found."""
        await self._require_admin(actor_id)
        return await self._store.read_dead_letter(letter_id, actor_id, self._clock())

    async def replay(self, actor_id: str, letter_id: str) -> None:
        """Puts one back into its topic, as soon as the broker takes it. Raises dead_letter_not_found."""
        await self._require_admin(actor_id)
        await self._outbox.deliver([await self._store.replay_dead_letter(letter_id, actor_id, self._clock())])

    async def _require_admin(self, user_id: str) -> None:
        if not await self._store.is_admin(user_id):
            raise RealChatError(Code.PERMISSION_DENIED, ONLY_ADMINISTRATORS)


def _not_oneself(actor_id: str, user_id: str) -> None:
    if actor_id == user_id:
        raise RealChatError(Code.INVALID_ARGUMENT, "nobody does this to oneself", field="user_id")
