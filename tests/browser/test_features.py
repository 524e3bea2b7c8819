"""What people do with messages besides writing them, in real browsers."""

from __future__ import annotations

import re
import uuid
from base64 import b64encode
from io import BytesIO

import pytest
from PIL import Image
from playwright.async_api import Browser, expect
from stack import Stack
from support.browsing import Somebody, pair, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


async def test_reactions_are_given_and_taken_back_and_who_types_is_seen(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    await alice.says("Tea?")
    await bob.opens(alice.name)
    await bob.sees("Tea?")
    await bob.on_newest("React")
    await bob.page.keyboard.press("ArrowRight")
    await bob.keeps("reactions")
    await bob.page.keyboard.press("Enter")
    seen = alice.page.get_by_role("button", name="Heart, 1")
    await expect(seen).to_have_attribute("aria-pressed", "false")
    await seen.click()
    both = bob.page.get_by_role("button", name="Heart, 2")
    await expect(both).to_have_attribute("aria-pressed", "true")
    await bob.is_accessible()
    await both.click()
    await expect(alice.page.get_by_role("button", name="Heart, 1")).to_have_attribute("aria-pressed", "true")

    await bob.page.get_by_label("Message", exact=True).press_sequentially("Yes, ")
    await expect(alice.page.get_by_role("status").get_by_text("typing…")).to_be_visible()
    await alice.keeps("typing")
    await bob.says("Yes, please")
    await alice.sees("Yes, please")
    await expect(alice.page.get_by_text("typing…")).to_have_count(0)
    assert alice.errors == bob.errors == []


async def test_messages_are_found_and_shown_where_they_were_said(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    await alice.says("Why is a raven like a writing-desk?")
    for number in range(40):
        await alice.says(f"line {number}")
    await bob.opens(alice.name)
    await bob.sees("line 39")
    hit = await bob.finds("raven writ")
    await expect(hit.locator("mark")).to_have_text(["raven", "writing"])
    await bob.keeps("search")
    await bob.is_accessible()
    await hit.click()
    await expect(bob.page.locator("#events").get_by_text("raven")).to_be_in_viewport()

    await bob.page.get_by_role("button", name="To the newest").click()
    await bob.page.get_by_role("button", name="Search in this conversation").click()
    await bob.page.get_by_label("Search messages").fill("raven")
    await bob.page.get_by_label("Search in this conversation").get_by_role("link").click()
    await expect(bob.page.locator("#events").get_by_text("raven")).to_be_in_viewport()
    await bob.keeps("search_here")
    assert bob.errors == []


def picture(width: int, height: int) -> bytes:
    """A PNG."""
    written = BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(written, "PNG")
    return written.getvalue()


PASTES = """([name, type, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([bytes], name, { type }));
    const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
    document.querySelector("textarea").dispatchEvent(event);
}"""
DROPS = """([type, name, text]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([text], name, { type: "text/plain" }));
    const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
    document.querySelector("#events").dispatchEvent(event);
}"""


WITHIN_BUBBLE = """(element) => {
    const [inner, outer] = [element, element.closest(".bubble")].map((each) => each.getBoundingClientRect());
    return outer.left <= inner.left && inner.right <= outer.right;
}"""


async def test_files_are_chosen_pasted_shown_and_saved(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    await alice.page.get_by_label("Files to send").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Why is a raven like a writing-desk?"}
    )
    png = b64encode(picture(640, 320)).decode()
    await alice.page.evaluate(PASTES, ["gradient.png", "image/png", png])
    staged = alice.page.get_by_label("Files to be sent")
    await expect(staged.locator(".ready")).to_have_count(2)
    await alice.keeps("uploads")
    await alice.says("look at this")
    await alice.says("and this comes after it")

    await bob.opens(alice.name)
    await bob.sees("and this comes after it")
    shown = bob.page.get_by_role("button", name="Show gradient.png")
    box = await shown.bounding_box()
    assert box is not None
    assert abs(box["width"] / box["height"] - 2) < 0.05, "its place is kept while it comes"
    await expect(shown.locator("img")).to_have_js_property("naturalWidth", 512)
    await bob.keeps("attachments")
    await bob.is_accessible()
    await bob.page.set_viewport_size({"width": 360, "height": 740})
    assert await shown.evaluate(WITHIN_BUBBLE)
    await bob.keeps("attachments_phone")
    await bob.page.set_viewport_size({"width": 1280, "height": 720})
    async with bob.page.expect_download() as downloading:
        await bob.page.get_by_role("button", name="Download notes.txt").click()
    saved = await downloading.value
    assert saved.suggested_filename == "notes.txt"
    assert (await saved.path()).read_bytes() == b"Why is a raven like a writing-desk?"
    await shown.click()
    await expect(bob.page.get_by_role("img", name="gradient.png")).to_have_js_property("naturalWidth", 640)
    await bob.keeps("picture")
    assert alice.errors == bob.errors == []


async def test_a_file_is_dropped_and_an_upload_that_failed_is_tried_again(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack, viewport={"width": 360, "height": 740}, color_scheme="dark")
    broken = "**/v1/conversations/*/attachments"
    refusal = {"code": "attachment_quarantined", "detail": "It is not what it pretends to be.", "temporary": False}
    await alice.page.route(broken, lambda route: route.fulfill(status=422, json=refusal))
    dropped = ["notes.txt", "Why is a raven like a writing-desk?"]
    await alice.page.evaluate(DROPS, ["dragover", *dropped])
    await expect(alice.page.locator(".conversation.over")).to_be_visible()
    await alice.page.evaluate(DROPS, ["drop", *dropped])
    staged = alice.page.get_by_label("Files to be sent")
    await expect(staged.get_by_text("This file is damaged")).to_be_visible()
    await alice.keeps("upload_failed_phone")
    await alice.is_accessible()
    assert await alice.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    await alice.page.unroute(broken)
    await alice.page.get_by_role("button", name="Try notes.txt again").click()
    await expect(staged.locator(".ready")).to_have_count(1)
    await alice.says("dropped")
    await bob.opens(alice.name)
    await bob.sees("dropped")
    await expect(bob.page.get_by_role("button", name="Download notes.txt")).to_be_visible()
    assert alice.errors == bob.errors == []


async def test_contacts_are_asked_and_accepted_and_somebody_is_blocked(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    await alice.says("Hello Bob")
    await alice.page.get_by_role("button", name="Details").click()
    await alice.page.get_by_role("button", name="Add to contacts").click()
    await expect(alice.page.get_by_role("button", name="Take back your request")).to_be_visible()

    await bob.page.reload()
    await bob.page.get_by_role("button", name="Contacts, 1 asks you").click()
    await bob.page.get_by_role("button", name=f"Accept {alice.name}").click()
    await expect(bob.page.get_by_role("region", name="Your contacts")).to_contain_text(alice.name)
    await bob.keeps("contacts")
    await bob.is_accessible()
    await bob.page.get_by_role("button", name=f"Write to {alice.name}").click()
    await expect(bob.page.get_by_role("heading", name=alice.name)).to_be_visible()

    await alice.page.get_by_role("button", name="Block", exact=True).click()
    await alice.page.get_by_role("dialog").get_by_role("button", name="Block", exact=True).click()
    await expect(alice.page.get_by_text("You have blocked")).to_be_visible()
    await alice.keeps("blocked")
    refused = bob.page.get_by_text("This is not possible between you and them.")
    await until(lambda: bob.says("Are you there?"), refused.first)
    await alice.page.get_by_role("button", name="Unblock").first.click()
    await expect(alice.page.get_by_text("You have blocked")).to_have_count(0)
    again = bob.page.get_by_role("button", name="Try again")

    async def tries_again() -> None:
        if await again.is_visible():
            await again.click()

    await until(tries_again, alice.message("Are you there?").last)
    await expect(again).to_have_count(0)
    assert alice.errors == bob.errors == []


async def test_a_poll_is_asked_answered_and_closed(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    await alice.page.get_by_role("button", name="New poll").click()
    await alice.page.get_by_label("Question").fill("Tea?")
    await alice.page.get_by_label("Option 1").fill("Yes")
    await alice.page.get_by_label("Option 2").fill("Half a cup")
    await alice.page.get_by_role("button", name="Send poll").click()
    await bob.opens(alice.name)
    await bob.page.get_by_role("radio", name="Half a cup").click()
    await expect(bob.page.get_by_role("radio", name="Half a cup")).to_be_checked()
    await expect(alice.page.get_by_text("1 has voted")).to_be_visible()
    await alice.page.get_by_role("radio", name="Yes").click()
    await expect(bob.page.get_by_text("2 have voted")).to_be_visible()
    await bob.keeps("poll")
    await bob.is_accessible()
    await expect(bob.page.get_by_role("button", name="Close poll")).to_have_count(0)
    await alice.page.get_by_role("button", name="Close poll").click()
    await expect(bob.page.get_by_role("radio", name="Yes")).to_be_disabled()
    await alice.keeps("poll_closed")
    assert alice.errors == bob.errors == []


async def test_an_answer_and_an_edit_that_were_begun_are_there_after_a_look_elsewhere(
    browser: Browser, stack: Stack
) -> None:
    alice, bob = await pair(browser, stack)
    carol = await Somebody.registers(browser, stack.web_url, f"Carol {uuid.uuid4().hex[:8]}")
    field = alice.page.get_by_label("Message", exact=True)
    await bob.opens(alice.name)
    await bob.says("Tea or coffee?")
    await alice.sees("Tea or coffee?")
    await alice.on_newest("Reply")
    await field.fill("Tea")
    await alice.begins_with(carol.name)
    await expect(alice.page.get_by_text("Reply to")).to_have_count(0)
    await alice.opens(bob.name)
    await expect(alice.page.get_by_text("Reply to")).to_be_visible()
    await field.press("Enter")
    await expect(bob.page.get_by_role("article").last.get_by_role("button", name="Tea or coffee?")).to_be_visible()
    # Only what is in the log can be edited.
    state = alice.page.get_by_role("article").last.get_by_role("img", name=re.compile("Delivered|Read"))
    await expect(state).to_be_visible()

    await field.press("ArrowUp")
    await field.press("End")
    await field.press_sequentially(", please")
    await alice.opens(carol.name)
    await expect(field).to_have_value("")
    await alice.opens(bob.name)
    await expect(field).to_have_value("Tea, please")
    await alice.page.reload()
    await alice.on_newest("More")
    await alice.page.get_by_role("menuitem", name="Edit").click()
    await expect(field).to_have_value("Tea, please")
    await field.press("Enter")
    await bob.sees("Tea, please")
    await expect(field).to_have_value("")
    assert alice.errors == bob.errors == []
