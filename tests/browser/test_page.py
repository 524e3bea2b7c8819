"""People with real browsers: they register, find each other, and talk, also where the network does not hold."""

from __future__ import annotations

import asyncio
import re
import uuid

import pytest
from playwright.async_api import Browser, Dialog, expect
from stack import Stack
from support.browsing import Somebody, pair, until
from support.chat import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

DRAFTS = """async () => {
    const answer = (asked) => new Promise((resolve) => (asked.onsuccess = () => resolve(asked.result)));
    const [{ name }] = await indexedDB.databases();
    const database = await answer(indexedDB.open(name));
    const drafts = await answer(database.transaction("drafts").objectStore("drafts").getAll());
    database.close();
    return drafts;
}"""
"""What this browser keeps of half-written messages."""


async def test_two_people_in_two_browsers_find_each_other_and_talk(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    await alice.says("Hello Bob")
    await bob.opens(alice.name)
    await bob.sees("Hello Bob")
    await expect(alice.page.get_by_role("img", name="Read")).to_be_visible()
    await expect(alice.page.get_by_text("online", exact=True)).to_be_visible(timeout=45_000)  # lost news take 30 s
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


async def test_a_full_disk_is_said_and_nothing_that_was_typed_is_lost(browser: Browser, stack: Stack) -> None:
    tag = uuid.uuid4().hex[:8]
    bob = await Somebody.registers(browser, stack.web_url, f"Bob {tag}")
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {tag}")
    page = alice.page
    field = page.get_by_label("Message", exact=True)
    storage = await alice.context.new_cdp_session(page)
    asked: list[str] = []

    async def stays(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stays)
    await storage.send("Storage.overrideQuotaForOrigin", {"origin": stack.web_url, "quotaSize": 1})
    await alice.begins_with(bob.name)
    full = page.get_by_text("This browser's storage is full: what you have typed is lost when you leave this page.")
    # The browser remembers for a while what was free.
    await until(lambda: field.press_sequentially("half a sen"), full)
    await alice.is_accessible()
    await alice.keeps("storage_full")
    await alice.says("sent all the same")
    await bob.opens(alice.name)
    await bob.sees("sent all the same")
    await field.press_sequentially("half a sen")
    await page.evaluate("setTimeout(() => location.reload())")
    await eventually(lambda: asked == ["beforeunload"], "the browser asks before it leaves the page")
    await expect(field).to_have_value("half a sen")

    await storage.send("Storage.overrideQuotaForOrigin", {"origin": stack.web_url})
    await field.press_sequentially("tence")

    async def is_kept() -> bool:
        kept: list[str] = await page.evaluate(DRAFTS)
        return kept == ["half a sentence"]

    await eventually(is_kept, "what was typed is kept")
    await page.reload()
    await expect(field).to_have_value("half a sentence")
    assert alice.errors == bob.errors == []


async def test_by_keys_one_gets_into_a_dialog_and_out_of_it_and_past_messages(browser: Browser, stack: Stack) -> None:
    alice, _ = await pair(browser, stack)
    page = alice.page
    await alice.says("one")
    await alice.says("two")
    await expect(page.get_by_role("button", name="More")).to_have_count(2)
    begin = page.get_by_role("button", name="New conversation")
    await begin.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Name or @handle")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(begin).to_be_focused()
    await page.locator("#events").focus()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Attach files")).to_be_focused()
    await page.locator("#events").focus()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    for _ in range(3):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.press("End")
    await expect(page.get_by_role("menuitem", name="Delete for everyone")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Delete for everyone?")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("article").first.get_by_role("button", name="More")).to_be_focused()
    await page.get_by_role("button", name="New poll").click()
    await expect(page.get_by_label("Question")).to_be_focused()
    await alice.keeps("new_poll")
    assert alice.errors == []


async def test_two_tabs_of_one_person_show_the_same(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    other = Somebody(alice.context, await alice.context.new_page(), alice.name)
    await other.page.goto(alice.page.url)
    field = other.page.get_by_label("Message", exact=True)
    await expect(field).to_be_visible()
    await alice.page.get_by_label("Message", exact=True).press_sequentially("from one")
    await expect(field).to_have_value("from one")
    await alice.says("from one tab")
    await other.sees("from one tab")
    await expect(field).to_have_value("")
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


async def test_what_is_typed_while_the_server_restarts_is_sent_when_it_is_back(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    await alice.says("before")
    await bob.opens(alice.name)
    await bob.sees("before")
    away = [name for name in stack.programs if re.fullmatch(r"delivery-\d+", name)]
    for name in away:
        await asyncio.to_thread(stack.stop_process, name)
    try:
        await expect(bob.page.locator("#banner")).to_contain_text("Connecting…")
        await bob.says("typed while it restarts")
        await expect(bob.page.locator("#banner")).to_contain_text("1 message waits to be sent.")
        await bob.keeps("restart")
    finally:
        for name in away:
            await asyncio.to_thread(stack.start_process, name)
        await asyncio.to_thread(stack.wait_ready, *away)
    for somebody in (bob, alice):
        await somebody.page.evaluate("dispatchEvent(new Event('online'))")  # rather than wait for the next attempt
        await expect(somebody.page.locator("#banner")).to_be_hidden(timeout=45_000)
    await alice.sees("typed while it restarts")
    assert alice.errors == bob.errors == []
