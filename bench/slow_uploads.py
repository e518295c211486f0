"""`python -m bench.slow_uploads ADDRESS LOGIN PASSWORD`: what other requests take while many phones send photos over
slow lines to a server that runs already, as `python -m campaign.serve` does, with the demonstration in it.

Measured by turns, alone and beside the phones, and the ratios of the rounds are compared: a machine that others use as
well is slow in both alike. Each photo goes in one request: a slow body is the worst that a phone can do to a server. In
pieces, as the script of the page sends them, each request is short.
"""

import argparse
import itertools
import re
import threading
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection, HTTPResponse
from statistics import median, quantiles
from urllib.parse import urlencode, urlsplit

from .figures import Figure, table
from .pictures_bench import photo

GOAL = 2.0
BLOCK, EVERY = 10_000, 0.1  # bytes, seconds: 100 kB/s
ALONE = 8.0  # seconds, before and after the phones of each round
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Person:
    """Somebody who has signed in, with a connection of their own."""

    def __init__(self, address: str, login: str, password: str) -> None:
        self.place = urlsplit(address).netloc
        self.line = HTTPConnection(self.place, timeout=60)
        self.cookie = ""
        token = self.token(self.page("/sign-in"))
        fields = {"csrf_token": token, "login": login, "password": password}
        self.ask("POST", "/sign-in", urlencode(fields).encode(), FORM).read()

    def ask(
        self, method: str, path: str, body: bytes | None = None, more: dict[str, str] | None = None
    ) -> HTTPResponse:
        """One request; the cookie is kept."""
        self.line.request(method, path, body, {"Cookie": self.cookie, **(more or {})})
        answer = self.line.getresponse()
        if said := answer.getheader("Set-Cookie"):
            self.cookie = said.partition(";")[0]
        return answer

    def page(self, path: str) -> str:
        """The text of a page."""
        return self.ask("GET", path).read().decode()

    @staticmethod
    def token(page: str) -> str:
        """The token of a form on that page."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert found, "the page has no form"
        return found[1]


def send_slowly(person: Person, path: str, token: str, content: bytes, statuses: list[int]) -> None:
    """One photo at 100 kB/s, over a line of its own."""
    head = f'--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n--b\r\n'
    head += 'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    body = head.encode() + content + b"\r\n--b--\r\n"
    line = HTTPConnection(person.place, timeout=120)
    line.putrequest("POST", path)
    for name, value in (("Cookie", person.cookie), ("Content-Type", "multipart/form-data; boundary=b")):
        line.putheader(name, value)
    line.putheader("Content-Length", str(len(body)))
    line.endheaders()
    began = time.monotonic()
    for number, at in enumerate(range(0, len(body), BLOCK)):
        line.send(body[at : at + BLOCK])
        time.sleep(max(0.0, began + (number + 1) * EVERY - time.monotonic()))
    statuses.append(line.getresponse().status)
    line.close()


def times(person: Person, pages: Iterator[str], until: threading.Event, *, seconds: float = 0) -> list[float]:
    """How many seconds these pages take, again and again: for so long, or until the phones are done."""
    taken: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end if seconds else not until.is_set():
        path = next(pages)
        began = time.perf_counter()
        answer = person.ask("GET", path)
        answer.read()
        assert answer.status == 200, answer.status
        taken.append(time.perf_counter() - began)
        time.sleep(0.03)
    return taken


def forms(officer: Person) -> list[tuple[str, str]]:
    """The addresses of the officer's open reports and their tokens; photos are spread over them."""
    found = []
    for path in dict.fromkeys(re.findall(r'href="(/assignments/\d+)"', officer.page("/"))):
        page = officer.page(path)
        if 'id="report"' in page:
            found.append((path, officer.token(page)))
    assert found, "this person has no open report"
    return found


def round_of(officer: Person, content: bytes, phones: int, number: int) -> tuple[list[float], list[float], int]:
    """How long other pages take beside the phones, and alone just before and just after; how many photos arrived.

    What else the machine does weighs upon both alike.
    """
    reports = forms(officer)
    pages = itertools.cycle(("/", reports[0][0], "/messages"))
    over, statuses = threading.Event(), list[int]()
    alone = times(officer, pages, over, seconds=ALONE)

    def phone(which: int) -> None:
        time.sleep(which * len(content) / BLOCK * EVERY / phones)  # people do not start in the same second
        path, token = reports[which % len(reports)]
        other = b"%d %d %d" % (number, which, time.time_ns())  # behind the picture: other bytes, another file
        send_slowly(officer, f"{path}/upload", token, content + other, statuses)

    at_once = [threading.Thread(target=phone, args=(which,)) for which in range(phones)]
    for each in at_once:
        each.start()

    def wait() -> None:
        for each in at_once:
            each.join()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    beside = times(officer, pages, over)
    alone += times(officer, pages, over, seconds=ALONE)
    assert statuses == [201] * phones, statuses
    return beside, alone, len(statuses)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.slow_uploads", description=__doc__)
    for name in ("address", "login", "password"):
        parser.add_argument(name)
    parser.add_argument("--phones", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5, help="alone, beside the phones, alone")
    asked = parser.parse_args(arguments)
    officer, content = Person(asked.address, asked.login, asked.password), photo("JPEG", quality=88)
    times(officer, itertools.cycle(("/",)), threading.Event(), seconds=2)
    rounds = [round_of(officer, content, asked.phones, number) for number in range(asked.rounds)]
    figures = []
    for what, of in (("the middle of all", median), ("19 of 20", lambda taken: quantiles(taken, n=20)[-1])):
        ratios = sorted(of(beside) / of(alone) for beside, alone, _photos in rounds)
        both = [1e3 * median(of(each) for each in side) for side in zip(*(each[:2] for each in rounds), strict=True)]
        detail = f"{both[0]:.0f} ms beside {asked.phones} phones, {both[1]:.0f} ms alone; "
        detail += f"{ratios[0]:.1f} to {ratios[-1]:.1f} in {len(rounds)} rounds; "
        detail += f"{sum(photos for *_times, photos in rounds)} photos of {len(content) / 1e6:.1f} MB"
        figures.append(Figure("as served", f"other requests, {what}", median(ratios), "x", GOAL, detail))
    print(table(figures))


if __name__ == "__main__":
    main()
