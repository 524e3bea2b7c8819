"""Roles in a group, and what they may do. Nothing else decides it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum, auto

from realchat_common.errors import Code, RealChatError


class Role(IntEnum):
    """Numbers as in chat.event.v1.Role; more is more."""

    MEMBER = 1
    ADMIN = 2
    OWNER = 3


class Permission(StrEnum):
    """What a role may be allowed to do in a group."""

    ADD = auto()
    REMOVE_MEMBER = auto()
    REMOVE_ADMIN = auto()
    REMOVE_OWNER = auto()
    CHANGE_ROLE = auto()
    RENAME = auto()
    DESCRIBE = auto()
    """Description and avatar."""
    ANNOUNCE = auto()
    """Whether only administrators write."""
    OPEN_HISTORY = auto()
    """Whether newcomers read what was before."""
    INVITE = auto()
    LEAVE = auto()


MATRIX: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission)
    - {Permission.REMOVE_ADMIN, Permission.REMOVE_OWNER, Permission.CHANGE_ROLE, Permission.OPEN_HISTORY},
    Role.MEMBER: frozenset({Permission.LEAVE}),
}

TO_REMOVE = {
    Role.MEMBER: Permission.REMOVE_MEMBER,
    Role.ADMIN: Permission.REMOVE_ADMIN,
    Role.OWNER: Permission.REMOVE_OWNER,
}


TO_CHANGE = {  # by the names of details (groups.py)
    "description": Permission.DESCRIBE,
    "avatar_id": Permission.DESCRIBE,
    "admins_only": Permission.ANNOUNCE,
    "open_history": Permission.OPEN_HISTORY,
}


def permit(role: Role, permission: Permission) -> None:
    """Raises permission_denied for a role that may not do something."""
    if permission not in MATRIX[role]:
        raise RealChatError(Code.PERMISSION_DENIED)
