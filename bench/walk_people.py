"""The people of the walk without a browser: they sign in, open pages, fill in the forms and send them.

And the tables of the walk's own installation, read by the plain driver: nothing of the product stands between.
"""

import http.client
import secrets
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg

from campaign.demo.load import PASSWORD

from .walk_database import DRIVER

PATIENCE = 120
TRIES, WAIT = 20, 3
SENDS = ("submit", "button", "reset", "image", "file")
Files = Mapping[str, tuple[str, bytes]]


class Row(tuple[Any, ...]):
    """A row of PostgreSQL: read by place, by name, or taken apart."""

    names: dict[str, int]

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names[key] if isinstance(key, str) else key)


def _by_name(cursor: Any) -> Any:
    """How the driver makes rows. Days are words, as SQLite keeps them."""
    names = {column.name: at for at, column in enumerate(cursor.description or ())}
    kind = type("Named", (Row,), {"names": names})
    return lambda values: kind(each.isoformat() if isinstance(each, date) else each for each in values)


class Tables:
    """Reads the tables of an SQLite file, or of the PostgreSQL at that address; rows can be asked by name."""

    def __init__(self, folder: Path, database: str = "") -> None:
        self.path = folder / "campaign.sqlite"
        self.database = database.replace(DRIVER, "postgresql://")

    def rows(self, query: str, *given: Any) -> list[Any]:
        """All rows, on a connection of its own: what was committed just now is seen."""
        if self.database:
            spoken = query.replace("%", "%%").replace("?", "%s").encode()
            with psycopg.connect(self.database, row_factory=_by_name, autocommit=True) as server:
                return list(server.execute(spoken, given).fetchall())
        link = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=PATIENCE)
        link.row_factory = sqlite3.Row
        try:
            return link.execute(query, given).fetchall()
        finally:
            link.close()

    def one(self, query: str, *given: Any) -> Any:
        """The first column of the first row; None where there is none."""
        found = self.rows(query, *given)
        return found[0][0] if found else None

    def holder(self, unit_id: int, role: int) -> str | None:
        """The login name of whoever holds that post today."""
        query = (
            "SELECT p.login FROM post s JOIN person p ON p.id = s.person_id WHERE s.unit_id = ? AND s.role = ?"
            " AND s.valid_to IS NULL AND s.disabled_at IS NULL AND p.disabled_at IS NULL ORDER BY s.id"
        )
        login = self.one(query, unit_id, role)
        return None if login is None else str(login)


@dataclass
class Form:
    """A form of a page as it would be sent."""

    action: str
    enctype: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)  # of radios: every value that may be chosen

    def names(self, start: str) -> list[str]:
        """The names of the fields that begin like this."""
        return list(dict.fromkeys(name for name, _value in self.fields if name.startswith(start)))


