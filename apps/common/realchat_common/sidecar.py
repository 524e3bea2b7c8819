"""This application's Dapr sidecar: secrets, publishing, and the channel to other applications."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import grpc
from dapr.aio.clients import DaprClient
from dapr.clients.health import DaprHealth
from dapr.proto import api_service_v1, api_v1

from realchat_common.errors import Code, RealChatError
from realchat_common.identity import Callers, Identity
from realchat_common.rpc import MAX_MESSAGE_BYTES, Peer, sidecar_channel
from realchat_common.settings import ServiceSettings
from realchat_common.telemetry import trace_headers

SECRET_STORE = "secretstore"  # noqa: S105 - the name of the Dapr component

S = TypeVar("S")


class Sidecar:
    """What the services need of Dapr. Made by `connect`, since the SDK's constructor blocks until daprd answers."""

    def __init__(self, settings: ServiceSettings, client: DaprClient, secrets: dict[str, str]) -> None:
        self.client = client
        self.secrets = secrets
        self.identity = Identity(settings.app_id, secrets["caller-key"])
        self.callers = Callers(settings.app_id, json.loads(secrets["caller-keys"]))
        self._token = settings.dapr_api_token.get_secret_value()
        self._channel = sidecar_channel(settings.dapr_grpc_port)
        self.api = api_service_v1.DaprStub(self._channel)  # type: ignore[no-untyped-call]
        """Dapr's API itself, for what the SDK's client leaves out; calls need `api_metadata`."""
        self.api_metadata = (("dapr-api-token", self._token),)

    @classmethod
    async def connect(cls, settings: ServiceSettings) -> Sidecar:
        """Waits for the sidecar (up to DAPR_HEALTH_TIMEOUT seconds) and reads this application's secrets."""
        await asyncio.to_thread(DaprHealth.wait_for_sidecar)
        client = DaprClient(max_grpc_message_length=MAX_MESSAGE_BYTES)
        bulk = await client.get_bulk_secret(store_name=SECRET_STORE)
        secrets = {name: value for entry in bulk.secrets.values() for name, value in entry.items()}
        return cls(settings, client, secrets)

    def peer(self, app_id: str, stub: Callable[[grpc.aio.Channel], S]) -> Peer[S]:
        """Another application, by its generated stub class."""
        return Peer(app_id, stub, self._channel, self._token, self.identity)

    async def publish(
        self,
        pubsub: str,
        topic: str,
        data: bytes | str,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
        deadline: float = 2.0,
    ) -> None:
        """Publishes one event, in the current trace.

        Args:
            pubsub: the component.
            topic: the topic.
            data: JSON text, or bytes of another content type (they travel as base64).
            content_type: of `data`.
            metadata: `partitionKey`, `cloudevent.type` and the like.
            deadline: seconds.

        Raises:
            RealChatError: unavailable, when the broker did not take it in time. It may have been published.
        """
        traced = {f"cloudevent.{name}": value for name, value in trace_headers().items()}
        request = api_v1.PublishEventRequest(
            pubsub_name=pubsub,
            topic=topic,
            data=data.encode() if isinstance(data, str) else data,
            data_content_type=content_type,
            metadata={**traced, **(metadata or {})},
        )
        try:
            await self.api.PublishEvent(request, timeout=deadline, metadata=self.api_metadata)
        except grpc.aio.AioRpcError as error:
            raise RealChatError(Code.UNAVAILABLE, f"{pubsub} did not take the event") from error

    async def invoke_binding(
        self, name: str, operation: str, data: bytes, metadata: Mapping[str, str], *, deadline: float = 5.0
    ) -> bytes:
        """Has an output binding do something, in the current trace.

        Args:
            name: the component.
            operation: what it is to do, such as `create`.
            data: what it does it with.
            metadata: as the component understands it.
            deadline: seconds.

        Returns:
            What the binding answers.

        Raises:
            RealChatError: unavailable, when it did not do it in time. It may have been done.
        """
        request = api_v1.InvokeBindingRequest(name=name, operation=operation, data=data, metadata=metadata)
        headers = (*self.api_metadata, *trace_headers().items())
        try:
            answer = await self.api.InvokeBinding(request, timeout=deadline, metadata=headers)
        except grpc.aio.AioRpcError as error:
            raise RealChatError(Code.UNAVAILABLE, f"the binding {name} did not answer") from error
        return bytes(answer.data)

    async def ping(self) -> Any:
        """Raises when the sidecar does not answer."""
        return await self.client.get_metadata()

    async def close(self) -> None:
        """Closes the connections to the sidecar."""
        await self.client.close()  # type: ignore[no-untyped-call]
        await self._channel.close()
