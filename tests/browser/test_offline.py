"""The page opens without a network, in real browsers."""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from stack import Stack, tools
from support.browsing import pair
from support.chat import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

KEPT = "navigator.serviceWorker.ready.then(() => undefined)"


async def test_the_page_opens_offline_with_the_last_state_and_sends_later(browser: Browser, stack: Stack) -> None:
    alice, bob = await pair(browser, stack)
    await alice.says("kept")
    await bob.opens(alice.name)
    await bob.sees("kept")
    await expect(alice.page.get_by_role("img", name="Read")).to_be_visible()
    await bob.page.evaluate(KEPT)
    await bob.context.set_offline(True)
    await bob.page.reload()
    await bob.sees("kept")
    await expect(bob.page.locator("#banner")).to_contain_text("You are offline.")
    await bob.says("written offline")
    await expect(bob.page.locator("#banner")).to_contain_text("1 message waits to be sent.")
    await bob.page.reload()
    await bob.sees("written offline")
    await expect(bob.page.locator("#banner")).to_contain_text("1 message waits to be sent.")
    await bob.is_accessible()
    await bob.keeps("opened_offline")
    await bob.context.set_offline(False)
    await alice.sees("written offline")
    await expect(bob.page.locator("#banner")).to_be_hidden()
    kept = await bob.page.evaluate("caches.keys().then((names) => names.length)")
    paths = await bob.page.evaluate(PATHS)
    assert kept == 1
    assert "/" in paths
    assert not [path for path in paths if path.startswith("/v1")]
    assert alice.errors == bob.errors == []


PATHS = """caches.keys()
    .then(([name]) => caches.open(name))
    .then((cache) => cache.keys())
    .then((all) => all.map(({ url }) => new URL(url).pathname))"""


async def test_a_new_release_replaces_the_one_that_is_kept(browser: Browser, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(tools.web_client(), site)
    page = await (await browser.new_context()).new_page()
    described = page.locator("meta[name=description]")
    with served(site) as url:
        await page.goto(url)
        await page.evaluate(KEPT)
        (before,) = await page.evaluate("caches.keys()")
        release(site, "newer")
        await page.reload()
        await expect(described).to_have_attribute("content", "newer")

        async def is_replaced() -> bool:
            kept: list[str] = await page.evaluate("caches.keys()")
            return len(kept) == 1 and kept[0] != before

        await eventually(is_replaced, "the new release is kept, and the old one dropped", 30)
    await page.reload()
    await expect(described).to_have_attribute("content", "newer")
    await expect(page.get_by_role("tab", name="Log in")).to_be_visible()


def release(site: Path, description: str) -> None:
    """Another build, as far as a browser sees."""
    html = (site / "index.html").read_text().replace("RealChat: conversations that arrive.", description)
    (site / "index.html").write_text(html)
    worker = (site / "sw.js").read_text()
    digest = hashlib.sha256(html.encode()).hexdigest()
    (site / "sw.js").write_text(
        re.sub('"version":"[0-9a-f]+","page":"[0-9a-f]+"', f'"version":"0","page":"{digest}"', worker)
    )


class Quiet(SimpleHTTPRequestHandler):
    """Static files, looked at anew each time as the gateway's."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
