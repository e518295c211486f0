"""People at the product: each in a browser of their own, finding everything by what it says, as a person would.

Every page they meet is looked at: axe finds nothing, nothing is wider than the window, the browser reports no error.
"""

import re
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Locator, Page, Response
from sqlalchemy import select

from campaign.db import db
from campaign.demo.load import PASSWORD
from campaign.models import Area, Person, Post, Unit
from campaign.rules.organisation import Line, Role
from tests.chromium import DESK, PHONE, Desk

PATIENCE = 15_000  # milliseconds, for one element or one page
SHAPES = {"phone": PHONE, "desk": DESK}
LANGUAGES = {"zh_CN": "中文", "en": "English"}
SIGN_IN = {"zh_CN": ("用户名", "密码", "登录"), "en": ("Login name", "Password", "Sign in")}


def who_is(role: Role, area: str, line: Line) -> str:
    """The login name of the first person with that post in that area; needs the application's context."""
    return db.session.execute(
        select(Person.login)
        .join(Post, Post.person_id == Person.id)
        .join(Unit, Unit.id == Post.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .where(Post.role == role, Area.code == area, Unit.line == line)
        .order_by(Post.id)
        .limit(1)
    ).scalar_one()


@dataclass
class Crowd:
    """Opens a window for each person, all of one shape and in one language; closes them all at the end."""

    browser: Browser
    address: str
    shape: str = "desk"
    language: str = "zh_CN"
    windows: list["Someone"] = field(default_factory=list)

    def enters(self, login: str, password: str = PASSWORD) -> "Someone":
        """Somebody comes, chooses the language and signs in."""
        context = self.browser.new_context(
            base_url=self.address, locale="zh-CN", timezone_id="Asia/Shanghai", **SHAPES[self.shape]
        )
        context.set_default_timeout(PATIENCE)
        someone = Someone(Desk(context))
        self.windows.append(someone)
        someone.open("/sign-in")
        other = someone.page.get_by_role("button", name=re.compile(LANGUAGES[self.language]))
        if other.count():
            someone.press(other)
        name, secret, button = SIGN_IN[self.language]
        someone.page.get_by_label(name, exact=True).fill(login)
        someone.page.get_by_label(secret, exact=True).fill(password)
        someone.press(someone.button(button))
        assert "/sign-in" not in someone.page.url, someone.main()
        return someone

    def leave(self) -> None:
        """Closes every window; none of them may have told of an error."""
        said = [words for someone in self.windows for words in someone.desk.errors]
        for someone in self.windows:
            someone.page.context.close()
        assert not said, said


@dataclass
class Someone:
    """A person at a window."""

    desk: Desk

    @property
    def page(self) -> Page:
        """The page in the window."""
        return self.desk.page

    def open(self, path: str) -> Response | None:
        """Types an address."""
        answer = self.page.goto(path)
        self.look()
        return answer

    def press(self, what: Locator) -> None:
        """Presses what leads to another page, and looks at that page."""
        with self.page.expect_navigation(wait_until="load"):
            what.click()
        self.look()

    def enters(self, what: Locator) -> None:
        """The same by keyboard."""
        with self.page.expect_navigation(wait_until="load"):
            what.press("Enter")
        self.look()

    def look(self) -> None:
        """The page as it stands is without fault."""
        self.desk.fits()
        self.desk.axe()
        assert self.page.locator("h1").count() == 1, (
            f"{self.page.url}: {self.page.locator('h1').count()} first headings"
        )

    def link(self, words: str | re.Pattern[str], *, exact: bool = True) -> Locator:
        """The first link that says this."""
        return self.page.get_by_role("link", name=words, exact=exact).first

    def button(self, words: str | re.Pattern[str], *, exact: bool = True) -> Locator:
        """The button that says this."""
        return self.page.get_by_role("button", name=words, exact=exact)

    def field(self, words: str, *, exact: bool = True) -> Locator:
        """The field to type in that is called this."""
        return self.page.get_by_role("textbox", name=words, exact=exact)

    def goes_to(self, words: str) -> None:
        """Chooses a place in the main bar."""
        self.press(self.page.get_by_role("navigation").first.get_by_role("link", name=re.compile(f"^{words}")))

    def main(self) -> str:
        """The words of the page."""
        return self.page.locator("main").inner_text()

    def reads(self, *words: str) -> None:
        """All of this stands on the page."""
        text = self.page.locator("body").inner_text()
        missing = [each for each in words if each not in text]
        assert not missing, f"{self.page.url} does not say {missing}:\n{text}"
