"""`just bench-history`: how smooth the web client is with very many messages in one conversation, in a real browser.

Two people fill a conversation through their sockets. A third opens it where she left off, in the middle, scrolls, goes
all the way up, is written to, goes to the end and back by keys, and reloads the page.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

import uvloop
from bench.limits import UNLIMITED
from playwright.async_api import CDPSession, Locator, Page, async_playwright
from realchat import Client
from realchat.load import Load, connected, registered, run
from stack import Stack, tools
from support.browsing import PASSWORD
from support.fixtures import FLAGS

TALK = Load(conversations=1, members=2, window=200, sizes=(10, 400))
WINDOW = {"width": 1280, "height": 800}
ROW = "#events [data-key]"
PATIENCE_MS = 600_000

FRAMES = """async () => {
    window.deltas = [];
    let last = performance.now();
    for (window.counts = true; window.counts;) {
        const now = await new Promise(requestAnimationFrame);
        window.deltas.push(now - last);
        last = now;
    }
}"""
COUNTED = "() => { window.counts = false; return window.deltas; }"
OPENED = """async (id) => {
    const began = performance.now();
    document.querySelector(`a[href="#/c/${id}"]`).click();
    while (!document.querySelector("#events [data-key]")) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return performance.now() - began;
}"""
SHOWN = """() => document.querySelector("#events [data-key]") && performance.now()"""
TO_THE_BEGINNING = """async (text) => {
    const events = document.querySelector("#events");
    while (![...events.querySelectorAll(".notice")].some((each) => each.textContent.includes(text))) {
        events.scrollTop = 0;
        await new Promise(requestAnimationFrame);
    }
}"""


@dataclass
class Meter:
    """What the page takes."""

    page: Page
    cdp: CDPSession

    async def while_(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Prints the times between frames while something is done, and how busy the page was."""
        before, began = await self._metrics(), perf_counter()
        counting = asyncio.create_task(self.page.evaluate(FRAMES))
        await work()
        deltas = sorted(await self.page.evaluate(COUNTED))
        await counting
        after, took = await self._metrics(), perf_counter() - began
        p50, p95, p99 = (deltas[math.ceil(share * len(deltas)) - 1] for share in (0.5, 0.95, 0.99))
        busy = " ".join(
            f"{label} {(after[key] - before[key]) / took:.0%}"
            for label, key in {"script": "ScriptDuration", "layout": "LayoutDuration", "all": "TaskDuration"}.items()
        )
        say(f"{name:<44} frames p50 {p50:.0f} p95 {p95:.0f} p99 {p99:.0f} max {deltas[-1]:.0f} ms; busy: {busy}")

    async def stands(self, name: str) -> None:
        """Prints how large the page is."""
        await self.cdp.send("HeapProfiler.collectGarbage")
        metrics = await self._metrics()
        elements = await self.page.evaluate("document.querySelectorAll('*').length")
        shown = await self.page.locator(ROW).count()
        heap = metrics["JSHeapUsedSize"] / 2**20
        say(f"{name:<44} {elements} elements, {shown} messages among them, heap {heap:.0f} MiB")

    async def wheels(self, seconds: float, pixels: int) -> None:
        """Turns the wheel; up when negative."""
        await self.page.locator("#events").hover()
        end = perf_counter() + seconds
        while perf_counter() < end:
            await self.page.mouse.wheel(0, pixels)
            await asyncio.sleep(0.02)

    async def presses(self, key: str, goal: Locator, state: Literal["visible", "hidden"]) -> None:
        """Prints how long a key takes to bring somebody somewhere."""
        began = perf_counter()
        await self.page.keyboard.press(key)
        await goal.wait_for(state=state)
        say(f"{key}: {1000 * (perf_counter() - began):.0f} ms")

    async def _metrics(self) -> dict[str, float]:
        found = await self.cdp.send("Performance.getMetrics")
        return {each["name"]: each["value"] for each in found["metrics"]}


def say(line: str) -> None:
    print(line, flush=True)


async def measured(stack: Stack, messages: int, seconds: float) -> None:
    """Fills a conversation, and looks at it."""
    async with AsyncExitStack() as opened:
        viewer = await opened.enter_async_context(Client(stack.web_url))
        email = f"{uuid.uuid4().hex}@example.org"
        await viewer.register(email, PASSWORD, "Viewer")
        people = await registered(stack.web_url, TALK.members)
        group = await viewer.group("Very long", *(person.user_id for person in people))
        groups = {group.conversation_id: [person.user_id for person in people]}
        urls = [url.replace("http:", "ws:") + "/v1/socket" for url in stack.urls("delivery")]
        talkers = await opened.enter_async_context(connected(people, urls))
        began, sent = perf_counter(), 0
        while sent < messages:
            sent += len((await run(TALK, talkers, groups, 2)).acknowledged)
        say(f"{sent} messages written in {perf_counter() - began:.0f} s")
        await viewer.read(group.conversation_id, sent // 2)

        playwright = await opened.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=str(tools.browser()), args=FLAGS)
        page = await (await browser.new_context(viewport=WINDOW)).new_page()  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE_MS)
        meter = Meter(page, await page.context.new_cdp_session(page))
        await meter.cdp.send("Performance.enable")
        await page.goto(stack.web_url)
        await page.get_by_label("Email").fill(email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        await page.get_by_role("link", name="Very long").wait_for()
        say(f"Opened at the first unread: {await page.evaluate(OPENED, group.conversation_id):.0f} ms")
        await meter.stands("Opened")
        await meter.while_("Wheel up from there", lambda: meter.wheels(seconds, -400))
        await meter.while_("Wheel down again", lambda: meter.wheels(seconds, 400))
        await page.locator("#events").focus()
        newest = page.get_by_role("button", name="To the newest")
        await meter.presses("End", newest, "hidden")
        await meter.while_("Wheel up from the end", lambda: meter.wheels(seconds, -400))
        await meter.stands("After that")
        began = perf_counter()
        await meter.while_("All the way up", lambda: page.evaluate(TO_THE_BEGINNING, "created the group"))
        say(f"At the beginning after {perf_counter() - began:.0f} s")
        await meter.stands("There")
        await meter.while_("Wheel down from there", lambda: meter.wheels(seconds, 400))
        talk = Load(conversations=1, members=2, rate=10)
        await meter.while_("Ten messages a second come", lambda: run(talk, talkers, groups, seconds))
        await meter.presses("End", newest, "hidden")
        await meter.presses("Home", page.get_by_text("created the group"), "visible")
        await meter.presses("End", newest, "hidden")
        await meter.while_("Ten messages a second come, at the end", lambda: run(talk, talkers, groups, seconds))
        await page.reload(wait_until="commit")
        shown = await (await page.wait_for_function(SHOWN)).json_value()
        say(f"Reloaded: something is shown after {shown:.0f} ms")
        await meter.stands("Reloaded")
        await browser.close()


def main() -> None:
    """Starts the stack unless it runs, measures, and stops what it started."""
    parser = argparse.ArgumentParser(prog="just bench-history", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="how many at least (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="of each scrolling (default: %(default)s)")
    parser.add_argument("--stack", default="bench", help="one that runs already is left (default: %(default)s)")
    options = parser.parse_args()
    stack = Stack(options.stack, env=UNLIMITED)
    with stack.left_as_found():
        stack.start()
        uvloop.run(measured(stack, options.messages, options.seconds))


if __name__ == "__main__":
    main()
