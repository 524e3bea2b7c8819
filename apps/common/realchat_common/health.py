"""Whether this application lives and can do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Check = Callable[[], Awaitable[object]]

CHECK_SECONDS = 2.0


class Health:
    """The checks of this application's dependencies, by name."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self.accepting = False
        """True between the end of start-up and the beginning of the drain."""

    def add(self, name: str, check: Check) -> None:
        """A check fails by raising."""
        self._checks[name] = check

    async def failures(self) -> dict[str, str]:
        """The dependencies that do not work now, each with its reason."""
        failures: dict[str, str] = {} if self.accepting else {"application": "starting or stopping"}

        async def run(name: str, check: Check) -> None:
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await check()
            except Exception as error:
                failures[name] = f"{type(error).__name__}: {error}"[:200]

        async with asyncio.TaskGroup() as group:
            for name, check in self._checks.items():
                group.create_task(run(name, check))
        return failures


def add_health_routes(app: FastAPI, health: Health) -> None:
    """Adds `/livez`, `/readyz` and `/metrics` to an internal application."""

    @app.get("/livez")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def ready(response: Response) -> dict[str, object]:
        failures = await health.failures()
        response.status_code = 503 if failures else 200
        return {"status": "unavailable" if failures else "ok", "failures": failures}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
