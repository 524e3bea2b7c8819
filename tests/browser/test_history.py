"""Thousands of messages in one conversation, in a real browser."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, expect
from stack import Stack
from support.browsing import Somebody
from support.chat import Person, eventually
from support.fixtures import NewPerson

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MESSAGES = 2_500
AT_ONCE = 30
MOST_ELEMENTS = 1_500
TEXTS = "all => all.map(each => each.textContent)"


async def test_a_long_history_is_scrolled_from_end_to_end_with_few_elements(
    browser: Browser, stack: Stack, person: NewPerson
) -> None:
    bob, carol = await person("Bob"), await person("Carol")
    group = await bob.makes_group("Long", carol)
    turn = asyncio.Semaphore(AT_ONCE)

    async def says(who: Person, number: int) -> None:
        body = f"{number} " + "and so on " * (number % 30)
        async with turn:
            path = f"/v1/conversations/{group}/messages"
            await who.asks("POST", path, json={"body": body, "client_message_id": str(number)})

    await asyncio.gather(*(says((bob, carol)[number // 3 % 2], number) for number in range(MESSAGES)))
    sent = [each["data"] for each in await bob.history(group) if each["kind"] == "message.sent"]
    log = [each["body"].strip() for each in sent]
    place = {body: index for index, body in enumerate(log)}

    page = await (await browser.new_context()).new_page()
    reader = Somebody(page.context, page, "Bob", bob.email)
    await page.goto(stack.web_url)
    await reader.logs_in()
    await reader.opens("Long")
    await expect(page.locator("#events .bubble > p").last).to_have_text(log[-1])

    async def shown() -> list[int]:
        """Where in the log they are that are there now."""
        return [place[text] for text in await page.locator("#events .bubble > p").evaluate_all(TEXTS)]

    async def is_at_the_beginning() -> bool:
        return (await shown())[:1] == [0]

    async def scrolls(pixels: int, there: int) -> None:
        """As far as a message; what is there is always without gap, and not much."""
        await page.locator("#events").hover()

        async def is_there() -> bool:
            await page.mouse.wheel(0, pixels)
            now = await shown()
            assert now == list(range(now[0], now[0] + len(now)))
            assert await page.evaluate("document.querySelectorAll('*').length") < MOST_ELEMENTS
            return now[0] <= there if pixels < 0 else now[-1] >= there

        await eventually(is_there, f"message {there} is there", 60)

    await scrolls(-3_000, MESSAGES - 1_500)
    await scrolls(3_000, MESSAGES - 1)
    await page.locator("#events").focus()
    await page.keyboard.press("Home")
    await eventually(is_at_the_beginning, "the first message is there")
    await expect(page.get_by_text("You created the group")).to_be_visible()
    await scrolls(3_000, 1_500)
    await scrolls(-3_000, 0)
    await reader.says("Written far up")
    await reader.sees("Written far up")
    await reader.is_accessible()
    await page.locator("#events").focus()
    await page.keyboard.press("Home")
    await eventually(is_at_the_beginning, "the first message is there")
    await page.keyboard.press("End")
    await reader.sees("Written far up")
    answer = {"body": "An answer", "client_message_id": "answer", "reply_to": sent[0]["message_id"]}
    await carol.asks("POST", f"/v1/conversations/{group}/messages", json=answer)
    await page.reload()
    await reader.sees("Written far up")
    quote = page.get_by_role("article").last.locator(".quote")
    await expect(quote).to_contain_text(log[0])
    await quote.click()
    await expect(page.get_by_text("You created the group")).to_be_visible()
    await page.locator("#events").focus()
    await page.keyboard.press("End")
    await reader.sees("An answer")
    await page.get_by_role("button", name="Search in this conversation").click()
    # Nobody said anything then, so the beginning is what comes next.
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    await page.get_by_label("Jump to date").fill(yesterday.isoformat())
    await reader.keeps("jump_to_date")
    await reader.is_accessible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("You created the group")).to_be_visible()
    await eventually(is_at_the_beginning, "the first message is there")
    assert reader.errors == []
