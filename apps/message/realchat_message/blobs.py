"""The bytes of attachments, in Dapr's binding `attachments`.

Bytes go as base64, since bindings.localstorage decodes whatever happens to be base64 or a quoted string, and would
change such files; bindings.aws.s3 decodes it when it is told to. Sources: the components' code (components-contrib
1.18, bindings/localstorage/localstorage.go and bindings/aws/s3/s3.go), and
https://docs.dapr.io/reference/components-reference/supported-bindings/s3/
"""

from __future__ import annotations

import base64
from typing import Protocol

from realchat_common.errors import RealChatError
from realchat_common.sidecar import Sidecar

BINDING = "attachments"
TRANSFER_SECONDS = 20.0
_GONE = ("no such file", "not found", "NoSuchKey")


class Blobs(Protocol):
    """The port of whatever keeps bytes."""

    async def put(self, key: str, data: bytes) -> None:
        """Keeps bytes under a key, in place of what was there. Raises unavailable."""
        ...

    async def get(self, key: str) -> bytes:
        """The bytes of a key. Raises unavailable, also when there are none."""
        ...

    async def delete(self, key: str) -> None:
        """Forgets a key, if it is there. Raises unavailable."""
        ...


class DaprBlobs:
    """Bytes in the binding."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def put(self, key: str, data: bytes) -> None:
        await self._invoke("create", key, base64.b64encode(data), decodeBase64="true")

    async def get(self, key: str) -> bytes:
        return await self._invoke("get", key)

    async def delete(self, key: str) -> None:
        try:
            await self._invoke("delete", key)
        except RealChatError as error:
            if not any(word in str(error.__cause__) for word in _GONE):
                raise

    async def _invoke(self, operation: str, key: str, data: bytes = b"", **metadata: str) -> bytes:
        named = {"fileName": key, "key": key, **metadata}
        return await self._sidecar.invoke_binding(BINDING, operation, data, named, deadline=TRANSFER_SECONDS)
