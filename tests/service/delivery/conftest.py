"""Delivery on a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from service.delivery.world import DeliveryNode, World, world_on


@pytest.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    async with world_on(redis_url) as world:
        yield world


@pytest.fixture
async def node(world: World) -> DeliveryNode:
    return await world.node()
