"""Two people with two real browsers: they register, find each other, and talk."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from stack import Stack, paths, tools

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PICTURES = paths.ROOT / ".artifacts" / "pictures"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
PASSWORD = "correct horse battery staple"

expect.set_options(timeout=20_000)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(tools.browser()), args=FLAGS)
        yield browser
        await browser.close()


class Somebody:
    """A person at a browser of their own."""

    def __init__(self, context: BrowserContext, page: Page, name: str) -> None:
        self.context = context
        self.page = page
        self.name = name
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console", lambda message: self.errors.append(message.text) if "Content Security" in message.text else None
        )

    @classmethod
    async def registers(cls, browser: Browser, url: str, name: str, **options: object) -> Somebody:
        context = await browser.new_context(**options)  # type: ignore[arg-type]
        somebody = cls(context, await context.new_page(), name)
        page = somebody.page
        await page.goto(url)
        await page.get_by_role("tab", name="Register").click()
        await page.get_by_label("Your name").fill(name)
        await page.get_by_label("Email").fill(f"{uuid.uuid4().hex}@example.org")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.locator("#login button.primary").click()
        await expect(page.get_by_role("button", name="New conversation")).to_be_visible()
        return somebody

    async def begins_with(self, name: str) -> None:
        await self.page.get_by_role("button", name="New conversation").click()
        await self.page.get_by_label("Name or @handle").fill(name)
        await self.page.locator("#found li").filter(has_text=name).first.click()
        await self.page.get_by_role("button", name="Begin").click()
        await expect(self.page.get_by_label("Message", exact=True)).to_be_visible()

    async def opens(self, name: str) -> None:
        await self.page.locator("#conversations li").filter(has_text=name).first.click()

    async def says(self, text: str) -> None:
        field = self.page.get_by_label("Message", exact=True)
        await field.fill(text)
        await field.press("Enter")

    async def sees(self, text: str) -> None:
        await expect(self.page.locator("#events").get_by_text(text)).to_be_visible()

    async def keeps(self, picture: str) -> None:
        """A screenshot for people to look at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=Path(PICTURES / f"{picture}.png"))


async def test_two_people_in_two_browsers_find_each_other_and_talk(browser: Browser, stack: Stack) -> None:
    tag = uuid.uuid4().hex[:8]
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {tag}")
    bob = await Somebody.registers(browser, stack.web_url, f"Bob {tag}")
    await alice.begins_with(bob.name)
    await alice.says("Hello Bob")
    await bob.opens(alice.name)
    await bob.sees("Hello Bob")
    await bob.says("<b>Hello</b> & welcome")
    await alice.sees("<b>Hello</b> & welcome")
    await alice.keeps("conversation")
    assert alice.errors == bob.errors == []


async def test_who_was_offline_sees_what_was_said_meanwhile_and_says_what_was_typed(
    browser: Browser, stack: Stack
) -> None:
    tag = uuid.uuid4().hex[:8]
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {tag}")
    bob = await Somebody.registers(browser, stack.web_url, f"Bob {tag}")
    await alice.begins_with(bob.name)
    await alice.says("one")
    await bob.opens(alice.name)
    await bob.sees("one")
    await bob.context.set_offline(True)
    await expect(bob.page.locator("#banner")).to_be_visible(timeout=45_000)
    await bob.keeps("offline")
    await alice.says("two, while Bob is away")
    await bob.says("typed while away")
    await bob.context.set_offline(False)
    await bob.sees("two, while Bob is away")
    await alice.sees("typed while away")
    await expect(bob.page.locator("#banner")).to_be_hidden()


async def test_a_reload_keeps_the_session_and_the_page_fits_a_phone(browser: Browser, stack: Stack) -> None:
    tag = uuid.uuid4().hex[:8]
    phone = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {tag}", **phone)
    bob = await Somebody.registers(browser, stack.web_url, f"Bob {tag}")
    await alice.begins_with(bob.name)
    await alice.says("from my phone")
    await alice.sees("from my phone")
    await alice.keeps("phone")
    assert await alice.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    await alice.page.reload()
    await alice.opens(bob.name)
    await alice.sees("from my phone")
