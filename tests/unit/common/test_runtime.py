"""The life of an application."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from unittest.mock import sentinel

import pytest
from fastapi import FastAPI

from realchat_common.runtime import Runtime
from realchat_common.settings import ServiceSettings


async def test_an_application_whose_port_is_taken_ends_though_a_task_passes_over_being_cancelled() -> None:
    async def deaf() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(3600)  # as libraries do: python/cpython#86296

    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = ServiceSettings.model_validate(
            {
                "app_id": "test",
                "dapr_api_token": "x",
                "app_api_token": "x",
                "dapr_grpc_port": 1,
                "internal_port": taken.getsockname()[1],
            }
        )
        runtime = Runtime(settings, sentinel.sidecar, AsyncExitStack())
        runtime.background("deaf", deaf)
        runtime.serve_internal(FastAPI())
        with pytest.raises(ExceptionGroup) as failure:
            await runtime.run()
    assert failure.group_contains(RuntimeError, match="port taken")
