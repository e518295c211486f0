"""One POST to another server, with an end: so many seconds in all, a bounded answer, no redirect, no proxy.

The environment's proxies are ignored: a channel goes where its setting says. Nothing that is raised here holds the
address, because the address of a robot is its password.
"""

import io
import json
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, cast
from urllib.parse import SplitResult, parse_qsl, urlsplit

from ...config import Settings
from ..letters import Letter, Permanent, Temporary

LONGEST = 10.0  # seconds from the first byte to the last, connecting included
MOST = 65_536  # bytes of an answer that are read
FEW_WORDS = 200
TO_BE_TRIED_AGAIN = (408, 425, 429)
LONGEST_WAIT = timedelta(days=1)
SHORTEST_SECRET = 6  # of what stands in an address; shorter parts are words, not keys


@dataclass(frozen=True)
class Answer:
    """What the other side said. `body`: its first bytes, or none where only the status counts."""

    status: int
    retry_after: str
    body: bytes

    @property
    def fine(self) -> bool:
        """The status says that it was taken; the body may know better."""
        return 200 <= self.status < 300

    def told(self) -> dict[str, Any]:
        """The JSON object in the body; empty when it is anything else."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


class Timed(io.RawIOBase):
    """A line that is read until a moment of `time.monotonic()` and no longer, however little comes at a time."""

    def __init__(self, line: socket.socket, ends: float) -> None:
        self.line, self.ends = line, ends

    def readable(self) -> bool:
        """It can be read, and nothing else."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Waits for the next bytes. Raises TimeoutError at the end."""
        self.line.settimeout(left(self.ends))
        return self.line.recv_into(buffer)

    def makefile(self, mode: str = "rb") -> io.BufferedReader:
        """What an HTTPResponse asks of a socket."""
        return io.BufferedReader(self)


def left(ends: float) -> float:
    """Seconds until that moment. Raises TimeoutError when it has passed."""
    seconds = ends - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def post_json(url: str, content: object, *, seconds: float) -> Answer:
    """Posts a JSON object. Raises Temporary when no answer came."""
    body = json.dumps(content, ensure_ascii=False).encode()
    return post(url, body, {"Content-Type": "application/json; charset=utf-8"}, seconds=seconds)


def post(url: str, body: bytes, headers: dict[str, str], *, seconds: float, most: int = MOST) -> Answer:
    """Posts and waits for the answer, `seconds` at most. `most`: how many bytes of its body are wanted.

    Raises Temporary when no answer came: nobody there, silence, a drip, or what is not HTTP.
    """
    ends = time.monotonic() + seconds
    parts = urlsplit(url)
    headers = {"Host": parts.netloc, "User-Agent": "campaign", "Connection": "close"} | headers
    try:
        with _connected(parts, ends) as line:
            talk = HTTPConnection(parts.hostname or "")
            talk.sock = line
            talk.request("POST", f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", body, headers)
            answer = HTTPResponse(cast(socket.socket, Timed(line, ends)), method="POST")
            answer.begin()
            said = answer.read(most + 1) if most else b""
            return Answer(answer.status, answer.headers.get("Retry-After", ""), said)
    except (OSError, HTTPException, ValueError) as error:
        # An OSError speaks of the line; other words may quote what was asked for, and with it the key.
        words = f": {error}" if isinstance(error, OSError) else ""
        raise Temporary(f"{parts.hostname}: {type(error).__name__}{words}"[:FEW_WORDS]) from None


def _connected(parts: SplitResult, ends: float) -> socket.socket:
    """A line to the first of the host's addresses that answers, encrypted for https://."""
    secure = parts.scheme == "https"
    failure: OSError = OSError("the host has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        parts.hostname, parts.port or (443 if secure else 80), type=socket.SOCK_STREAM
    ):
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(left(ends))
            line.connect(address)
            if not secure:
                return line
            line.settimeout(left(ends))
            return ssl.create_default_context().wrap_socket(line, server_hostname=parts.hostname)
        except OSError as error:
            line.close()
            failure = error
    raise failure


def refused(
    answer: Answer,
    letter: Letter,
    settings: Settings,
    *,
    code: object = None,
    words: object = "",
    busy: bool = False,
    wait: timedelta | None = None,
) -> Temporary | Permanent:
    """What an answer that is no success means. `code` and `words`: the provider's own; None when it gave none.

    `busy`: the code says to come again, after `wait` if the answer names no time itself. Without a code, a status in
    the two hundreds is nonsense, which the next try may not meet again.
    """
    said = f"HTTP {answer.status}" + ("" if code is None else f", {code}") + (f": {words}" if words else "")
    for secret in _secrets(settings):
        said = said.replace(secret, "***")
    said = " ".join(said.split())[:FEW_WORDS]
    if busy or answer.status in TO_BE_TRIED_AGAIN or answer.status >= 500:
        return Temporary(said, _asked_for(answer.retry_after, letter.written_at) or wait)
    if code is None and answer.fine:
        return Temporary(f"{said}, and not what was expected of it")
    return Permanent(said)


def _asked_for(retry_after: str, now: datetime) -> timedelta | None:
    """Retry-After in seconds or as a date, a day at most; None when it is neither."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(timedelta(seconds=int(retry_after[:9])), LONGEST_WAIT)
    try:
        then = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return min(max(then.replace(tzinfo=then.tzinfo or UTC) - now, timedelta(0)), LONGEST_WAIT)


def _secrets(settings: Settings) -> list[str]:
    """What must not be read in an error: the keys in addresses, as they stand there and decoded, and the secrets."""
    found = {settings.dingtalk_secret, settings.feishu_secret, settings.webhook_secret}
    for url in (settings.wecom_webhook, settings.dingtalk_webhook, settings.feishu_webhook, settings.webhook_url):
        parts = urlsplit(url)
        found |= {url, parts.query, parts.path.rpartition("/")[2], *(value for _, value in parse_qsl(parts.query))}
    if settings.sms_url:
        found |= {settings.sms_url, settings.sms.key, settings.sms.secret}
    return sorted((secret for secret in found if len(secret) >= SHORTEST_SECRET), key=len, reverse=True)
