"""A server on this machine that answers every request in the same way: with bytes, with silence, or drop by drop."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

PAUSE = 0.02  # seconds between two drops


@dataclass(frozen=True)
class Reply:
    """What to do with a request: read it (or not), say these bytes, then end, or drip, or hold the line in silence."""

    says: bytes = b""
    reads: bool = True
    drips: bytes = b""
    holds: bool = False


SILENCE = Reply(holds=True)
HANGS_UP = Reply(reads=False)


@dataclass(frozen=True)
class Request:
    """What arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """Decoded once, as a server does."""
        return dict(parse_qsl(urlsplit(self.target).query, strict_parsing=True))


@dataclass
class Served:
    """Where the server listens, and what it got."""

    host: str
    requests: list[Request] = field(default_factory=list)


def http(body: bytes, status: str = "200 OK", *headers: str) -> Reply:
    """A whole HTTP answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers]
    return Reply("\r\n".join([*head, "", ""]).encode() + body)


@contextmanager
def answering(reply: Reply) -> Iterator[Served]:
    """The server, for as long as the block runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.02)
    served, over = Served(f"127.0.0.1:{listener.getsockname()[1]}"), threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                line, _ = listener.accept()
            except TimeoutError:
                continue
            line.settimeout(5)
            with line:
                try:
                    _serve(line, reply, served, over)
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield served
    finally:
        over.set()
        thread.join()
        listener.close()


def _serve(line: socket.socket, reply: Reply, served: Served, over: threading.Event) -> None:
    if reply.reads and not _read(line, served):
        return
    line.sendall(reply.says)
    while reply.drips and not over.wait(PAUSE):
        line.sendall(reply.drips)
    if reply.holds:
        over.wait()


def _read(line: socket.socket, served: Served) -> bool:
    """Reads one request; False when the other side hung up first."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = line.recv(65536)
        if not more:
            return False
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        body += line.recv(65536)
    method, target, _ = first.split(" ")
    served.requests.append(Request(method, target, headers, body))
    return True
