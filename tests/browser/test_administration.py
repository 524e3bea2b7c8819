"""What administrators of the instance do, in a real browser."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid

import pytest
from playwright.async_api import Browser, expect
from stack import Stack, paths
from support.browsing import PASSWORD, Somebody, pair

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


async def test_an_administrator_reads_a_report_suspends_its_sender_and_lets_them_in_again(
    browser: Browser, stack: Stack
) -> None:
    mallory, alice = await pair(browser, stack)
    await mallory.says("Buy now!")
    await alice.opens(mallory.name)
    await alice.sees("Buy now!")
    await alice.on_newest("More")
    await alice.page.get_by_role("menuitem", name="Report").click()
    await alice.page.get_by_label("What is wrong with it").fill("It is spam.")
    await alice.page.get_by_role("button", name="Report", exact=True).click()
    await expect(alice.page.get_by_text("The administrators are told.")).to_be_visible()

    root = await Somebody.registers(browser, stack.web_url, f"Root {uuid.uuid4().hex[:8]}")
    page = root.page
    await root.sets("Profile")
    await page.get_by_role("tab", name="Security").click()
    await expect(page.get_by_text(root.email)).to_be_visible()
    await expect(page.get_by_role("button", name="Administration")).to_have_count(0)
    command = [sys.executable, "-m", "stack.admin", root.email, "--name", stack.name]
    await asyncio.to_thread(subprocess.run, command, check=True, cwd=paths.ROOT / "dev")
    await page.reload()
    await root.sets("Profile")
    await page.get_by_role("button", name="Administration").click()
    report = page.get_by_role("article", name=f"Report about {mallory.name}")
    await expect(report).to_contain_text("Buy now!")
    await expect(report).to_contain_text("It is spam.")
    await root.is_accessible()
    await root.keeps("reports")
    await report.get_by_role("button", name="Suspend").click()
    await report.get_by_label("Why").fill("spam")
    await report.get_by_role("button", name="Suspend and resolve").click()
    await expect(report).to_contain_text("Suspended: spam")
    await expect(mallory.page.get_by_role("tab", name="Log in")).to_be_visible()
    await mallory.logs_in()
    await expect(mallory.page.get_by_text("This account is suspended.")).to_be_visible()

    await page.get_by_role("tab", name="People").click()
    await page.get_by_label("Email begins with").fill(mallory.email)
    await page.get_by_role("button", name=f"Manage {mallory.email}").click()
    await expect(page.get_by_role("listitem")).to_contain_text(["Suspended"])
    await root.is_accessible()
    await root.keeps("accounts")
    await page.get_by_role("button", name="Let in again").click()
    await expect(page.get_by_text("Suspended", exact=True)).to_have_count(0)
    await mallory.page.get_by_label("Password").fill(PASSWORD)
    await mallory.page.get_by_role("button", name="Log in").click()
    await expect(mallory.page.get_by_role("button", name="New conversation")).to_be_visible()

    await page.get_by_role("tab", name="Audit log").click()
    log = page.get_by_role("region", name="Audit log").get_by_role("listitem")
    await expect(log.filter(has_text=f"{root.name} let {mallory.name} in again")).to_be_visible()
    await expect(log.filter(has_text=f"{root.name} suspended {mallory.name}")).to_contain_text("spam")
    await root.keeps("audit")
    assert root.errors == alice.errors == mallory.errors == []
