"""The rules of conversations, without I/O: `decide` says what an action comes to, `evolve` what is then.

Invariants, with the tests that break when they go (tests/unit/conversation/test_domain.py):
- a group that has members has an owner;
- what a role may do is what `roles.MATRIX` says, and nothing else decides it;
- who is not a member learns nothing, not even that the conversation exists;
- a group has at most 1,000 members, a direct conversation exactly two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from realchat_common.errors import Code, RealChatError
from realchat_conversation.groups import Configure, Configured, Details
from realchat_conversation.preferences import MemberSettings
from realchat_conversation.roles import TO_CHANGE, TO_REMOVE, Permission, Role, permit

MOST_MEMBERS = 1_000
FIRST_MEMBERS = 10
"""How many members a summary shows."""


class Kind(IntEnum):
    """Numbers as in chat.event.v1.ConversationKind."""

    DIRECT = 1
    GROUP = 2


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as it now stands."""

    conversation_id: str
    kind: Kind
    title: str
    """Empty for a direct conversation."""
    created_at_ms: int
    members: Mapping[str, Role] = field(default_factory=dict)
    """User id to role, in order of joining."""
    details: Details = field(default_factory=Details)
    settings: Mapping[str, MemberSettings] = field(default_factory=dict)
    """User id to the member's own."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a conversation."""

    user_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation as one of its members sees it in a list."""

    conversation_id: str
    kind: Kind
    title: str
    created_at_ms: int
    member_count: int
    role: Role
    """The member's own."""
    first_members: tuple[Member, ...]
    """The first `FIRST_MEMBERS` in order of joining."""
    details: Details = field(default_factory=Details)
    settings: MemberSettings = field(default_factory=MemberSettings)
    """The member's own."""


# What somebody wants.


@dataclass(frozen=True, slots=True)
class AddMembers:
    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoveMember:
    user_id: str


@dataclass(frozen=True, slots=True)
class Leave:
    pass


@dataclass(frozen=True, slots=True)
class Depart:
    """The actor's account was deleted."""


@dataclass(frozen=True, slots=True)
class ChangeRole:
    user_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class Rename:
    title: str


Action = AddMembers | RemoveMember | Leave | Depart | ChangeRole | Rename | Configure


# What happened.


@dataclass(frozen=True, slots=True)
class Created:
    kind: Kind
    title: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class MembersAdded:
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class MemberRemoved:
    user_id: str


@dataclass(frozen=True, slots=True)
class MemberLeft:
    new_owner_id: str | None
    """Who became owner because the last one left."""


@dataclass(frozen=True, slots=True)
class RoleChanged:
    user_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class Renamed:
    title: str


Change = Created | MembersAdded | MemberRemoved | MemberLeft | RoleChanged | Renamed | Configured


def ordered_pair(user_id: str, peer_id: str) -> tuple[str, str]:
    """The pair that a direct conversation belongs to. Raises invalid_argument for oneself."""
    if user_id == peer_id:
        raise RealChatError(Code.INVALID_ARGUMENT, "a direct conversation is with somebody else", field="peer_id")
    return min(user_id, peer_id), max(user_id, peer_id)


def new_direct(conversation_id: str, user_id: str, peer_id: str, now_ms: int) -> Conversation:
    """A direct conversation, in which both are members alike."""
    return Conversation(conversation_id, Kind.DIRECT, "", now_ms, {user_id: Role.MEMBER, peer_id: Role.MEMBER})


def new_group(
    conversation_id: str, creator_id: str, title: str, member_ids: Iterable[str], now_ms: int
) -> Conversation:
    """A group that belongs to its creator.

    Args:
        conversation_id: its id.
        creator_id: the owner.
        title: normalised.
        member_ids: the others; who is named twice joins once.
        now_ms: the time.

    Raises:
        RealChatError: too_many_members.
    """
    members = dict.fromkeys(member_ids, Role.MEMBER)
    members.pop(creator_id, None)
    members = {creator_id: Role.OWNER, **members}
    _check_size(len(members))
    return Conversation(conversation_id, Kind.GROUP, title, now_ms, members)


def created(conversation: Conversation) -> Created:
    """The first change of a conversation."""
    members = tuple(Member(user_id, role) for user_id, role in conversation.members.items())
    return Created(conversation.kind, conversation.title, members)


def decide(conversation: Conversation, actor_id: str, action: Action) -> Change | None:
    """What an action of somebody comes to, or None when it is in effect already.

    Raises:
        RealChatError: conversation_not_found, not_a_group, permission_denied, member_not_found, last_owner,
            too_many_members.
    """
    members = conversation.members
    role = _role_of_actor(conversation, actor_id)
    if isinstance(action, Depart):  # no matter from what, and asked by no role
        return _left(members, actor_id, heirs=conversation.kind is Kind.GROUP)
    _require_group(conversation)
    match action:
        case AddMembers(user_ids):
            return _add(members, role, user_ids)
        case RemoveMember(user_id):
            return _remove(members, role, user_id)
        case Leave():
            return _leave(members, role, actor_id)
        case ChangeRole(user_id, new_role):
            return _change_role(members, role, user_id, new_role)
        case Rename(title):
            permit(role, Permission.RENAME)
            return None if title == conversation.title else Renamed(title)
        case Configure():
            return _configure(conversation.details, role, action)


