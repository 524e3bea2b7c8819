"""Profiles over public HTTP, for whoever has an access token."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Header
from pydantic import BaseModel, WithJsonSchema

from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import now_ms, parse_id, rfc3339
from realchat_common.problems import Described, add_problem_handlers
from realchat_common.tokens import AccessTokens
from realchat_profile.store import ProfileStore

Id = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]


class ProfileBody(BaseModel):
    """What a person shows of themselves."""

    user_id: Id
    handle: str
    display_name: str
    bio: str
    avatar_id: Id | None
    status_text: str
    status_until: str | None
    updated_at: str
    bot: bool


def public_app(store: ProfileStore, tokens: AccessTokens) -> FastAPI:
    """The application on the public port.

    Args:
        store: the profiles.
        tokens: checks access tokens. One whose session was revoked is good here until it expires.
    """
    app = Described(title="RealChat profile", docs_url=None, redoc_url=None)
    add_problem_handlers(app)

    async def authenticated(authorization: Annotated[str, Header()] = "") -> User:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise RealChatError(Code.UNAUTHENTICATED)
        return await tokens.verify(token.strip())

    @app.get("/v1/profiles/{user_id}", dependencies=[Depends(authenticated)])
    async def profile(user_id: Id) -> ProfileBody:
        found = await store.batch([parse_id(user_id, "user_id")])
        if not found:
            raise RealChatError(Code.USER_NOT_FOUND)
        status = found[0].status.at(now_ms())
        return ProfileBody(
            user_id=str(found[0].user_id),
            handle=found[0].handle,
            display_name=found[0].display_name,
            bio=found[0].bio,
            avatar_id=str(found[0].avatar_id) if found[0].avatar_id else None,
            status_text=status.text,
            status_until=rfc3339(status.until_ms) if status.until_ms else None,
            updated_at=rfc3339(found[0].updated_at_ms),
            bot=found[0].bot,
        )

    return app
