"""The life of an application: start, serve, drain, stop, under one TaskGroup.

Order of the stop: not ready, then the drain hooks (a socket server tells its clients to move), then the
servers finish what they have, then the background tasks are cancelled, then connections close.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import grpc
import uvicorn
import uvloop
from fastapi import FastAPI

from realchat_common.health import Health, add_health_routes
from realchat_common.problems import add_problem_handlers
from realchat_common.settings import ServiceSettings
from realchat_common.sidecar import Sidecar
from realchat_common.telemetry import RETRIES, configure, log

Job = Callable[[], Awaitable[None]]

RESTART_SECONDS = 1.0


class _Server(uvicorn.Server):
    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        with suppress(SystemExit):  # uvicorn's for a port that is taken; `_until_stopped` says so
            await super().serve(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the Runtime's business, for all servers at once


@dataclass
class Runtime:
    """What `main` wires together and `run` keeps alive."""

    settings: ServiceSettings
    sidecar: Sidecar
    resources: AsyncExitStack
    health: Health = field(default_factory=Health)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _http: list[_Server] = field(default_factory=list)
    _rpc: list[grpc.aio.Server] = field(default_factory=list)
    _jobs: dict[str, Job] = field(default_factory=dict)
    _drains: list[Job] = field(default_factory=list)

    def serve_http(self, app: FastAPI, port: int, **options: object) -> None:
        """Serves an application on a port; options are uvicorn's."""
        config = uvicorn.Config(
            app,
            host=self.settings.host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
            **options,  # type: ignore[arg-type]
        )
        self._http.append(_Server(config))

    def serve_internal(self, app: FastAPI) -> None:
        """Serves the internal application with health and metrics."""
        add_health_routes(app, self.health)
        add_problem_handlers(app)
        self.serve_http(app, self.settings.internal_port)

    def serve_rpc(self, server: grpc.aio.Server, port: int) -> None:
        """Serves gRPC on a port."""
        server.add_insecure_port(f"{self.settings.host}:{port}")
        self._rpc.append(server)

    def background(self, name: str, job: Job) -> None:
        """A task that runs until the stop. When it fails it is logged, counted and begun again."""
        RETRIES.labels(name)  # 0 until then, so that its first increase is seen
        self._jobs[name] = job

    def on_drain(self, hook: Job) -> None:
        """Called first when the application stops, while its servers still serve."""
        self._drains.append(hook)

    async def _keep(self, name: str, job: Job) -> None:
        while True:
            try:
                await job()
            except Exception:
                log.exception("task failed", task=name)
            RETRIES.labels(name).inc()
            await asyncio.sleep(RESTART_SECONDS)

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT, then drains and stops."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(self._keep(name, job), name=name) for name, job in self._jobs.items()]
            try:
                await self._serve(group)
            finally:
                await _ended(jobs)
        log.info("stopped")

    async def _serve(self, group: asyncio.TaskGroup) -> None:
        for server in self._rpc:
            await server.start()
        servers = [group.create_task(http.serve()) for http in self._http]
        # What starting has made lives for ever; a full collection that looks at it stops the loop for 0.2 s.
        gc.collect()
        gc.freeze()
        self.health.accepting = True
        log.info("started")
        await self._until_stopped(servers)
        self.health.accepting = False
        log.info("draining")
        for hook in self._drains:
            await hook()
        for server in self._rpc:
            await server.stop(grace=5)
        for http in self._http:
            http.should_exit = True
        await asyncio.gather(*servers)

    async def _until_stopped(self, servers: list[asyncio.Task[None]]) -> None:
        """Also ends when a server does, for example because its port is taken."""
        stop = asyncio.ensure_future(self.stopping.wait())
        done, _ = await asyncio.wait([stop, *servers], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if stop not in done:
            raise RuntimeError("a server ended by itself: is its port taken?")


async def _ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancels until it has worked: `asyncio.wait_for` in a library can swallow one (python/cpython#86296)."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=1)


@asynccontextmanager
async def starting(settings: ServiceSettings) -> AsyncIterator[Runtime]:
    """Telemetry, the sidecar and its secrets; then the caller wires servers and tasks, and calls `run`."""
    configure(settings)
    async with AsyncExitStack() as resources:
        sidecar = await Sidecar.connect(settings)
        resources.push_async_callback(sidecar.close)
        runtime = Runtime(settings, sidecar, resources)
        runtime.health.add("sidecar", sidecar.ping)
        yield runtime


def start(main: Callable[[], Awaitable[None]]) -> None:
    """Runs an application's `main` on uvloop until it ends."""

    async def entry() -> None:
        await main()

    uvloop.run(entry())
