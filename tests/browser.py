"""The page client: a browser without pictures that inspects every page it meets.

`visitor.get("/")` gives a Page; `page.submit("Sign in", login=…)` fills a form as a person would, token included,
and follows to the next page. A page with two equal ids, a field without a label, a form without a token or a script
inside the page fails the test that met it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign.db import db
from campaign.models import Person

from .make import PASSWORD

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
UNLABELLED = ("hidden", "submit", "button", "image", "reset")
FIELDS = ("input", "select", "textarea")


class Client(FlaskClient):
    """Gives each request a context and a session of its own; afterwards the test's objects are read afresh."""

    def open(self, *args, **kwargs):
        """One request."""
        db.session.rollback()  # a reading transaction of the test would show it the past
        with self.application.app_context():
            response = super().open(*args, **kwargs)
        db.session.expire_all()
        return response


class Element:
    """One element of a page."""

    def __init__(self, tag: str, attrs: dict[str, str], parent: Element | None) -> None:
        self.tag, self.attrs, self.parent = tag, attrs, parent
        self.children: list[Element | str] = []

    def get(self, name: str, default: str = "") -> str:
        """The attribute's value."""
        return self.attrs.get(name, default)

    def all(self, *tags: str) -> Iterator[Element]:
        """Every element below with one of these tags; every element when none is named."""
        for child in self.children:
            if isinstance(child, Element):
                if not tags or child.tag in tags:
                    yield child
                yield from child.all(*tags)

    @property
    def text(self) -> str:
        """The words inside, spaces made single; between elements there is one, unless they only keep words together."""
        words = (child if isinstance(child, str) else child.words for child in self.children if _shown(child))
        return " ".join("".join(words).split())

    @property
    def words(self) -> str:
        """The same as it stands within the text around it."""
        return self.text if "nowrap" in self.get("class").split() else f" {self.text} "

    def inside(self, tag: str) -> bool:
        """Whether it stands inside such an element."""
        return self.parent is not None and (self.parent.tag == tag or self.parent.inside(tag))


def _shown(child: Element | str) -> bool:
    return isinstance(child, str) or child.tag not in ("script", "style", "template")


