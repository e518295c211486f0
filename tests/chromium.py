"""A real browser: Chromium over Playwright, and the application served to it on this machine."""

import shutil
import threading
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking")
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
DESK = {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, started once per process."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail("Chromium is missing; on Debian: apt-get install chromium fonts-noto-cjk", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def live(app: Flask) -> Iterator[str]:
    """The application on a port of its own; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


class Desk:
    """A window that fails the test when the page has an error of its own."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)

    def reads(self, language: str) -> None:
        """The language of this browser: `zh_CN` or `en`; whoever has chosen one themselves keeps theirs."""
        address = self.page.evaluate("location.origin")
        self.page.context.add_cookies([{"name": "locale", "value": language, "url": address}])

    def axe(self) -> None:
        """Fails when axe finds anything on the page as it stands."""
        found = Axe().run(self.page).response["violations"]
        said = [f"{each['id']}: {each['help']}: {[node['html'][:120] for node in each['nodes'][:3]]}" for each in found]
        assert not said, f"{self.page.url}\n" + "\n".join(said)

    def fits(self) -> None:
        """Fails when the page must be pushed sideways to be read."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{self.page.url} is {wide} px wider than the window"


@pytest.fixture(params=["phone", "desk"])
def window(request: pytest.FixtureRequest, chromium: Browser, live: str) -> Iterator[Desk]:
    """A window of phone and of desk width, at the address of the application."""
    shape = PHONE if request.param == "phone" else DESK
    context = chromium.new_context(base_url=live, locale="zh-CN", timezone_id="Asia/Shanghai", **shape)
    opened = Desk(context)
    yield opened
    context.close()
    assert not opened.errors, opened.errors
