"""What two people are to each other: the rules, without I/O.

Invariant, with the test that breaks when it goes (tests/unit/profile/test_relations.py): between people of whom one has
blocked the other there is neither a contact nor a request, in whatever order their acts are decided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum, auto

from realchat_common.errors import Code, RealChatError


class Contact(IntEnum):
    """Numbers as in chat.profile.v1.ContactState."""

    NONE = 1
    OUTGOING = 2
    INCOMING = 3
    CONTACT = 4


class Act(StrEnum):
    """What somebody does to their relation with somebody else."""

    REQUEST = auto()
    ACCEPT = auto()
    DECLINE = auto()
    REMOVE = auto()
    BLOCK = auto()
    UNBLOCK = auto()


@dataclass(frozen=True, slots=True)
class Relation:
    """What two people are to each other."""

    requested_by: str | None = None
    """Who of them has asked the other to be a contact, while that is open."""
    contacts: bool = False
    blocked_by: frozenset[str] = frozenset()

    def state(self, user_id: str) -> Contact:
        """As one of them sees it."""
        if self.contacts:
            return Contact.CONTACT
        if self.requested_by is None:
            return Contact.NONE
        return Contact.OUTGOING if self.requested_by == user_id else Contact.INCOMING


def ordered(user_id: str, peer_id: str) -> tuple[str, str]:
    """The pair that a relation belongs to. Raises invalid_argument for oneself."""
    if user_id == peer_id:
        raise RealChatError(Code.INVALID_ARGUMENT, "that is yourself", field="user_id")
    return min(user_id, peer_id), max(user_id, peer_id)


def decide(relation: Relation, actor_id: str, act: Act) -> Relation:
    """What a relation is after an act of one of the two; the same when it is in effect already.

    Raises:
        RealChatError: contact_refused, contact_request_not_found.
    """
    state = relation.state(actor_id)
    match act:
        case Act.REQUEST:
            if relation.blocked_by:
                raise RealChatError(Code.CONTACT_REFUSED)
            if state is Contact.NONE:
                return replace(relation, requested_by=actor_id)
            return _contacts(relation) if state is Contact.INCOMING else relation
        case Act.ACCEPT:
            if state is Contact.CONTACT:
                return relation
            _require_request(state)
            return _contacts(relation)
        case Act.DECLINE:
            _require_request(state)
            return replace(relation, requested_by=None)
        case Act.REMOVE:
            return relation if state is Contact.INCOMING else replace(relation, contacts=False, requested_by=None)
        case Act.BLOCK:
            return Relation(blocked_by=relation.blocked_by | {actor_id})
        case Act.UNBLOCK:
            return replace(relation, blocked_by=relation.blocked_by - {actor_id})


def _contacts(relation: Relation) -> Relation:
    return replace(relation, contacts=True, requested_by=None)


def _require_request(state: Contact) -> None:
    if state is not Contact.INCOMING:
        raise RealChatError(Code.CONTACT_REQUEST_NOT_FOUND)
