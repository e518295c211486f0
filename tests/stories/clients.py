"""People without a browser: each request on a connection of its own, each act repeated until it is answered.

An act is one body under one client action id. A connection that breaks, a server that is away or busy: the very same
bytes again. What comes back is an answer, and an answer of 303 means: kept and logged.
"""

import http.client
import secrets
import time
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from tests.browser import Element, Tree

PATIENCE = 90  # seconds in which a server that is killed again and again must answer once
FORM = "application/x-www-form-urlencoded"
Files = dict[str, tuple[str, bytes]]


@dataclass(frozen=True)
class Answer:
    """What came back: status, where to go next, the page."""

    status: int
    location: str
    text: str

    def form(self, action: str) -> dict[str, str]:
        """The hidden fields of the form that is sent to an address ending like this."""
        for form in Tree(self.text).root.all("form"):
            if urlsplit(form.get("action")).path.endswith(action):
                return {one.get("name"): one.get("value") for one in form.all("input") if one.get("type") == "hidden"}
        raise AssertionError(f"no form {action} ({self.status}): {Tree(self.text).root.text[:400]}")

    def links(self, start: str) -> list[str]:
        """The addresses of the page's links that begin like this, each once."""
        found = (link.get("href") for link in Tree(self.text).root.all("a") if isinstance(link, Element))
        return list(dict.fromkeys(urlsplit(href).path for href in found if href.startswith(start)))


@dataclass
class Client:
    """One person: where the product is, the session cookie, and what happened to the requests.

    `twice`: every act is sent once more although it was answered; the answer must be the same. `acting`: an act is
    under way just now.
    """

    port: int
    twice: bool = False
    acting: bool = False
    cookies: dict[str, str] = field(default_factory=dict)
    unanswered: int = 0
    repeated: int = 0
    acts: list[tuple[str, int]] = field(default_factory=list)

    def get(self, path: str) -> Answer:
        """A page, asked for until it comes."""
        return self._until_answered("GET", path, b"", {})

    def act(self, path: str, fields: dict[str, str], files: Files | None = None) -> Answer:
        """Sends a form until it is answered; notes the act when it was kept."""
        kind, body = (FORM, urlencode(fields).encode()) if files is None else multipart(fields, files)
        answer = self._until_answered("POST", path, body, {"Content-Type": kind})
        if self.twice:
            again = self._until_answered("POST", path, body, {"Content-Type": kind})
            said = Tree(again.text).root.text[:600]
            assert again == answer, f"{path} answered {answer.status}, then {again.status}: {said}"
        assert answer.status == 303, f"{path} answered {answer.status}: {Tree(answer.text).root.text[:600]}"
        if (parts := path.strip("/").split("/"))[-2].isdigit():
            self.acts.append((parts[-1], int(parts[-2])))
        return answer

    def sign_in(self, login: str, password: str) -> None:
        """Comes in."""
        fields = self.get("/sign-in").form("/sign-in") | {"login": login, "password": password}
        answer = self._until_answered("POST", "/sign-in", urlencode(fields).encode(), {"Content-Type": FORM})
        assert answer.status == 303, answer.text

    def _until_answered(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        end, tries = time.monotonic() + PATIENCE, 0
        while time.monotonic() < end:
            tries += 1
            try:
                self.acting = method == "POST"
                answer = self._once(method, path, body, headers)
            except (OSError, http.client.HTTPException):
                self.unanswered += 1
            else:
                if answer.status < 500:
                    self.repeated += method == "POST" and tries > 1
                    return answer
            finally:
                self.acting = False
            time.sleep(0.2)
        raise AssertionError(f"{method} {path}: no answer in {PATIENCE} s")

    def _once(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            link.request(method, path, body or None, headers | {"Cookie": cookie})
            answer = link.getresponse()
            text = answer.read().decode("utf-8", "replace")
            for line in answer.headers.get_all("Set-Cookie") or ():
                self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
            return Answer(answer.status, answer.headers.get("Location", ""), text)
        finally:
            link.close()


def multipart(fields: dict[str, str], files: Files) -> tuple[str, bytes]:
    """The type and the bytes of a form with files."""
    edge = secrets.token_hex(16)
    start = f"--{edge}\r\nContent-Disposition: form-data; name="
    parts = [f'{start}"{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    for name, (filename, content) in files.items():
        head = f'{start}"{name}"; filename="{filename}"\r\n'
        parts.append(f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + content + b"\r\n")
    return f"multipart/form-data; boundary={edge}", b"".join(parts) + f"--{edge}--\r\n".encode()
