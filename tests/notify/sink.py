"""Mail servers on this machine: one that keeps what it gets and answers as told, and one that only says raw bytes."""

import asyncio
import socket
import threading
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

OK = "250 OK"


class Sink:
    """What arrived, and what to answer: to the recipient (RCPT) and to the letter (DATA)."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answer_rcpt = OK
        self.answer_data = OK
        self.url = ""

    async def handle_RCPT(self, _server, _session, envelope, address, _options) -> str:
        if self.answer_rcpt == OK:
            envelope.rcpt_tos.append(address)
        return self.answer_rcpt

    async def handle_DATA(self, _server, _session, envelope) -> str:
        if self.answer_data == OK:
            self.letters.append(message_from_bytes(envelope.content, policy=policy.default))
            self.recipients += envelope.rcpt_tos
        return self.answer_data

    def text(self, number: int = -1) -> str:
        """The plain text of a letter."""
        return self.letters[number].get_body(("plain",)).get_content()

    def keys(self) -> list[str]:
        """The Message-IDs, in the order of arrival."""
        return [str(letter["Message-ID"]) for letter in self.letters]


def free_port(host: str) -> int:
    """A port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class Closing(Controller):
    """A server that leaves no connection open behind it, whether or not the other side said goodbye."""

    def __init__(self, *given, **options) -> None:
        self.made: list = []
        super().__init__(*given, **options)

    def factory(self):
        """One connection."""
        self.made.append(super().factory())
        return self.made[-1]

    def stop(self, *given, **options) -> None:
        """Closes them, and waits until that is done."""

        async def close() -> None:
            for connection in self.made:
                if connection.transport is not None:
                    connection.transport.close()
            await asyncio.sleep(0.01)

        asyncio.run_coroutine_threadsafe(close(), self.loop).result(5)
        super().stop(*given, **options)


@contextmanager
def running(sink: Sink, host: str = "127.0.0.1", password: str = ""):
    """The sink as a server; with a password it wants the name 'campaign' and that password."""

    def check(_server, _session, _envelope, _mechanism, data) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"campaign", password.encode()))

    options = {"authenticator": check, "auth_required": True, "auth_require_tls": False} if password else {}
    server = Closing(sink, hostname=host, port=free_port(host), **options)
    server.start()
    sink.url = f"smtp://{host}:{server.port}"
    try:
        yield sink
    finally:
        server.stop()


@contextmanager
def saying(*lines: bytes):
    """A server that answers each line it gets with the next of these, and then with nothing; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)
    kept: list[socket.socket] = []

    def serve() -> None:
        try:
            link, _ = listener.accept()
        except OSError:
            return
        kept.append(link)
        link.settimeout(5)
        try:
            for line in lines:
                link.sendall(line)
                if not link.recv(65536):
                    return
        except OSError:
            return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for link in kept:
            link.close()
        listener.close()
        thread.join()
