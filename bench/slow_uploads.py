"""`python -m bench.slow_uploads ADDRESS LOGIN PASSWORD`: what other requests take while many phones send photos over
slow lines to a server that runs already, as `python -m campaign.serve` does, with the demonstration in it.

Each photo goes in one request: a slow body is the worst that a phone can do to a server. In pieces, as the script of
the page sends them, each request is short.
"""

import argparse
import re
import threading
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPResponse
from statistics import median, quantiles
from urllib.parse import urlencode, urlsplit

from .figures import Figure, table
from .pictures_bench import photo

GOAL = 2.0
BLOCK, EVERY = 10_000, 0.1  # bytes, seconds: 100 kB/s
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


def times(person: Person, path: str, until: threading.Event, least: int) -> list[float]:
    """How many seconds the page takes, again and again."""
    taken: list[float] = []
    while len(taken) < least or not until.is_set():
        began = time.perf_counter()
        answer = person.ask("GET", path)
        answer.read()
        assert answer.status == 200, answer.status
        taken.append(time.perf_counter() - began)
        time.sleep(0.03)
    return taken


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.slow_uploads", description=__doc__)
    for name in ("address", "login", "password"):
        parser.add_argument(name)
    parser.add_argument("--phones", type=int, default=24)
    parser.add_argument("--photos", type=int, default=3, help="of each phone, one after the other")
    asked = parser.parse_args(arguments)
    officer = Person(asked.address, asked.login, asked.password)
    tasks = re.findall(r'href="(/assignments/\d+)"', officer.page("/"))
    path, form = next((path, page) for path in tasks if 'id="report"' in (page := officer.page(path)))
    content, token = photo("JPEG", quality=88), officer.token(form)
    always, over = threading.Event(), threading.Event()
    always.set()
    times(officer, "/", always, 20)
    alone = times(officer, "/", always, 80)
    statuses: list[int] = []

    def phone(number: int) -> None:
        time.sleep(number * len(content) / BLOCK * EVERY / asked.phones)  # people do not start in the same second
        for turn in range(asked.photos):
            other = b"%d %d %d" % (number, turn, time.time_ns())  # behind the picture: other bytes, another file
            send_slowly(officer, f"{path}/upload", token, content + other, statuses)

    phones = [threading.Thread(target=phone, args=(number,)) for number in range(asked.phones)]
    for each in phones:
        each.start()

    def wait() -> None:
        for each in phones:
            each.join()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    beside = times(officer, "/", over, 50)
    alone += times(officer, "/", always, 80)
    assert statuses == [201] * asked.phones * asked.photos, statuses
    figures = []
    for what, of in (("the middle of all", median), ("19 of 20", lambda taken: quantiles(taken, n=20)[-1])):
        detail = f"{of(beside) * 1e3:.0f} ms beside {asked.phones} phones, {of(alone) * 1e3:.0f} ms alone; "
        detail += f"{len(statuses)} photos of {len(content) / 1e6:.1f} MB"
        figures.append(Figure("as served", f"other requests, {what}", of(beside) / of(alone), "x", GOAL, detail))
    print(table(figures))


if __name__ == "__main__":
    main()
