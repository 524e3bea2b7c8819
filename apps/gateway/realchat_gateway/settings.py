"""The gateway's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from limits import RateLimitItem, parse
from pydantic import AfterValidator, Field, HttpUrl, TypeAdapter

from realchat_common.settings import ServiceSettings

WEB_ROOT = Path(__file__).parents[2] / "web" / "dist"
"""The web client's build, which `dev/up` makes, where the gateway runs from the source tree."""


def _rate(text: str) -> str:
    parse(text)  # raises ValueError for what `limits` does not understand
    return text


def _page_root(path: Path) -> Path:
    if not (path / "index.html").is_file():
        raise ValueError(f"{path} has no index.html; `just web` builds the web client")
    return path


def _origin(text: str) -> str:
    parts = urlsplit(str(TypeAdapter(HttpUrl).validate_python(text)))
    if text != f"{parts.scheme}://{parts.netloc}".lower():
        raise ValueError(f"{text} is not an origin, such as https://chat.example")
    return text


Rate = Annotated[str, AfterValidator(_rate)]
"""A number of requests per time, as https://limits.readthedocs.io/en/stable/string-notation.html has it."""


class GatewaySettings(ServiceSettings):
    """From the environment, each field as REALCHAT_<NAME>."""

    http_port: int = 8080
    issuer: str = "realchat"
    """The `iss` of access tokens."""
    socket_url: str = "ws://127.0.0.1:8083/v1/socket"
    """Where clients open their WebSocket."""
    web_root: Annotated[Path, AfterValidator(_page_root)] = Field(default=WEB_ROOT, validate_default=True)
    """The folder of the page that is served at `/`."""
    cors_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()
    """Pages of other origins that may call the API (a JSON list). The API needs no cookies, so none are allowed."""
    trusted_proxies: str = ""
    """Addresses or networks, separated by commas, whose X-Forwarded-For and -Proto are believed."""
    most_in_flight: int = Field(default=1_000, gt=0)
    """Requests that are worked on at once; more are refused at once as overloaded."""

    rate_login: Rate = "10/minute"
    """Attempts to register or log in, per address and email."""
    rate_anonymous: Rate = "120/minute"
    """Requests without an access token, per address."""
    rate_read: Rate = "1200/minute"
    """Per user."""
    rate_write: Rate = "600/minute"
    """Per user."""
    rate_export: Rate = "10/hour"
    """Exports of all that is kept of a user, per user."""
    rate_address: Rate = "6000/minute"
    """All requests with an access token, per address: loose, since a household or office shares one."""

    def rates(self) -> dict[str, RateLimitItem]:
        """The policies by name."""
        names = ("login", "anonymous", "read", "write", "export", "address")
        return {name: parse(getattr(self, f"rate_{name}")) for name in names}
