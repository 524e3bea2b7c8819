"""What the routes work with, wired once by `main`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from chat.auth.v1 import account_pb2_grpc, administration_pb2_grpc, auth_pb2_grpc, bot_pb2_grpc
from chat.conversation.v1 import conversation_pb2_grpc
from chat.message.v1 import attachment_pb2_grpc, message_pb2_grpc, poll_pb2_grpc, schedule_pb2_grpc, search_pb2_grpc
from chat.presence.v1 import presence_pb2_grpc
from chat.profile.v1 import profile_pb2_grpc
from realchat_common.rpc import Peer
from realchat_common.tokens import AccessTokens
from realchat_gateway.apikeys import ApiKeys
from realchat_gateway.idempotency import Records
from realchat_gateway.limits import Limits
from realchat_gateway.links import Links
from realchat_gateway.revocations import RevokedSessions
from realchat_gateway.settings import GatewaySettings

MOST_TRANSFERS = 12
"""Files that are on their way at once, each of at most 10 MiB."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The services behind the gateway, and its own parts."""

    auth: Peer[auth_pb2_grpc.AuthServiceAsyncStub]
    account: Peer[account_pb2_grpc.AccountServiceAsyncStub]
    administration: Peer[administration_pb2_grpc.AdministrationServiceAsyncStub]
    bot: Peer[bot_pb2_grpc.BotServiceAsyncStub]
    profile: Peer[profile_pb2_grpc.ProfileServiceAsyncStub]
    conversation: Peer[conversation_pb2_grpc.ConversationServiceAsyncStub]
    message: Peer[message_pb2_grpc.MessageServiceAsyncStub]
    search: Peer[search_pb2_grpc.SearchServiceAsyncStub]
    attachments: Peer[attachment_pb2_grpc.AttachmentServiceAsyncStub]
    schedule: Peer[schedule_pb2_grpc.ScheduleServiceAsyncStub]
    polls: Peer[poll_pb2_grpc.PollServiceAsyncStub]
    presence: Peer[presence_pb2_grpc.PresenceServiceAsyncStub]
    tokens: AccessTokens
    keys: ApiKeys
    revoked: RevokedSessions
    limits: Limits
    records: Records
    ticket_key: str
    settings: GatewaySettings
    transfers: asyncio.Semaphore = field(init=False, default_factory=lambda: asyncio.Semaphore(MOST_TRANSFERS))

    @property
    def links(self) -> Links:
        """Signs and checks the links to attachments."""
        return Links(self.ticket_key)


def gateway_of(request: Request) -> Gateway:
    """The gateway that a request came to."""
    gateway: Gateway = request.app.state.gateway
    return gateway


async def _gateway(request: Request) -> Gateway:  # async, since FastAPI runs other functions in a thread
    return gateway_of(request)


GatewayDep = Annotated[Gateway, Depends(_gateway)]