def join(conversation: Conversation, user_id: str) -> MembersAdded | None:
    """What it comes to when somebody joins a group by invitation, or None when they are in it.

    Raises:
        RealChatError: too_many_members; invite_not_found when everybody has left.
    """
    if not conversation.members:
        raise RealChatError(Code.INVITE_NOT_FOUND)
    return _add_to(conversation.members, (user_id,))


def permit_inviting(conversation: Conversation, user_id: str) -> None:
    """Raises conversation_not_found, not_a_group or permission_denied for who may not make and end invitations."""
    role = _role_of_actor(conversation, user_id)
    _require_group(conversation)
    permit(role, Permission.INVITE)


def _role_of_actor(conversation: Conversation, actor_id: str) -> Role:
    role = conversation.members.get(actor_id)
    if role is None:
        raise RealChatError(Code.CONVERSATION_NOT_FOUND)
    return role


def _require_group(conversation: Conversation) -> None:
    if conversation.kind is not Kind.GROUP:
        raise RealChatError(Code.NOT_A_GROUP)


def _configure(details: Details, role: Role, action: Configure) -> Configured | None:
    given = action.given()
    for name in given:
        permit(role, TO_CHANGE[name])
    unchanged = {name: None for name, value in given.items() if value == getattr(details, name)}
    return Configured(replace(action, **unchanged)) if len(unchanged) < len(given) else None


def _add(members: Mapping[str, Role], role: Role, user_ids: Iterable[str]) -> MembersAdded | None:
    permit(role, Permission.ADD)
    return _add_to(members, user_ids)


def _add_to(members: Mapping[str, Role], user_ids: Iterable[str]) -> MembersAdded | None:
    added = [user_id for user_id in dict.fromkeys(user_ids) if user_id not in members]
    _check_size(len(members) + len(added))
    return MembersAdded(tuple(Member(user_id, Role.MEMBER) for user_id in added)) if added else None


def _remove(members: Mapping[str, Role], role: Role, user_id: str) -> MemberRemoved:
    target = _role_of(members, user_id)
    permit(role, TO_REMOVE[target])
    _keep_an_owner(members, user_id)
    return MemberRemoved(user_id)


def _leave(members: Mapping[str, Role], role: Role, actor_id: str) -> MemberLeft:
    permit(role, Permission.LEAVE)
    return _left(members, actor_id, heirs=True)


def _left(members: Mapping[str, Role], actor_id: str, *, heirs: bool) -> MemberLeft:
    staying = {user_id: role for user_id, role in members.items() if user_id != actor_id}
    if Role.OWNER in staying.values() or not heirs:
        return MemberLeft(None)
    # max gives the first of the highest role: the one who has been there longest.
    return MemberLeft(max(staying, key=staying.__getitem__, default=None))


def _change_role(members: Mapping[str, Role], role: Role, user_id: str, new_role: Role) -> RoleChanged | None:
    permit(role, Permission.CHANGE_ROLE)
    if _role_of(members, user_id) is new_role:
        return None
    _keep_an_owner(members, user_id)
    return RoleChanged(user_id, new_role)


def _role_of(members: Mapping[str, Role], user_id: str) -> Role:
    if user_id not in members:
        raise RealChatError(Code.MEMBER_NOT_FOUND)
    return members[user_id]


def _keep_an_owner(members: Mapping[str, Role], user_id: str) -> None:
    if [owner for owner, role in members.items() if role is Role.OWNER] == [user_id]:
        raise RealChatError(Code.LAST_OWNER)


def _check_size(count: int) -> None:
    if count > MOST_MEMBERS:
        raise RealChatError(Code.TOO_MANY_MEMBERS, f"a group has at most {MOST_MEMBERS:,} members")


def evolve(conversation: Conversation, actor_id: str, change: Change) -> Conversation:
    """The conversation after a change that `decide` has allowed."""
    members = dict(conversation.members)
    match change:
        case Created():
            raise ValueError("a conversation is created once")
        case MembersAdded(added):
            members |= {member.user_id: member.role for member in added}
        case MemberRemoved(user_id):
            del members[user_id]
        case MemberLeft(new_owner_id):
            del members[actor_id]
            if new_owner_id:
                members[new_owner_id] = Role.OWNER
        case RoleChanged(user_id, role):
            members[user_id] = role
        case Renamed(title):
            return replace(conversation, title=title)
        case Configured(changes):
            return replace(conversation, details=changes.applied_to(conversation.details))
    return replace(conversation, members=members)


def repeats(action: Action, change: Change) -> bool:
    """Whether an action asks for what the same actor's earlier change did.

    Only for those that are refused once they are in effect: who was removed or left is not a member any more, and an
    owner who has stepped down may not do so again. `decide` answers None to a repetition of the others.
    """
    match action, change:
        case RemoveMember(user_id), MemberRemoved(removed_id):
            return user_id == removed_id
        case Leave() | Depart(), MemberLeft():
            return True
        case ChangeRole(user_id, role), RoleChanged(changed_id, changed_role):
            return (user_id, role) == (changed_id, changed_role)
        case _:
            return False


def summary(conversation: Conversation, user_id: str) -> Summary:
    """The conversation as a member sees it. Raises conversation_not_found for anybody else."""
    if user_id not in conversation.members:
        raise RealChatError(Code.CONVERSATION_NOT_FOUND)
    return Summary(
        conversation.conversation_id,
        conversation.kind,
        conversation.title,
        conversation.created_at_ms,
        len(conversation.members),
        conversation.members[user_id],
        created(conversation).members[:FIRST_MEMBERS],
        conversation.details,
        conversation.settings.get(user_id, MemberSettings()),
    )
