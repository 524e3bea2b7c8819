"""A gateway with settings that cannot work does not start."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from realchat_gateway.settings import WEB_ROOT, GatewaySettings
from stack import paths


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "web" / "index.html"
    page.parent.mkdir()
    page.touch()
    monkeypatch.setenv("REALCHAT_WEB_ROOT", str(page.parent))
    for name in ("APP_ID", "DAPR_API_TOKEN", "APP_API_TOKEN"):
        monkeypatch.setenv(name, "x")
    for name in ("DAPR_GRPC_PORT", "REALCHAT_INTERNAL_PORT"):
        monkeypatch.setenv(name, "1")


def test_the_page_is_what_dev_up_builds_beside_the_gateway() -> None:
    assert WEB_ROOT == paths.ROOT / "apps" / "web" / "dist"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REALCHAT_RATE_LOGIN", "often"),
        ("REALCHAT_WEB_ROOT", "/nowhere"),
        ("REALCHAT_WEB_ROOT", ""),
        ("REALCHAT_CORS_ORIGINS", '["*"]'),
        ("REALCHAT_CORS_ORIGINS", '["https://chat.example/"]'),
        ("REALCHAT_CORS_ORIGINS", '["chat.example"]'),
        ("REALCHAT_MOST_IN_FLIGHT", "0"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.removeprefix("REALCHAT_").lower()):
        GatewaySettings()


def test_origins_and_rates_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALCHAT_CORS_ORIGINS", '["https://chat.example", "http://localhost:3000"]')
    monkeypatch.setenv("REALCHAT_RATE_WRITE", "5/second")
    settings = GatewaySettings()
    assert settings.cors_origins == ("https://chat.example", "http://localhost:3000")
    assert (settings.rates()["write"].amount, settings.rates()["write"].get_expiry()) == (5, 1)
