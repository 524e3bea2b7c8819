"""What the sidecar brings: sessions that ended, told to every replica."""

from __future__ import annotations

import base64
import hmac

from dapr.ext.fastapi import DaprApp
from fastapi import FastAPI
from google.protobuf.message import DecodeError
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from chat.event.v1 import event_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.problems import problem_response
from realchat_common.telemetry import log
from realchat_common.topics import ACCOUNTS
from realchat_gateway.revocations import RevokedSessions

PUBSUB = "account-broadcast"
CALLBACKS = "/dapr/"
"""Where the sidecar's calls come in."""


class CloudEvent(BaseModel):
    """The part of a CloudEvent that is read: `data` in base64, since it is protobuf."""

    data_base64: str = ""


class SidecarOnly:
    """Lets only the sidecar call its callbacks: it shows the token that both got at their start.

    Args:
        app: the internal application.
        token: APP_API_TOKEN.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] == "http" and scope["path"].startswith(CALLBACKS):
            shown = Headers(scope=scope).get("dapr-api-token", "")
            if not hmac.compare_digest(shown.encode(), self._token):
                error = RealChatError(Code.UNAUTHENTICATED, "the call did not come from the sidecar")
                await problem_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def internal_app(app_api_token: str, revoked: RevokedSessions) -> FastAPI:
    """The application that only the sidecar and the operator reach.

    Args:
        app_api_token: what the sidecar shows.
        revoked: told of each session that ended.
    """
    app = FastAPI(title="gateway, internal", openapi_url=None, telemetry={"tracing": False, "metrics": False})
    app.add_middleware(SidecarOnly, token=app_api_token)

    @DaprApp(app).subscribe(PUBSUB, ACCOUNTS, route=f"{CALLBACKS}{ACCOUNTS}")  # type: ignore[untyped-decorator]
    async def account_event(event: CloudEvent) -> dict[str, str]:
        try:
            account = event_pb2.AccountEvent.FromString(base64.b64decode(event.data_base64, validate=True))
        except (ValueError, DecodeError):
            log.error("account event cannot be read")  # nor could it the next time
            return {"status": "DROP"}
        if account.HasField("session_revoked"):
            await revoked.add(account.session_revoked.session_id)
        return {"status": "SUCCESS"}

    return app
