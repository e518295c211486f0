"""Mail by SMTP: smtp:// (with STARTTLS where it is offered) or smtps://, with name and password where needed."""

import smtplib
import ssl
import time
from contextlib import suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from ...config import LOOPBACK, Settings
from ..letters import Letter, Permanent, Temporary
from .http import Timed

LONGEST = 30.0  # seconds for the whole talk: careful servers greet late
CONNECTING = 10.0  # of them, for each address of the server


class _Timed(smtplib.SMTP):
    """A talk that ends at a moment of `time.monotonic()`, however slowly the other side goes on speaking."""

    def __init__(self, *args: Any, ends: float, **named: Any) -> None:
        self.ends = ends
        super().__init__(*args, **named)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock:  # anew for each line: STARTTLS makes another
            self.file = Timed(self.sock, self.ends).makefile()
        return super().getreply()


class _TimedSecure(_Timed, smtplib.SMTP_SSL):
    """The same, encrypted from the start."""


def send(letter: Letter, settings: Settings, *, seconds: float = LONGEST) -> None:
    """Hands the letter to the mail server; returns when the server has taken it, after `seconds` at the latest.

    Raises Permanent for an address or letter that the server refuses for good, Temporary for everything else.
    """
    named, sender = parseaddr(settings.mail_from)
    domain = sender.rpartition("@")[2] or "localhost"
    try:
        message = _message(letter, named or letter.sender, sender, domain)
    except (MessageError, ValueError, IndexError) as error:
        raise Permanent(f"the address cannot be written: {error}") from error
    try:
        server = _connected(urlsplit(settings.smtp_url), domain, seconds)
        try:
            server.send_message(message)
        finally:
            with suppress(smtplib.SMTPException, OSError):  # what was taken stays taken, whatever is said at the end
                server.quit()
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        raise _refused(code, words) from error
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        raise _refused(error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Permanent(str(error)) from error
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise Temporary(f"{type(error).__name__}: {error}") from error


def _message(letter: Letter, named: str, sender: str, domain: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = " ".join(letter.subject.split())
    message["From"] = Address(display_name=named, addr_spec=sender)
    message["To"] = Address(display_name=" ".join(letter.name.split()), addr_spec=letter.to)
    message["Date"] = format_datetime(letter.written_at)
    message["Message-ID"] = f"<{letter.key}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="base64")
    message.add_alternative(letter.html, subtype="html", cte="base64")
    return message


def _connected(url: SplitResult, domain: str, seconds: float) -> smtplib.SMTP:
    """A connection that is ready to send. A password goes out only over an encrypted line or inside this machine."""
    host = url.hostname or "localhost"
    limits = {"ends": time.monotonic() + seconds, "timeout": min(seconds, CONNECTING)}
    if url.scheme == "smtps":
        context = ssl.create_default_context()
        secure = _TimedSecure(host, url.port or 465, local_hostname=domain, context=context, **limits)
        return _signed_in(secure, url, safe=True)
    if url.scheme != "smtp":
        raise ValueError("CAMPAIGN_SMTP_URL must begin with smtp:// or smtps://")
    server = _Timed(host, url.port or 25, local_hostname=domain, **limits)
    try:
        server.ehlo_or_helo_if_needed()
        encrypted = server.has_extn("starttls")
        if encrypted:
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
    except BaseException:
        server.close()
        raise
    return _signed_in(server, url, safe=encrypted or host in LOOPBACK)


def _signed_in(server: smtplib.SMTP, url: SplitResult, *, safe: bool) -> smtplib.SMTP:
    if not url.username:
        return server
    try:
        if not safe:
            raise smtplib.SMTPException("the server offers no encryption, so the password was not sent")
        server.login(unquote(url.username), unquote(url.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _refused(code: int, words: bytes | str) -> Temporary | Permanent:
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    kind = Permanent if 500 <= code < 600 else Temporary
    return kind(f"{code} {said}")