class Forms(HTMLParser):
    """The forms of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Form] = []
        self.now: Form | None = None
        self.area: list[str] | None = None
        self.select: tuple[str, dict[bool, list[str]]] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.now = Form(given.get("action", ""), given.get("enctype", ""))
            self.found.append(self.now)
        elif self.now is None or "disabled" in given:
            return
        elif tag == "input" and given.get("name") and given.get("type", "") not in SENDS:
            self._input(self.now, given)
        elif tag == "textarea":
            self.area = [given.get("name", "")]
        elif tag == "select":
            self.select = (given.get("name", ""), {True: [], False: []})
        elif tag == "option" and self.select is not None:
            self.select[1]["selected" in given].append(given.get("value", ""))

    def _input(self, form: Form, given: dict[str, str]) -> None:
        name, kind, value = given["name"], given.get("type", ""), given.get("value", "")
        if kind == "radio":
            form.choices.setdefault(name, []).append(value)
        if kind not in ("radio", "checkbox") or "checked" in given:
            form.fields.append((name, value))

    def handle_data(self, data: str) -> None:
        if self.area is not None:
            self.area.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.now = None
        elif tag == "textarea" and self.area is not None and self.now is not None:
            self.now.fields.append((self.area[0], "".join(self.area[1:]).removeprefix("\n")))
            self.area = None
        elif tag == "select" and self.select is not None and self.now is not None:
            chosen = (self.select[1][True] or self.select[1][False])[:1]
            self.now.fields += [(self.select[0], value) for value in chosen]
            self.select = None


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    location: str
    body: bytes

    @property
    def text(self) -> str:
        """The page."""
        return self.body.decode("utf-8", "replace")

    def form(self, end: str) -> Form:
        """The form that is sent to an address that ends like this."""
        for form in Forms(self.text).found:
            if urlsplit(form.action).path.endswith(end):
                return form
        raise LookupError(f"no form {end} in an answer of {self.status}")

    def has_form(self, end: str) -> bool:
        """Whether there is one."""
        return any(urlsplit(form.action).path.endswith(end) for form in Forms(self.text).found)


class Visitor:
    """Somebody at the product: one connection, one session, Chinese."""

    def __init__(self, address: str, login: str) -> None:
        parts = urlsplit(address)
        self.link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
        self.login, self.cookies, self.requests = login, dict[str, str](), 0
        self._sign_in()

    def _sign_in(self) -> None:
        form = self._ask("GET", "/sign-in", b"", {}).form("/sign-in")
        answer = self.send(form, {"login": self.login, "password": PASSWORD})
        if answer.status != 303 or _signed_out(answer):
            raise LookupError(f"{self.login} cannot sign in: {answer.status}")

    def get(self, path: str) -> Answer:
        """A page, or a file; whoever was signed out meanwhile signs in again."""
        answer = self._ask("GET", path, b"", {})
        if _signed_out(answer):
            self._sign_in()
            answer = self._ask("GET", path, b"", {})
        return answer

    def send(self, form: Form, given: Mapping[str, str | list[str]], files: Files | None = None) -> Answer:
        """The form with these fields in place of what stands there."""
        fields = [(name, value) for name, value in form.fields if name not in given]
        for name, value in given.items():
            fields += [(name, each) for each in ([value] if isinstance(value, str) else value)]
        if form.enctype != "multipart/form-data":
            kind, body = "application/x-www-form-urlencoded", urlencode(fields).encode()
        else:
            kind, body = _multipart(fields, files or {})
        for _try in range(TRIES):
            answer = self._ask("POST", form.action, body, {"Content-Type": kind})
            if answer.status != 503:
                break
            time.sleep(WAIT)  # too much to do just now: nothing was kept, and the same form may be sent again
        if _signed_out(answer):
            raise LookupError(f"{self.login} was signed out between a form and its answer: {form.action}")
        return answer

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = headers | {"Cookie": cookie, "Accept-Language": "zh-CN"}
        self.requests += 1
        try:
            self.link.request(method, path, body or None, sent)
            answer = self.link.getresponse()
        except (http.client.HTTPException, OSError):  # the server closed an idle connection; a GET may be repeated
            self.link.close()
            if method != "GET":
                raise
            self.link.request(method, path, body or None, sent)
            answer = self.link.getresponse()
        content = answer.read()
        for line in answer.headers.get_all("Set-Cookie") or ():
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return Answer(answer.status, answer.headers.get("Location", ""), content)


def _signed_out(answer: Answer) -> bool:
    """Whether the answer leads to the sign-in: a session ends after half an hour of quiet."""
    return answer.status in (302, 303) and "sign-in" in answer.location


def _multipart(fields: Iterable[tuple[str, str]], files: Files) -> tuple[str, bytes]:
    edge = secrets.token_hex(16)
    start = f"--{edge}\r\nContent-Disposition: form-data; name="
    parts = [f'{start}"{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields]
    for name, (filename, content) in files.items():
        head = f'{start}"{name}"; filename="{filename}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return f"multipart/form-data; boundary={edge}", b"".join(parts) + f"--{edge}--\r\n".encode()
