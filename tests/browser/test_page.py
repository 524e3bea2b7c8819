"""People with real browsers: they register, find each other, and talk, also where the network does not hold."""

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
AXE = paths.ROOT / "apps" / "web" / "node_modules" / "axe-core" / "axe.min.js"
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
        await page.get_by_role("button", name="Create account").click()
        await expect(page.get_by_role("button", name="New conversation")).to_be_visible()
        return somebody

    async def begins_with(self, name: str) -> None:
        await self.page.get_by_role("button", name="New conversation").click()
        await self.page.get_by_label("Name or @handle").fill(name)
        await self.page.locator("#found li").filter(has_text=name).first.click()
        await self.page.get_by_role("button", name="Begin").click()
        await expect(self.page.get_by_role("heading", name=name)).to_be_visible()

    async def opens(self, name: str) -> None:
        await self.page.get_by_label("Your conversations").get_by_role("link").filter(has_text=name).first.click()

    async def says(self, text: str) -> None:
        field = self.page.get_by_label("Message", exact=True)
        await field.fill(text)
        await field.press("Enter")

    async def sees(self, text: str) -> None:
        await expect(self.page.locator("#events .bubble > p").get_by_text(text)).to_be_visible()

    async def is_accessible(self) -> None:
        """What axe finds is nothing serious."""
        await self.page.evaluate(AXE.read_text())
        found = await self.page.evaluate("axe.run()")
        serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
        assert [(each["id"], each["nodes"][0]["html"]) for each in serious] == []

    async def keeps(self, picture: str) -> None:
        """A screenshot for people to look at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=Path(PICTURES / f"{picture}.png"))


async def pair(browser: Browser, stack: Stack, **options: object) -> tuple[Somebody, Somebody]:
    """Two who talk with each other: the first has opened the conversation."""
    tag = uuid.uuid4().hex[:8]
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {tag}", **options)
    bob = await Somebody.registers(browser, stack.web_url, f"Bob {tag}")
    await alice.begins_with(bob.name)
    return alice, bob


async def test_two_people_in_two_browsers_find_each_other_and_talk(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    await alice.says("Hello Bob")
    await bob.opens(alice.name)
    await bob.sees("Hello Bob")
    await expect(alice.page.get_by_role("img", name="Read")).to_be_visible()
    await bob.says("<b>Hello</b> & **welcome**")
    await alice.sees("<b>Hello</b> & welcome")
    await alice.is_accessible()
    await alice.keeps("conversation")
    assert alice.errors == bob.errors == []


async def test_a_message_is_answered_edited_and_deleted(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    await alice.says("first")
    await bob.opens(alice.name)
    await bob.page.get_by_role("article").last.hover()
    await bob.page.get_by_role("button", name="Reply").last.click()
    await bob.says("an answer")
    await expect(alice.page.locator(".quote")).to_contain_text("first")
    await alice.page.get_by_label("Message", exact=True).press("ArrowUp")
    await alice.says("second thoughts")
    await bob.sees("second thoughts")
    await bob.page.get_by_role("article").last.hover()
    await bob.page.get_by_role("button", name="More").last.click()
    await bob.page.get_by_role("menuitem", name="Delete for everyone").click()
    await bob.page.get_by_role("button", name="Delete", exact=True).click()
    await alice.sees("Message deleted")


async def test_who_was_offline_sees_what_was_said_meanwhile_and_says_what_was_typed(
    browser: Browser, stack: Stack
) -> None:
    alice, bob = await pair(browser, stack)
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


async def test_a_reload_shows_the_last_state_at_once_and_sends_what_was_not_sent(
    browser: Browser, stack: Stack
) -> None:
    alice, bob = await pair(browser, stack)
    await alice.says("kept")
    await bob.opens(alice.name)
    await bob.sees("kept")
    await bob.page.route("**/v1/**", lambda route: route.abort())
    await bob.page.reload()
    await bob.sees("kept")
    await bob.says("written without a server")
    await bob.page.reload()
    await bob.sees("written without a server")
    await bob.page.unroute_all()
    await bob.page.reload()
    await alice.sees("written without a server")
    await expect(bob.page.get_by_role("img", name="Waits to be sent")).to_have_count(0)


async def test_two_tabs_of_one_person_show_the_same(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    other = Somebody(alice.context, await alice.context.new_page(), alice.name)
    await other.page.goto(alice.page.url)
    await alice.says("from one tab")
    await other.sees("from one tab")
    await other.says("from the other")
    await alice.sees("from the other")
    await bob.opens(alice.name)
    await bob.sees("from the other")
    await other.page.get_by_role("button", name="Log out").click()
    await expect(other.page.get_by_role("tab", name="Log in")).to_be_visible()
    await expect(alice.page.get_by_role("tab", name="Log in")).to_be_visible()


async def test_the_page_fits_a_phone_in_the_dark(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack, viewport={"width": 360, "height": 740}, color_scheme="dark")
    await alice.says("from my phone")
    await alice.sees("from my phone")
    assert await alice.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    await alice.is_accessible()
    await alice.keeps("phone")
    await alice.page.get_by_role("button", name="Back").click()
    await alice.opens(bob.name)
    await alice.sees("from my phone")