class Tree(HTMLParser):
    """Builds the elements of a page; complains of what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.now = Element("", {}, None)
        self.faults: list[str] = []
        self.feed(text)
        self.close()
        if self.now is not self.root:
            self.faults.append(f"<{self.now.tag}> is never closed")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.now)
        self.now.children.append(element)
        if tag not in VOID:
            self.now = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.now.children.append(Element(tag, {name: value or "" for name, value in attrs}, self.now))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if self.now.tag != tag:
            self.faults.append(f"</{tag}> closes <{self.now.tag}> (line {self.getpos()[0]})")
            return
        self.now = self.now.parent or self.root

    def handle_data(self, data: str) -> None:
        self.now.children.append(data)


def faults_of(text: str) -> list[str]:
    """What is wrong with a page, in words; empty when nothing is."""
    tree = Tree(text)
    faults = list(tree.faults)
    everything = list(tree.root.all())
    html = next(tree.root.all("html"), None)
    if html is None or not html.get("lang"):
        faults.append("the page does not say its language")
    titles = [element.text for element in tree.root.all("title") if not element.inside("svg")]
    if len(titles) != 1 or not titles[0].strip(" ·"):
        faults.append(f"titles: {titles}")
    if len(list(tree.root.all("h1"))) != 1:
        faults.append(f"{len(list(tree.root.all('h1')))} first headings")
    ids = Counter(element.get("id") for element in everything if "id" in element.attrs)
    faults += [f"id {name!r} stands {n} times" for name, n in ids.items() if n > 1 or not name]
    for element in everything:
        faults += _faults_of_element(element, set(ids))
    faults += _faults_of_summaries(everything)
    labelled = {label.get("for") for label in tree.root.all("label")}
    for element in tree.root.all(*FIELDS):
        if not _has_label(element, labelled):
            faults.append(f"field {element.get('name')!r} has no label")
    for form in tree.root.all("form"):
        names = [element.get("name") for element in form.all("input")]
        if form.get("method").lower() == "post" and "csrf_token" not in names:
            faults.append(f"form {form.get('action')!r} carries no token")
    if re.search(r"\{\{|\{%|%\([a-z_]+\)[sd]", tree.root.text):
        faults.append("the page shows a template's own signs")
    return faults


def _faults_of_summaries(everything: list[Element]) -> list[str]:
    """In the lists of what is wrong with a form: entries without their field, or in another order than the fields."""
    places = {element.get("id"): place for place, element in enumerate(everything)}
    faults = []
    for summary in (element for element in everything if element.get("id") == "problems"):
        fields = [link.get("href")[1:] for link in summary.all("a") if link.get("href").startswith("#")]
        faults += [f"the summary names {field!r}, which is not there" for field in fields if field not in places]
        found = [places[field] for field in fields if field in places]
        if found != sorted(found):
            faults.append(f"the summary is not in the order of the fields: {fields}")
    return faults


def _faults_of_element(element: Element, ids: set[str]) -> list[str]:
    faults = [f"{name} in <{element.tag}>" for name in element.attrs if name == "style" or name.startswith("on")]
    for name in ("for", "aria-describedby", "aria-labelledby", "aria-controls", "list"):
        missing = [each for each in element.get(name).split() if each not in ids]
        faults += [f"{name} of <{element.tag}> names {each!r}, which is not there" for each in missing]
    if element.tag in ("script", "style") and not element.get("src"):
        faults.append(f"<{element.tag}> inside the page")
    if element.tag == "img" and "alt" not in element.attrs:
        faults.append(f"picture {element.get('src')!r} has no words")
    if element.tag in ("button", "a") and not (element.text or element.get("aria-label") or list(element.all("img"))):
        faults.append(f"<{element.tag}> {element.get('href')!r} says nothing")
    if element.tag == "a" and element.get("href", "-") in ("", "#", "javascript:"):
        faults.append(f"link {element.text!r} leads nowhere")
    return faults


def _has_label(field: Element, labelled: set[str]) -> bool:
    if field.tag == "input" and field.get("type").lower() in UNLABELLED:
        return True
    named = field.get("aria-label") or field.get("aria-labelledby") or field.inside("label")
    return bool(named) or (bool(field.get("id")) and field.get("id") in labelled)


class Page:
    """A page that was inspected."""

    def __init__(self, visitor: Visitor, response: TestResponse, path: str) -> None:
        self.visitor, self.response, self.path = visitor, response, path
        self.status = response.status_code
        self.html = response.get_data(as_text=True) if response.mimetype == "text/html" else ""
        if self.html:
            faults = faults_of(self.html)
            assert not faults, f"{path} ({self.status}): " + "; ".join(faults)
        self.root = Tree(self.html).root

    @property
    def text(self) -> str:
        """All words of the page."""
        return self.root.text

    @property
    def main(self) -> str:
        """The words of its main part, without the frame."""
        return next((element.text for element in self.root.all("main")), "")

    def has(self, *words: str) -> bool:
        """Whether all these words stand on the page."""
        return all(word in self.text for word in words)

    @property
    def links(self) -> dict[str, str]:
        """Each link: its words and where it leads."""
        return {element.text: element.get("href") for element in self.root.all("a")}

    def click(self, words: str) -> Page:
        """Follows the first link with these words."""
        found = [where for text, where in self.links.items() if words in text]
        assert found, f"no link {words!r} on {self.path}; there are {sorted(self.links)}"
        return self.visitor.get(urljoin(self.path, found[0]))

    def form(self, words: str) -> Element:
        """The form whose button or address has these words."""
        for form in self.root.all("form"):
            buttons = [
                each.text or each.get("value") for each in form.all("button", "input") if each.get("type") != "hidden"
            ]
            if words in form.get("action") or any(words in button for button in buttons):
                return form
        raise AssertionError(f"no form {words!r} on {self.path}; it says: {self.main[:400]}")

    def submit(self, words: str, /, status: int = 200, **given) -> Page:
        """Fills the form and presses the button. Lists send a field several times; (stream, name) sends a file."""
        form = self.form(words)
        values = dict(_typed(form))
        unknown = {name for name in given if name not in _names(form)}
        assert not unknown, f"the form {words!r} on {self.path} has no field {sorted(unknown)}: {sorted(_names(form))}"
        for button in form.all("button"):
            if words in button.text and button.get("name"):
                values[button.get("name")] = button.get("value")
                form = _with_action(form, button.get("formaction"))
        values |= given
        path = urljoin(self.path, form.get("action") or self.path)
        if form.get("method").lower() != "post":
            return self.visitor.get(path, status=status, query_string=values)
        return self.visitor.post(path, values, status=status, multipart="multipart" in form.get("enctype"))


def _with_action(form: Element, action: str) -> Element:
    """The same form, sent where the button wants it."""
    if action:
        form.attrs["action"] = action
    return form


def _names(form: Element) -> set[str]:
    return {field.get("name") for field in form.all(*FIELDS)}


def _typed(form: Element) -> Iterator[tuple[str, str | list[str]]]:
    """What the form would send as it stands."""
    ticked: dict[str, list[str]] = {}
    for field in form.all(*FIELDS):
        name, kind = field.get("name"), field.get("type").lower()
        if not name or kind in ("submit", "button", "file") or "disabled" in field.attrs:
            continue
        if kind in ("checkbox", "radio"):
            if "checked" in field.attrs:
                ticked.setdefault(name, []).append(field.get("value", "on"))
        elif field.tag == "select":
            options = list(field.all("option"))
            chosen = [option for option in options if "selected" in option.attrs] or options[:1]
            yield name, [option.get("value", option.text) for option in chosen]
        elif field.tag == "textarea":
            yield name, "".join(child for child in field.children if isinstance(child, str)).removeprefix("\n")
        else:
            yield name, field.get("value")
    yield from ticked.items()


class Visitor:
    """Somebody at a browser."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, status: int = 200, **kwargs) -> Page:
        """Opens a page, following where it leads."""
        return self._follow(self.client.get(path, **kwargs), path, status)

    def post(self, path: str, data: dict, status: int = 200, multipart: bool = False) -> Page:
        """Sends a form as it is; the way back must be a 303."""
        kind = "multipart/form-data" if multipart else "application/x-www-form-urlencoded"
        response = self.client.post(path, data=data, content_type=kind)
        assert response.status_code not in (301, 302, 307, 308), f"{path}: after a form the redirect is a 303"
        return self._follow(response, path, status)

    def _follow(self, response: TestResponse, path: str, status: int) -> Page:
        for _ in range(5):
            if response.status_code not in (301, 302, 303):
                break
            path = urljoin(path, response.location)
            assert not urlsplit(path).netloc or urlsplit(path).hostname == "localhost", f"led away to {path}"
            response = self.client.get(path)
        page = Page(self, response, path)
        assert page.status == status, f"{path} answered {page.status}, not {status}: {page.main[:500]}"
        return page

    def sign_in(self, person: Person, password: str = PASSWORD) -> Page:
        """Signs in through the page; gives the page that follows."""
        return self.get("/sign-in").submit("/sign-in", login=person.login, password=password)

    def sign_out(self) -> Page:
        """Signs out, by forgetting the cookie."""
        self.client.delete_cookie("session")
        return self.get("/sign-in")


@pytest.fixture(scope="session")
def client_class() -> type[FlaskClient]:
    """The class of every test client."""
    return Client


@pytest.fixture
def visitor(client: FlaskClient) -> Visitor:
    """Somebody at a browser, not signed in."""
    return Visitor(client)
