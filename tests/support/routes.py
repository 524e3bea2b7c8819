"""The gateway's routes, as its description names them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import realchat_gateway.api
from fastapi import APIRouter
from fastapi.routing import APIRoute


def _routes() -> Iterator[APIRoute]:
    for found in pkgutil.iter_modules(realchat_gateway.api.__path__):
        module = importlib.import_module(f"realchat_gateway.api.{found.name}")
        for router in vars(module).values():
            if isinstance(router, APIRouter):
                yield from (route for route in router.routes if isinstance(route, APIRoute))


_ROUTES = list(_routes())


def routes() -> set[str]:
    """Every method and path, as `GET /v1/users/{user_id}`."""
    return {f"{method} {route.path}" for route in _ROUTES for method in route.methods or ()}


def route_of(method: str, address: str) -> str:
    """The route of a request, as `routes` names it."""
    path = address.partition("?")[0]
    (name,) = {
        f"{method} {route.path}"
        for route in _ROUTES
        if method in (route.methods or ()) and route.path_regex.fullmatch(path)
    }
    return name
