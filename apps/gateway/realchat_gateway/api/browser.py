"""Sessions of browsers: as of everybody else, but with the refresh token in a cookie that scripts cannot read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Header, Request, Response

from realchat_common.errors import Code, RealChatError
from realchat_gateway.access import count_anonymous
from realchat_gateway.api import accounts
from realchat_gateway.edge import ApiRoute
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.accounts import AccessToken, Login, RefreshToken, Registration, Tokens

COOKIE = "realchat-refresh"
COOKIE_PATH = "/v1/auth/browser"
COOKIE_SECONDS = 30 * 24 * 60 * 60
"""As long as a refresh token lives."""


async def _same_origin(sec_fetch_site: Annotated[str, Header(include_in_schema=False)] = "same-origin") -> None:
    """SameSite is about sites, and all ports of a host are one: other origins there are kept out as well."""
    if sec_fetch_site not in ("same-origin", "none"):
        raise RealChatError(Code.PERMISSION_DENIED, "only this server's own pages")


router = APIRouter(
    prefix=COOKIE_PATH,
    tags=["accounts"],
    dependencies=[Depends(count_anonymous), Depends(_same_origin)],
    route_class=ApiRoute,
)

RefreshCookie = Annotated[str, Cookie(alias=COOKIE, max_length=1024)]


@router.post("/register", status_code=201)
async def register_browser(
    body: Registration, request: Request, response: Response, gateway: GatewayDep
) -> AccessToken:
    """Makes an account and its first session, whose refresh token goes into a cookie."""
    return _remembered(await accounts.register(body, request, gateway), request, response)


@router.post("/login")
async def login_browser(body: Login, request: Request, response: Response, gateway: GatewayDep) -> AccessToken:
    """Starts a session whose refresh token goes into a cookie."""
    return _remembered(await accounts.login(body, request, gateway), request, response)


@router.post("/refresh")
async def refresh_browser(
    request: Request, response: Response, gateway: GatewayDep, token: RefreshCookie = ""
) -> AccessToken:
    """A new access token for the cookie, which is replaced."""
    if not token:
        raise RealChatError(Code.INVALID_REFRESH_TOKEN)
    return _remembered(await accounts.refresh(RefreshToken(refresh_token=token), gateway), request, response)


@router.post("/logout", status_code=204)
async def logout_browser(request: Request, response: Response, gateway: GatewayDep, token: RefreshCookie = "") -> None:
    """Ends the cookie's session, if there is one, and removes the cookie."""
    if token:
        await accounts.logout(request, gateway, RefreshToken(refresh_token=token))
    response.delete_cookie(COOKIE, path=COOKIE_PATH, httponly=True, samesite="strict")


def _remembered(tokens: Tokens, request: Request, response: Response) -> AccessToken:
    response.set_cookie(
        COOKIE,
        tokens.refresh_token,
        max_age=COOKIE_SECONDS,
        path=COOKIE_PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return AccessToken(**tokens.model_dump(exclude={"refresh_token"}))
