"""Every page of the demonstration, for each role: whatever a link leads to answers, and is without fault.

First all links are followed without a browser, up to a number of each kind of page; then one page of each kind is
looked at in the browser, in both languages, as wide as a phone and as wide as a desk.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Request

from campaign.demo.load import PASSWORD
from campaign.rules.organisation import Line, Role
from tests.browser import Tree, faults_of
from tests.chromium import DESK, PHONE

from .clients import Answer, Client
from .people import Crowd, Someone, who_is
from .product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TOWNSHIP, COUNTY, CITY = "990101001000", "990101000000", "990100000000"
ROLES = {
    "officer": (Role.OFFICER, "990101001201", Line.WOMEN),
    "supervisor": (Role.SUPERVISOR, COUNTY, Line.UNION),
    "dispatcher": (Role.DISPATCHER, COUNTY, Line.PARTY),
    "administrator": (Role.ADMINISTRATOR, CITY, Line.PARTY),
    "auditor": (Role.AUDITOR, CITY, Line.PARTY),
}
OF_A_KIND = 2  # pages with the same pattern of address
MOST = 70  # pages of one person
ROLES_PER_KIND = 2  # who look at the same kind of page in the browser
LEAST, LEAST_KINDS = 5, 12  # pages that each role must have looked at, and kinds in all: else the links lead nowhere
HEAVIEST = 100 * 1024  # bytes on the wire, for the first page on a phone
MOST_REQUESTS = 5


@dataclass
class Found:
    """What a person can reach: pages by kind, in the order of their discovery."""

    pages: dict[str, list[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def kind_of(address: str) -> str:
    """The pattern of an address: numbers and the values of its query left out."""
    parts = urlsplit(address)
    names = sorted(each.partition("=")[0] for each in parts.query.split("&") if each)
    return re.sub(r"\d+", "N", parts.path) + ("?" + "&".join(names) if names else "")


def links_of(answer: Answer, address: str) -> list[str]:
    """Where the page leads, within the product; the language is changed elsewhere."""
    found = []
    for link in Tree(answer.text).root.all("a"):
        whole = urlsplit(urljoin(address, link.get("href")))
        if not whole.netloc and not whole.path.startswith("/language/"):
            found.append(whole.path + (f"?{whole.query}" if whole.query else ""))
    return found


def explore(client: Client) -> Found:
    """Follows every link, breadth first."""
    found, seen, waiting = Found(), {"/"}, ["/"]
    kinds: Counter[str] = Counter()
    while waiting and sum(kinds.values()) < MOST:
        address = waiting.pop(0)
        if kinds[kind_of(address)] >= OF_A_KIND:
            continue
        kinds[kind_of(address)] += 1
        answer = client.get(address)
        links = [answer.location] if answer.status == 303 else look_at(answer, address, found)
        waiting += [link for link in links if link not in seen]
        seen.update(links)
    return found


def look_at(answer: Answer, address: str, found: Found) -> list[str]:
    """Notes the page and its faults; the links on it."""
    if answer.status != 200:
        found.faults.append(f"{address} answers {answer.status}")
        return []
    if not answer.text.lstrip().startswith("<!doctype html>"):
        return []  # a file
    found.faults += [f"{address}: {fault}" for fault in faults_of(answer.text)]
    found.pages.setdefault(re.sub(r"\?.*", "", kind_of(address)), []).append(address)
    return links_of(answer, address)


@pytest.fixture
def logins(product: Product) -> dict[str, str]:
    """Who to sign in as, by role."""
    with product.within():
        return {name: who_is(*post) for name, post in ROLES.items()}


def looks(someone: Someone, address: str, faults: list[str]) -> None:
    """The page at both widths."""
    for shape in (PHONE, DESK):
        someone.page.set_viewport_size(shape["viewport"])
        try:
            someone.look()
        except AssertionError as error:
            faults.append(f"{shape['viewport']['width']} px, {address}: {error}")


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("roles", [("officer", "supervisor"), ("dispatcher", "administrator", "auditor")])
def test_every_page(
    product: Product, chromium: Browser, logins: dict[str, str], roles: tuple[str, ...], language: str
) -> None:
    product.start()
    faults: list[str] = []
    looked_at, kinds = Counter[str](), Counter[str]()
    for name in roles:
        login = logins[name]
        client = Client(product.port, cookies={"locale": language})
        client.sign_in(login, PASSWORD)
        found = explore(client)
        crowd = Crowd(chromium, product.address, "phone" if name == "officer" else "desk", language)
        someone = crowd.enters(login)
        for kind, addresses in found.pages.items():
            kinds[kind] += 1
            if kinds[kind] > ROLES_PER_KIND and name != "officer":
                continue
            answer = someone.page.goto(addresses[-1])
            assert answer is not None and answer.status == 200, addresses[-1]
            looks(someone, addresses[-1], found.faults)
            looked_at[name] += 1
        crowd.leave()
        faults += [f"{name}: {fault}" for fault in found.faults]
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults)
    assert min(looked_at.values()) >= LEAST and len(kinds) >= LEAST_KINDS, (looked_at, kinds)


def test_the_officers_first_page_is_light(product: Product, chromium: Browser, logins: dict[str, str]) -> None:
    product.start("web")
    crowd = Crowd(chromium, product.address, "phone", "zh_CN")
    crowd.enters(logins["officer"])
    signed_in = crowd.windows[0].page.context.storage_state()
    fresh = chromium.new_context(base_url=product.address, storage_state=signed_in, **PHONE)
    page, asked = fresh.new_page(), list[Request]()
    page.on("requestfinished", lambda request: asked.append(request))
    page.goto("/", wait_until="networkidle")
    real = [request for request in asked if not request.url.startswith("data:")]
    weights = {}
    for request in real:
        sizes = request.sizes()
        weights[request.url] = sizes["responseBodySize"] + sizes["responseHeadersSize"]
    fresh.close()
    crowd.leave()
    assert sum(weights.values()) <= HEAVIEST, weights
    assert len(real) <= MOST_REQUESTS, weights
