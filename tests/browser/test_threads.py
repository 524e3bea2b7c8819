"""Mentions, pins, threads and forwarding in real browsers."""

from __future__ import annotations

import uuid

import pytest
from playwright.async_api import Browser, expect
from stack import Stack
from support.browsing import Somebody, isolated, pair

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

FITS = "document.documentElement.scrollWidth <= window.innerWidth"


async def test_somebody_is_mentioned_by_keys_alone_and_sees_it(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack, viewport={"width": 360, "height": 740}, color_scheme="dark")
    field = alice.page.get_by_label("Message", exact=True)
    await field.press_sequentially("Tea, @bo")
    option = alice.page.get_by_role("option", name=bob.name)
    await expect(option).to_have_attribute("aria-selected", "true")
    await alice.keeps("mention_list")
    await alice.is_accessible()
    assert await alice.page.evaluate(FITS)
    await field.press("Enter")
    await expect(option).to_have_count(0)
    await field.press_sequentially("?")
    await field.press("Enter")
    await expect(alice.page.locator("#events .mention")).to_have_text(f"@{bob.name}")
    await expect(bob.page.get_by_role("img", name="1 mentions you")).to_be_visible()
    await expect(bob.page.get_by_label("Your conversations")).to_contain_text(f"Tea, @{bob.name}")
    await bob.keeps("mention_count")
    await bob.is_accessible()
    await bob.opens(alice.name)
    await expect(bob.page.locator("#events .mention.me")).to_have_text(f"@{bob.name}")
    await expect(bob.page.get_by_role("img", name="1 mentions you")).to_have_count(0)
    await bob.keeps("mentioned")
    await bob.is_accessible()
    assert alice.errors == bob.errors == []


async def test_a_pinned_message_is_on_top_for_all_and_is_jumped_to(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    await alice.says("The key is under the mat")
    await alice.sees("The key is under the mat")
    await alice.on_newest("More")
    await alice.page.get_by_role("menuitem", name="Pin", exact=True).click()
    pinned = alice.page.get_by_role("region", name="Pinned", exact=True)
    await expect(pinned).to_contain_text("The key is under the mat")
    for number in range(30):
        await alice.says(f"line {number}")
    await bob.opens(alice.name)
    await bob.sees("line 29")
    strip = bob.page.get_by_role("region", name="Pinned", exact=True)
    await strip.get_by_role("button", name="The key is under the mat").click()
    await expect(bob.page.locator("#events").get_by_text("The key is under the mat")).to_be_in_viewport()
    await strip.get_by_role("button", name="All pinned messages, 1").click()
    await bob.keeps("pins")
    await bob.is_accessible()
    await bob.page.get_by_role("button", name="Unpin The key is under the mat").click()
    await expect(bob.page.get_by_text("Nothing is pinned.")).to_be_visible()
    await expect(pinned).to_have_count(0)
    assert alice.errors == bob.errors == []


async def test_a_message_is_answered_in_a_thread_that_both_follow(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack, viewport={"width": 360, "height": 740}, color_scheme="dark")
    await alice.says("Where shall we eat?")
    await bob.opens(alice.name)
    await bob.sees("Where shall we eat?")
    await bob.on_newest("More")
    await bob.page.get_by_role("menuitem", name="Reply in thread").click()
    thread = bob.page.get_by_role("region", name="Thread")
    field = thread.get_by_label("Reply in thread", exact=True)
    await field.fill("At the harbour")
    await field.press("Enter")
    await alice.page.get_by_role("button", name="1 reply").click()
    beside = alice.page.get_by_role("region", name="Thread")
    await expect(beside.locator(".bubble > p")).to_have_text(["Where shall we eat?", "At the harbour"])
    await alice.keeps("thread_phone")
    await alice.is_accessible()
    assert await alice.page.evaluate(FITS)
    await beside.get_by_label("Reply in thread", exact=True).fill("Good")
    await beside.get_by_label("Reply in thread", exact=True).press("Enter")
    await expect(thread.locator(".bubble > p")).to_have_text(["Where shall we eat?", "At the harbour", "Good"])
    await expect(bob.page.locator("#events").get_by_role("button", name="2 replies")).to_be_visible()
    await bob.keeps("thread")
    await bob.is_accessible()
    await beside.get_by_role("button", name="Close thread").click()
    await alice.sees("Good")
    assert alice.errors == bob.errors == []


async def test_the_focus_goes_back_to_the_message_whose_thread_is_closed_by_a_key(
    browser: Browser, stack: Stack
) -> None:
    alice, _ = await pair(browser, stack)
    await alice.says("Where shall we eat?")
    await expect(alice.page.get_by_role("img", name="Delivered")).to_be_visible()
    field = alice.page.get_by_label("Reply in thread", exact=True)
    await alice.page.locator("#events").focus()
    await alice.page.keyboard.press("ArrowUp")
    await alice.page.keyboard.press("t")
    await expect(field).to_be_focused()
    await alice.page.keyboard.press("Escape")
    await expect(field).to_have_count(0)
    await expect(alice.page.locator("#events article")).to_be_focused()
    await alice.on_newest("More")
    await alice.page.keyboard.press("Enter")
    await expect(alice.page.get_by_label("Message", exact=True)).to_have_value("Where shall we eat?")
    assert alice.errors == []


async def test_a_message_goes_on_to_another_conversation_and_says_whose_it_was(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    carol = await Somebody.registers(browser, stack.web_url, f"Carol {uuid.uuid4().hex[:8]}")
    await alice.says("What goes into it?")
    await bob.opens(alice.name)
    await bob.says("Two eggs")
    await alice.begins_with(carol.name)
    await alice.opens(bob.name)
    await alice.sees("Two eggs")
    await alice.on_newest("More")
    await alice.page.get_by_role("menuitem", name="Forward").click()
    dialog = alice.page.get_by_role("dialog", name="Forward to")
    await dialog.get_by_label("Conversation", exact=True).fill("carol")
    await alice.keeps("forward")
    await alice.is_accessible()
    await dialog.get_by_role("button", name=carol.name).click()
    await expect(alice.page.get_by_role("heading", name=carol.name)).to_be_visible()
    await carol.opens(alice.name)
    await carol.sees("Two eggs")
    await expect(carol.page.get_by_text(f"Forwarded from {isolated(bob.name)}")).to_be_visible()
    await carol.keeps("forwarded")
    await carol.is_accessible()
    assert alice.errors == bob.errors == carol.errors == []
