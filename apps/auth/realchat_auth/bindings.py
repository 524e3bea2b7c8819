"""What the sidecar calls by itself: the hourly purge (components/session-purge.yaml).

The SDK's `App` is the registry of these callbacks. Its servicer is synchronous, so our server runs it in a thread,
and each callback crosses over to the event loop, where the database connections live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from dapr.clients.grpc._request import BindingRequest
from dapr.ext.grpc import App
from dapr.proto.runtime.v1.appcallback_pb2_grpc import AppCallbackServicer

PURGE_SECONDS = 60.0


def callbacks(purge: Callable[[], Coroutine[None, None, None]], loop: asyncio.AbstractEventLoop) -> AppCallbackServicer:
    """The servicer of this application's bindings.

    Args:
        purge: what the `session-purge` binding does.
        loop: where it runs.
    """
    app = App()

    @app.binding("session-purge")  # type: ignore[untyped-decorator]
    def on_schedule(_: BindingRequest) -> None:
        running = asyncio.run_coroutine_threadsafe(purge(), loop)
        try:
            running.result(PURGE_SECONDS)
        finally:
            running.cancel()

    return app._servicer
