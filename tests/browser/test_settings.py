"""What people settle for themselves, in real browsers."""

from __future__ import annotations

import time
import uuid

import httpx
import pyotp
import pytest
from playwright.async_api import Browser, expect
from stack import Stack
from support import mails
from support.browsing import PASSWORD, Somebody
from support.confidential import confide

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PHONE = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}
FITS = "document.documentElement.scrollWidth <= window.innerWidth"
LUMINANCE = """{
    const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number);
    Math.round(0.2126 * red + 0.7152 * green + 0.0722 * blue);
}"""
"""Of the page's ground, 0 to 255."""


async def test_two_factor_login_is_turned_on_used_and_turned_off(browser: Browser, stack: Stack) -> None:
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {uuid.uuid4().hex[:8]}", **PHONE)
    page = alice.page
    security = (await alice.sets("Security")).get_by_role("region", name="Two-factor login")
    await security.get_by_role("button", name="Turn on").click()
    await security.get_by_label("Password").fill("not this one")
    await security.get_by_role("button", name="Go on").click()
    await expect(security.get_by_text("The password is wrong.")).to_be_visible()
    await security.get_by_label("Password").fill(PASSWORD)
    await security.get_by_role("button", name="Go on").click()
    await expect(security.get_by_role("img", name="QR code")).to_be_visible()
    await alice.keeps("two_factor_phone")
    await alice.is_accessible()
    assert await page.evaluate(FITS)

    secret = await security.locator(".secret").inner_text()
    authenticator = pyotp.TOTP(secret.replace(" ", ""))
    used = int(time.time()) // 30
    await security.get_by_label("Code").fill(authenticator.generate_otp(used))
    await security.get_by_role("button", name="Confirm").click()
    codes = security.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    await expect(codes).to_have_count(10)
    first, second, *_ = await codes.all_inner_texts()
    await alice.is_accessible()
    async with page.expect_download() as downloading:
        await security.get_by_role("button", name="Download").click()
    saved = await downloading.value
    assert first in (await saved.path()).read_text()
    await security.get_by_role("button", name="I have kept them").click()
    await expect(security.get_by_text("10 recovery codes are left.")).to_be_visible()

    await page.get_by_role("button", name="Close").click()
    await page.get_by_role("button", name="Log out").click()
    await alice.logs_in()
    await page.get_by_label("Code").fill(authenticator.generate_otp(used))
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_text("was used already")).to_be_visible()
    await alice.keeps("login_code_phone")
    await alice.is_accessible()
    await page.get_by_label("Code").fill(authenticator.generate_otp(max(used + 1, int(time.time()) // 30)))
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("button", name="Log out").click()
    await alice.logs_in()
    await page.get_by_role("button", name="Use a recovery code instead").click()
    await page.get_by_label("Recovery code").fill(first.lower())
    await page.get_by_role("button", name="Log in").click()

    security = (await alice.sets("Security")).get_by_role("region", name="Two-factor login")
    await expect(security.get_by_text("9 recovery codes are left.")).to_be_visible()
    await security.get_by_role("button", name="Turn off").click()
    await security.get_by_label("Password").fill(PASSWORD)
    await security.get_by_label("Code").fill(second)
    await security.get_by_role("button", name="Turn off").click()
    await expect(security.get_by_role("button", name="Turn on")).to_be_visible()
    assert alice.errors == []


async def test_people_settle_who_may_write_to_them_and_name_their_devices(browser: Browser, stack: Stack) -> None:
    tag = uuid.uuid4().hex[:8]
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {tag}", **PHONE)
    bob = await Somebody.registers(browser, stack.web_url, f"Bob {tag}")
    page = alice.page
    privacy = await alice.sets("Privacy")
    nobody = privacy.get_by_role("group", name="Who may start a conversation").get_by_label("Nobody")
    await nobody.check()
    await privacy.get_by_role("button", name="Save").click()
    await expect(privacy.get_by_text("It is saved.")).to_be_visible()
    await alice.is_accessible()
    await alice.keeps("privacy_phone")
    assert await page.evaluate(FITS)
    await page.reload()
    await alice.sets("Privacy")
    await expect(nobody).to_be_checked()

    await bob.asks_for(alice.name)
    await expect(bob.page.get_by_text("This is not possible between you and them.")).to_be_visible()
    await bob.keeps("refused")
    await bob.is_accessible()
    await bob.page.get_by_role("button", name="Dismiss").click(timeout=5_000)
    await expect(bob.page.get_by_text("This is not possible between you and them.")).to_have_count(0)

    await page.get_by_role("tab", name="Devices").click()
    await page.get_by_role("button", name="Rename Chrome on Linux").click()
    await page.get_by_label("The device's name").fill("Kitchen")
    await alice.is_accessible()
    await alice.keeps("device_named_phone")
    await page.get_by_role("button", name="Rename", exact=True).click()
    await expect(page.get_by_role("tabpanel", name="Devices").get_by_role("listitem")).to_contain_text("Kitchen")
    await page.reload()
    await expect((await alice.sets("Devices")).get_by_role("listitem")).to_contain_text("Kitchen")
    assert alice.errors == bob.errors == []


async def test_people_turn_reminders_by_mail_off(browser: Browser, stack: Stack) -> None:
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {uuid.uuid4().hex[:8]}", **PHONE)
    wanted = alice.page.get_by_label("Mail me when messages wait for me")
    await alice.sets("Security")
    await expect(wanted).to_be_checked()
    await wanted.click()
    await expect(wanted).not_to_be_checked()
    await expect(wanted).to_be_enabled()
    await alice.is_accessible()
    await alice.keeps("reminders_phone")
    await alice.page.reload()
    await alice.sets("Security")
    await expect(wanted).not_to_be_checked()
    assert alice.errors == []


async def test_the_page_looks_as_it_is_told_to_also_after_a_reload(browser: Browser, stack: Stack) -> None:
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {uuid.uuid4().hex[:8]}", color_scheme="light")
    page = alice.page

    async def chooses(appearance: str) -> None:
        profile = await alice.sets("Profile")
        await profile.get_by_label(appearance).check()
        await page.get_by_role("button", name="Close").click()

    light = await page.evaluate(LUMINANCE)
    await chooses("Dark")
    dark = await page.evaluate(LUMINANCE)
    assert dark < 80 < 200 < light
    await alice.keeps("dark")
    await alice.is_accessible()
    await page.reload()
    await expect(page.get_by_role("button", name="Settings")).to_be_visible()
    assert await page.evaluate(LUMINANCE) == dark
    await page.emulate_media(color_scheme="dark")
    await chooses("Light")
    assert await page.evaluate(LUMINANCE) == light
    await page.reload()
    await expect(page.get_by_role("button", name="Settings")).to_be_visible()
    assert await page.evaluate(LUMINANCE) == light
    await chooses("As the system")
    assert await page.evaluate(LUMINANCE) == dark
    await page.emulate_media(color_scheme="light")
    assert await page.evaluate(LUMINANCE) == light
    assert alice.errors == []


async def test_an_account_has_another_email_when_the_link_of_the_mail_is_opened(browser: Browser, stack: Stack) -> None:
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {uuid.uuid4().hex[:8]}")
    page, before = alice.page, alice.email
    alice.email = f"{uuid.uuid4().hex}@example.org"
    email = (await alice.sets("Security")).get_by_role("region", name="Email")
    await email.get_by_role("button", name="Change email").click()
    await email.get_by_label("New email").fill(alice.email)
    await email.get_by_label("Password").fill("not this one")
    await email.get_by_role("button", name="Change", exact=True).click()
    await expect(email.get_by_text("The password is wrong.")).to_be_visible()
    await email.get_by_label("Password").fill(PASSWORD)
    await email.get_by_role("button", name="Change", exact=True).click()
    await expect(email.get_by_text(f"A mail went to {alice.email}.")).to_be_visible()
    await expect(email.get_by_text(before)).to_be_visible()

    mail = await alice.context.new_page()
    await mail.goto(await mails.link(stack, alice.email, "change"))
    await mail.get_by_role("button", name="Confirm my new address").click()
    await expect(mail.get_by_text("Your account has the new address.")).to_be_visible()
    await mail.get_by_role("link", name="To the conversations").click()
    confirmed = Somebody(alice.context, mail, alice.name, alice.email)
    email = (await confirmed.sets("Security")).get_by_role("region", name="Email")
    await expect(email.get_by_text(alice.email)).to_be_visible()
    await expect(email.get_by_text("Confirmed", exact=True)).to_be_visible()
    await mail.close()

    await page.get_by_role("button", name="Close").click()
    await page.get_by_role("button", name="Log out").click()
    await alice.logs_in()
    await expect(page.get_by_role("button", name="New conversation")).to_be_visible()
    assert alice.errors == confirmed.errors == []


async def test_who_has_forgotten_their_password_chooses_another_by_a_mail(browser: Browser, stack: Stack) -> None:
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {uuid.uuid4().hex[:8]}", **PHONE)
    page = alice.page
    await page.get_by_role("button", name="Log out").click()
    await page.get_by_label("Email").fill(alice.email)
    await page.get_by_role("button", name="Forgotten your password?").click()
    await expect(page.get_by_text(f"If {alice.email} has an account")).to_be_visible()
    await alice.keeps("password_forgotten_phone")
    assert await page.evaluate(FITS)
    await alice.is_accessible()

    link = await mails.link(stack, alice.email, "reset")
    await page.goto(link)
    assert "#" not in page.url
    await alice.keeps("password_reset_phone")
    await alice.is_accessible()
    confide(new := "staple at dawn")
    await page.get_by_label("New password").fill(new)
    await page.get_by_role("button", name="Set my password").click()
    await expect(page.get_by_text("You have another password.")).to_be_visible()
    await page.goto(link)
    await page.get_by_label("New password").fill("another one")
    await page.get_by_role("button", name="Set my password").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await alice.keeps("link_used_phone")
    await page.get_by_role("link", name="To the conversations").click()
    await alice.logs_in()
    await expect(page.get_by_text("The email or the password is wrong.")).to_be_visible()
    await page.get_by_label("Password").fill(new)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("button", name="New conversation")).to_be_visible()
    assert alice.errors == []


async def test_people_change_their_password_take_their_data_along_and_delete_their_account(
    browser: Browser, stack: Stack
) -> None:
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {uuid.uuid4().hex[:8]}")
    page = alice.page
    context = await browser.new_context()
    phone = Somebody(context, await context.new_page(), alice.name, alice.email)
    await phone.page.goto(stack.web_url)
    await phone.logs_in()
    await expect(phone.page.get_by_role("button", name="Settings")).to_be_visible()

    devices = await alice.sets("Devices")
    await expect(devices.get_by_role("listitem")).to_have_count(2)
    await alice.keeps("devices")
    await devices.get_by_role("button", name="Log out all others").click()
    await expect(devices.get_by_role("listitem")).to_have_count(1)
    await expect(phone.page.get_by_text("Your session has ended.")).to_be_visible()

    await page.get_by_role("tab", name="Security").click()
    await expect(page.get_by_text(alice.email)).to_be_visible()
    await page.get_by_role("button", name="Change password").click()
    await page.get_by_label("Current password").fill("not this one")
    await page.get_by_label("New password").fill("another correct horse")
    await page.get_by_role("button", name="Change", exact=True).click()
    await expect(page.get_by_text("The password is wrong.")).to_be_visible()
    await page.get_by_label("Current password").fill(PASSWORD)
    await page.get_by_role("button", name="Change", exact=True).click()
    await expect(page.get_by_text("It is changed")).to_be_visible()
    await alice.is_accessible()
    await alice.keeps("security")

    await page.get_by_role("tab", name="Your data").click()
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Download my data").click()
    saved = await downloading.value
    assert alice.email in (await saved.path()).read_text()
    await page.get_by_role("button", name="Delete account").click()
    await page.get_by_label("Password").fill("another correct horse")
    await alice.is_accessible()
    await alice.keeps("your_data")
    await page.get_by_role("button", name="Delete it for good").click()
    await expect(page.get_by_text("Your account is deleted.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("tab", name="Log in")).to_be_visible()
    assert alice.errors == phone.errors == []


async def test_a_bot_is_made_with_a_key_that_is_rotated_and_a_webhook(browser: Browser, stack: Stack) -> None:
    alice = await Somebody.registers(browser, stack.web_url, f"Alice {uuid.uuid4().hex[:8]}")
    bots = await alice.sets("Bots")
    await bots.get_by_role("button", name="New bot").click()
    await bots.get_by_label("The bot's name").fill("Weather")
    await bots.get_by_role("button", name="Make it").click()
    await bots.get_by_role("button", name="New key").click()
    await bots.get_by_label("What it is for").fill("production")
    await bots.get_by_role("group", name="people").get_by_label("read").check()
    await alice.is_accessible()
    await alice.keeps("bot_key")
    await bots.get_by_role("button", name="Make the key").click()
    first = await bots.get_by_role("group", name="The new key").locator("code").inner_text()
    await bots.get_by_role("button", name="I have kept it").click()
    await expect(bots.get_by_role("group", name="The new key")).to_have_count(0)
    assert await status(stack, first) == 200
    await bots.get_by_role("button", name="Rotate production").click()
    second = await bots.get_by_role("group", name="The new key").locator("code").inner_text()
    await bots.get_by_role("button", name="I have kept it").click()
    await expect(bots.get_by_role("button", name="Revoke production")).to_have_count(1)
    confide(first, second)
    assert (await status(stack, first), await status(stack, second)) == (401, 200)

    await bots.get_by_role("button", name="New webhook").click()
    await bots.get_by_label("Address").fill("https://user@bots.example/realchat")
    await bots.get_by_role("button", name="Add").click()
    await expect(bots.get_by_text("without user or fragment")).to_be_visible()
    await bots.get_by_label("Address").fill("https://bots.example/realchat")
    await bots.get_by_role("button", name="Add").click()
    await expect(bots.get_by_role("group", name="The webhook's secret")).to_be_visible()
    await alice.is_accessible()
    await alice.keeps("bot")
    await bots.get_by_role("button", name="I have kept it").click()
    await bots.get_by_role("button", name="Remove https://bots.example/realchat").click()
    await expect(bots.get_by_text("can be called for each event")).to_be_visible()
    await bots.get_by_role("button", name="Delete Weather").click()
    await alice.page.get_by_role("button", name="Delete", exact=True).click()
    await expect(bots.get_by_role("button", name="New bot")).to_be_visible()
    await expect(bots.get_by_role("button", name="Weather")).to_have_count(0)
    assert await status(stack, second) == 401
    assert alice.errors == []


async def status(stack: Stack, key: str) -> int:
    """What the API answers somebody with a key."""
    async with httpx.AsyncClient(base_url=stack.web_url, headers={"Authorization": f"Bearer {key}"}) as http:
        return (await http.get("/v1/bootstrap")).status_code
