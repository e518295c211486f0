"""The browser part of the walk: plans are loaded, issued and dispatched, and every total is split, page by page.

Five ways of splitting take turns: each page is filled by the one that was used least so far and has something to go by
there. What is filled in by hand or pasted is off on purpose now and then: something held back, something not given out,
something more than there is.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from playwright.sync_api import Browser, BrowserContext, FilePayload, Locator, Page

from campaign.demo.load import PASSWORD

WAYS = ("even", "register", "last", "hand", "paste")
PATIENCE = 60_000
HELD, OVER, SHORT = Decimal("0.05"), Decimal("1.1"), Decimal("0.9")


@dataclass
class Desk:
    """One browser; a window for each person, kept as long as the walk lasts."""

    browser: Browser
    address: str
    chance: Random
    windows: dict[str, BrowserContext] = field(default_factory=dict)
    ways: Counter[str] = field(default_factory=Counter)
    pages: int = 0

    def window(self, login: str) -> Page:
        """The window of that person, signed in, in Chinese."""
        if login not in self.windows:
            context = self.browser.new_context(base_url=self.address, locale="zh-CN", timezone_id="Asia/Shanghai")
            context.set_default_timeout(PATIENCE)
            self.windows[login] = context
            page = context.new_page()
            page.goto("/sign-in")
            page.locator("input[name=login]").fill(login)
            page.locator("input[name=password]").fill(PASSWORD)
            self.press(page, page.locator("main button[type=submit]"))
        return self.windows[login].pages[0]

    def open(self, page: Page, path: str) -> None:
        """Types an address; a page that is refused ends the walk."""
        self.pages += 1
        answer = page.goto(path, wait_until="domcontentloaded")
        if answer is None or answer.status >= 400:
            raise LookupError(f"{path}: {answer and answer.status}: {page.locator('main').inner_text()[:400]}")

    def press(self, page: Page, what: Locator) -> None:
        """Presses what leads to another page."""
        self.pages += 1
        with page.expect_navigation(wait_until="domcontentloaded"):
            what.click()

    def load(self, login: str, name: str, text: str) -> int:
        """Loads a plan file as a draft and issues it; the id of the campaign."""
        page = self.window(login)
        self.open(page, "/campaigns/load")
        file = FilePayload(name=f"{name}.yaml", mimeType="application/yaml", buffer=text.encode())
        page.locator("input[type=file]").set_input_files([file])
        self.press(page, page.locator("main form button"))
        found = re.search(r"/campaigns/(\d+)", page.url)
        if found is None:
            raise LookupError(page.locator("main").inner_text()[:600])
        id = int(found.group(1))
        self.press(page, page.locator(f"form[action$='/campaigns/{id}/issue'] button").first)
        return id

    def dispatch(self, login: str, campaign: int, task: int) -> None:
        """Looks at the preview of a task and dispatches it."""
        page = self.window(login)
        self.open(page, f"/campaigns/{campaign}/preview?task={task}")
        self.press(page, page.locator(f"form[action$='/campaigns/{campaign}/dispatch'] button").first)

    def split(self, login: str, path: str, register: str = "") -> str:
        """Splits what that page is about in the next of the five ways; which it was. '': nothing had to be split as a
        figure, everything went down unchanged."""
        page = self.window(login)
        self.open(page, path)
        figures = page.locator(".split-part[data-part]").count()
        way = self._fill(page, register) if figures else ""
        for _again in range(2):
            self.press(page, page.locator("main button.btn[value=check]"))
            confirm = page.locator("main button[value=confirm]")
            if confirm.count():
                self.press(page, confirm)
                break
            self._mend(page)
        else:
            raise LookupError(f"{path} by {way}: {page.locator('main').inner_text()[:600]}")
        if path.partition("?")[0] == page.url.removeprefix(self.address).partition("?")[0]:
            raise LookupError(f"{path} by {way} was not kept: {page.locator('main').inner_text()[:600]}")
        self.ways[way or "unchanged"] += 1
        return way

    def _fill(self, page: Page, register: str) -> str:
        """Fills the figures in by the way that was used least so far and that has something to go by here."""
        for way in sorted(WAYS, key=lambda each: (self.ways[each], WAYS.index(each))):
            if self._fill_by(way, page, register):
                return way
        raise LookupError(f"{page.url}: no way fills it in")

    def _fill_by(self, way: str, page: Page, register: str) -> bool:
        if way == "hand":
            self._type(page)
        elif way == "paste":
            self._paste(page)
        elif way == "register":
            if not page.locator(f"#register option:has-text('{register}')").count():
                return False
            page.locator("#register").select_option(label=register)
            self.press(page, page.locator("main button[value=fill-register]"))
        else:
            self.press(page, page.locator(f"main button[value=fill-{way}]"))
        return way in ("hand", "paste") or self._filled(page)

    def _filled(self, page: Page) -> bool:
        """Whether every figure with a total stands for some unit."""
        script = """() => [...document.querySelectorAll('.split-part[data-part]')].every(part => !part.dataset.total
            || [...document.querySelectorAll(`input[data-m="${part.dataset.part}"]`)].some(each => each.value))"""
        return bool(page.evaluate(script))

    def _mend(self, page: Page) -> None:
        """A unit that takes part without any figure gets a nought."""
        for place in page.locator("tr[data-row]").all():
            values = place.locator("input[data-m]:not([readonly])")
            if values.count() and not any(values.nth(at).input_value() for at in range(values.count())):
                values.first.fill("0")

    def _parts(self, page: Page) -> dict[str, list[str]]:
        """By metric, what to give each unit of the page: uneven, and now and then not what the total is."""
        units = page.locator("tr[data-row]").count()
        found = {}
        for part in page.locator(".split-part[data-part]").all():
            total = Decimal(part.get_attribute("data-total") or "0")
            much = self.chance.choice((Decimal(1), Decimal(1), Decimal(1), SHORT, OVER))
            step = Decimal("0.01") if "元" in (part.get_attribute("data-unit") or "") else Decimal(1)
            left, given = (total * much // step) * step, []
            for at in range(units, 0, -1):
                most = left / at * Decimal(self.chance.randint(60, 140)) / 100
                value = left if at == 1 else min(left, most // step * step)
                left -= value
                given.append(f"{value:f}")
            found[part.get_attribute("data-part") or ""] = given
        return found

    def _type(self, page: Page) -> None:
        for metric, values in self._parts(page).items():
            fields = page.locator(f"input[data-m='{metric}']")
            for at, value in enumerate(values):
                fields.nth(at).fill(value)
            total = Decimal(page.locator(f".split-part[data-part='{metric}']").get_attribute("data-total") or "0")
            if self.chance.random() < 0.2 and total > 40:
                page.locator(f"#r-{metric}").fill(str(int(total * HELD)))

    def _paste(self, page: Page) -> None:
        names = page.locator("tr[data-row] label.split-unit > span").all()
        units = [(each.inner_text().splitlines() or [""])[0].strip() for each in names]
        rows = zip(units, *self._parts(page).values(), strict=True)
        page.locator("details.more:has(#pasted) > summary").click()
        page.locator("#pasted").fill("\n".join("\t".join(row) for row in rows))
        self.press(page, page.locator("main button[value=paste]"))
