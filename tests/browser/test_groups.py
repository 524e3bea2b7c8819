"""What people do with groups, in real browsers."""

from __future__ import annotations

import uuid

import pytest
from playwright.async_api import Browser, Locator, expect
from stack import Stack
from support.browsing import Somebody, isolated

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PHONE = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}
FITS = "document.documentElement.scrollWidth <= window.innerWidth"


async def test_a_group_is_begun_renamed_grows_is_administrated_and_left(browser: Browser, stack: Stack) -> None:
    tag = uuid.uuid4().hex[:8]
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {tag}", **PHONE)
    bob, carol, dave = [
        await Somebody.registers(browser, stack.web_url, f"{name} {tag}") for name in ("Bob", "Carol", "Dave")
    ]
    page = alice.page

    async def chooses(person: Somebody) -> None:
        await page.get_by_label("Name or @handle").fill(person.name)
        await page.locator("#found li").filter(has_text=person.name).first.click()

    async def manages(person: Somebody, does: str) -> None:
        await page.get_by_role("button", name=f"Manage {person.name}").click()
        await page.get_by_role("menuitem", name=does).click()

    def member(somebody: Somebody, person: Somebody) -> Locator:
        return somebody.page.get_by_label("Members").get_by_role("listitem").filter(has_text=person.name)

    await page.get_by_role("button", name="New conversation").click()
    await chooses(bob)
    await chooses(carol)
    await page.get_by_label("Group’s title").fill("Picnic")
    await alice.keeps("group_begun_phone")
    await alice.is_accessible()
    await page.get_by_role("button", name="Begin a group of 3").click()
    await page.get_by_role("button", name="Details").click()
    await page.get_by_label("Title").fill("Picnic by the lake")
    await page.get_by_role("button", name="Rename").click()
    await bob.opens("Picnic by the lake")
    await expect(bob.page.get_by_text(f"{isolated(alice.name)} renamed the group to")).to_be_visible()
    await bob.page.get_by_role("button", name="Details").click()
    await expect(bob.page.get_by_role("button", name="Add people")).to_have_count(0)

    await page.get_by_role("button", name="Add people").click()
    await chooses(dave)
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(member(bob, dave)).to_be_visible()
    await manages(bob, "Make admin")
    await expect(member(bob, bob)).to_contain_text("admin")
    await expect(bob.page.get_by_role("button", name="Add people")).to_be_visible()
    await expect(member(alice, bob)).to_contain_text("admin")
    await manages(bob, "Make member")
    await expect(bob.page.get_by_role("button", name="Add people")).to_have_count(0)
    await expect(member(bob, bob)).not_to_contain_text("admin")
    await expect(bob.page.get_by_text(f"{isolated(alice.name)} made you a member")).to_be_visible()
    await expect(member(alice, bob)).not_to_contain_text("admin")
    await manages(bob, "Make admin")
    await expect(bob.page.get_by_role("button", name="Add people")).to_be_visible()
    await alice.keeps("group_phone")
    await bob.keeps("group")
    await alice.is_accessible()
    await bob.is_accessible()
    assert await page.evaluate(FITS)

    await dave.opens("Picnic by the lake")
    await manages(dave, "Remove from group")
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(dave.page.get_by_text("You are not in this conversation any more.")).to_be_visible()
    await expect(member(bob, dave)).to_have_count(0)

    await manages(bob, "Make owner")
    await expect(member(bob, bob)).to_contain_text("owner")
    await page.get_by_role("button", name="Leave group").click()
    await page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    await expect(page.get_by_label("Your conversations").get_by_role("link")).to_have_count(0)
    await expect(member(bob, alice)).to_have_count(0)
    await expect(bob.page.get_by_text(f"{isolated(alice.name)} left")).to_be_visible()
    assert alice.errors == bob.errors == carol.errors == dave.errors == []
