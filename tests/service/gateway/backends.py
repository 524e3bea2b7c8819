"""The services behind the gateway, as the contracts describe them: real gRPC servers whose answers a test sets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chat.auth.v1 import (
    account_pb2,
    account_pb2_grpc,
    administration_pb2,
    administration_pb2_grpc,
    auth_pb2,
    auth_pb2_grpc,
    bot_pb2,
    bot_pb2_grpc,
)
from chat.conversation.v1 import conversation_pb2, conversation_pb2_grpc
from chat.message.v1 import (
    attachment_pb2,
    attachment_pb2_grpc,
    message_pb2,
    message_pb2_grpc,
    poll_pb2,
    poll_pb2_grpc,
    schedule_pb2,
    schedule_pb2_grpc,
    search_pb2,
    search_pb2_grpc,
)
from chat.presence.v1 import presence_pb2, presence_pb2_grpc
from chat.profile.v1 import profile_pb2, profile_pb2_grpc
from realchat_common.errors import RealChatError
from realchat_common.identity import Caller, Callers, Identity
from realchat_common.rpc import Peer, current_caller, rpc_server

TOKEN = "token of the sidecar"
SERVICES: dict[str, tuple[Any, Any]] = {
    "attachments": (attachment_pb2, attachment_pb2_grpc.AttachmentServiceStub),
    "schedule": (schedule_pb2, schedule_pb2_grpc.ScheduleServiceStub),
    "polls": (poll_pb2, poll_pb2_grpc.PollServiceStub),
    "search": (search_pb2, search_pb2_grpc.SearchServiceStub),
    "auth": (auth_pb2, auth_pb2_grpc.AuthServiceStub),
    "bot": (bot_pb2, bot_pb2_grpc.BotServiceStub),
    "administration": (administration_pb2, administration_pb2_grpc.AdministrationServiceStub),
    "account": (account_pb2, account_pb2_grpc.AccountServiceStub),
    "profile": (profile_pb2, profile_pb2_grpc.ProfileServiceStub),
    "conversation": (conversation_pb2, conversation_pb2_grpc.ConversationServiceStub),
    "message": (message_pb2, message_pb2_grpc.MessageServiceStub),
    "presence": (presence_pb2, presence_pb2_grpc.PresenceServiceStub),
}


@dataclass
class Backends:
    """Answers by method name; a method without one answers its empty message."""

    peers: dict[str, Peer[Any]] = field(default_factory=dict)
    calls: list[tuple[str, Message, Caller]] = field(default_factory=list)
    _answers: dict[str, Message | RealChatError] = field(default_factory=dict)

    def answer(self, method: str, answer: Message | RealChatError) -> None:
        """Sets what a method answers from now on."""
        self._answers[method] = answer

    def asked(self, method: str) -> Any:
        """The newest request to a method."""
        return next(request for name, request, _ in reversed(self.calls) if name == method)

    def times(self, method: str) -> int:
        """How often a method was called."""
        return sum(name == method for name, _, _ in self.calls)

    def caller(self, method: str) -> Caller:
        """Who called a method last."""
        return next(caller for name, _, caller in reversed(self.calls) if name == method)

    def reset(self) -> None:
        """Forgets answers and calls."""
        self._answers.clear()
        self.calls.clear()

    def handlers(self, service: ServiceDescriptor) -> grpc.GenericRpcHandler:
        """The handlers of a service's methods."""
        methods = {method.name: self._handler(method) for method in service.methods}
        return grpc.method_handlers_generic_handler(service.full_name, methods)

    def _handler(self, method: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
        empty = GetMessageClass(method.output_type)()

        async def answer(request: Message, _: Any) -> Message:
            self.calls.append((method.name, request, current_caller()))
            outcome = self._answers.get(method.name, empty)
            if isinstance(outcome, RealChatError):
                raise outcome
            return outcome

        return grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=type(empty).SerializeToString,
        )


@asynccontextmanager
async def serving() -> AsyncIterator[Backends]:
    """Servers for all services, and peers that reach them without a sidecar between."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    identity = Identity("gateway", private)
    backends = Backends()
    servers = []
    channels = []
    for app_id, (module, stub) in SERVICES.items():
        server = rpc_server(TOKEN, Callers(app_id, {"gateway": public}))
        (service,) = module.DESCRIPTOR.services_by_name.values()
        server.add_generic_rpc_handlers((backends.handlers(service),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        backends.peers[app_id] = Peer(app_id, stub, channel, TOKEN, identity)
        servers.append(server)
        channels.append(channel)
    try:
        yield backends
    finally:
        for channel in channels:
            await channel.close()
        for server in servers:
            await server.stop(grace=None)
