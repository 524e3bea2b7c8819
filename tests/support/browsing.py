"""People at browsers of their own."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, Response, expect
from stack import Stack, paths

PICTURES = paths.ROOT / ".artifacts" / "pictures"
AXE = paths.ROOT / "apps" / "web" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "correct horse battery staple"

expect.set_options(timeout=20_000)

# Alerts go by themselves; who reads of a failure wants to know what they said.
TELLS_ALERTS = """new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes)
        for (const node of addedNodes) {
            const around = target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement;
            const alert = around?.closest("[role=alert]") ? node : node.querySelector?.("[role=alert]");
            if (alert?.textContent) console.warn("alert:", alert.textContent);
        }
}).observe(document, { childList: true, subtree: true });"""

log = logging.getLogger(__name__)


def isolated(name: str) -> str:
    """A name within a sentence of the page, which may be written in the other direction."""
    return f"\u2068{name}\u2069"


class Somebody:
    """A person at a browser of their own. What their page complains of is logged, for who reads of a failure."""

    def __init__(self, context: BrowserContext, page: Page, name: str, email: str = "") -> None:
        self.context = context
        self.page = page
        self.name = name
        self.email = email
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._heard)
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            log.warning("%s's page: %s", self.name, message.text)
        if "Content Security" in message.text:
            self.errors.append(message.text)

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            log.warning("%s was answered %d: %s %s", self.name, response.status, response.request.method, response.url)

    def _failed(self, request: Request) -> None:
        log.warning("%s had no answer: %s %s: %s", self.name, request.method, request.url, request.failure)

    @classmethod
    async def registers(cls, browser: Browser, url: str, name: str, **options: object) -> Somebody:
        context = await browser.new_context(**options)  # type: ignore[arg-type]
        await context.add_init_script(TELLS_ALERTS)
        somebody = cls(context, await context.new_page(), name, f"{uuid.uuid4().hex}@example.org")
        page = somebody.page
        await page.goto(url)
        await page.get_by_role("tab", name="Register").click()
        await page.get_by_label("Your name").fill(name)
        await page.get_by_label("Email").fill(somebody.email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Create account").click()
        await expect(page.get_by_role("button", name="New conversation")).to_be_visible()
        return somebody

    async def logs_in(self) -> None:
        """As far as the email and the password go."""
        await self.page.get_by_label("Email").fill(self.email)
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Log in").click()

    async def sets(self, part: str) -> Locator:
        """Opens a part of the settings."""
        await self.page.get_by_role("button", name="Settings").click()
        await self.page.get_by_role("tab", name=part).click()
        return self.page.get_by_role("tabpanel", name=part)

    async def begins_with(self, name: str) -> None:
        await self.asks_for(name)
        await expect(self.page.get_by_role("heading", name=name)).to_be_visible()

    async def asks_for(self, name: str) -> None:
        """A conversation with somebody."""
        await self.page.get_by_role("button", name="New conversation").click()
        await self.page.get_by_label("Name or @handle").fill(name)
        await self.page.locator("#found li").filter(has_text=name).first.click()
        await self.page.get_by_role("button", name="Begin").click()

    async def opens(self, name: str) -> None:
        await self.page.get_by_label("Your conversations").get_by_role("link").filter(has_text=name).first.click()

    async def on_newest(self, button: str) -> None:
        """Presses a button of the newest message."""
        await self.page.get_by_role("article").last.hover()
        await self.page.get_by_role("article").last.get_by_role("button", name=button, exact=True).click()

    async def says(self, text: str) -> None:
        field = self.page.get_by_label("Message", exact=True)
        await field.fill(text)
        await field.press("Enter")

    def message(self, text: str) -> Locator:
        return self.page.locator("#events .bubble > p").get_by_text(text)

    async def sees(self, text: str) -> None:
        await expect(self.message(text)).to_be_visible()

    async def finds(self, words: str) -> Locator:
        """The messages that the search of all conversations shows, once the index has one."""
        field = self.page.get_by_label("Search conversations and messages")
        found = self.page.get_by_role("region", name="Messages found")

        async def searches() -> None:
            await field.fill("")
            await expect(found).to_have_count(0)
            await field.fill(words)

        hits = found.get_by_role("link")
        await until(searches, hits.first)
        return hits

    async def is_accessible(self) -> None:
        """What axe finds is nothing serious."""
        await self.page.evaluate(AXE.read_text())
        found = await self.page.evaluate("axe.run()")
        serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
        assert not serious, [(each["id"], each["nodes"][0]["html"]) for each in serious]

    async def keeps(self, picture: str) -> None:
        """A screenshot for people to look at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=Path(PICTURES / f"{picture}.png"))


async def until(act: Callable[[], Awaitable[None]], seen: Locator) -> None:
    """Does something again until it is seen: other services hear of what was done before it a moment later."""
    end = time.monotonic() + 30
    while True:
        await act()
        try:
            return await expect(seen).to_be_visible(timeout=3_000)
        except AssertionError:
            if time.monotonic() > end:
                raise


async def pair(browser: Browser, stack: Stack, **options: object) -> tuple[Somebody, Somebody]:
    """Two who talk with each other: the first has opened the conversation."""
    tag = uuid.uuid4().hex[:8]
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {tag}", **options)
    bob = await Somebody.registers(browser, stack.web_url, f"Bob {tag}")
    await alice.begins_with(bob.name)
    return alice, bob
