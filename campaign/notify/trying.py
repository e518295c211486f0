"""A test message to oneself: the same way that every letter goes, with the answer in words."""

from datetime import datetime
from hashlib import sha256

from flask_babel import force_locale, gettext

from ..config import Settings
from ..errors import Refused, Sentence, say
from ..rules.telling import Channel
from .channels import WAYS, configured
from .delivery import CUT_OFF, hand_over
from .letters import Letter, Point
from .messages import PRODUCT, language_of
from .pages import Entry, Group, Page, html_of, text_of
from .reaching import reader

SUBJECT = say("A test message")
BODY = say("You asked for this message. That you read it means that this channel works.")
GREETING = say("Dear %(name)s,")
OPEN = say("Open it here")
FOOTER = say("This message was sent by the system. Please act there; replies are not read.")
LATE = say("The server of this channel did not answer in time. Please try again later, or tell the administrator.")
UNREACHED = say("The server of this channel cannot be reached. Please try again later, or tell the administrator.")
TOO_SLOW = (CUT_OFF, "TimeoutError", "timed out")
NO_LINE = ("ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError", "gaierror", "OSError", "SSL",
           "SMTPServerDisconnected", "SMTPConnectError")  # fmt: skip
SECONDS = 10.0  # somebody is waiting in front of the page


def prepared(person_id: int, channel: Channel, settings: Settings, *, now: datetime) -> Letter:
    """The test letter to that person. Raises Refused when the channel is not set up, or nothing to reach them is."""
    if channel not in configured(settings):
        raise Refused(say("This channel is not set up. An administrator of the server can do that."))
    to = reader(person_id, channel, now=now)
    if WAYS[channel].must and not to.to:
        raise Refused(say("There is no address or number of yours for this channel. Ask your administrator to add it."))
    language = language_of(to.locale or settings.locale)
    with force_locale(language):
        subject, body = gettext(SUBJECT.text), gettext(BODY.text)
        link = f"{settings.address}/me/messages"
        page = Page(
            language.replace("_", "-"), subject, gettext(GREETING.text) % {"name": to.name}, (("", 1, ""),),
            (Group("", 1, "#0b5cad", (Entry(subject, (body,), link),)),), "", gettext(OPEN.text), (),
            gettext(FOOTER.text),
        )  # fmt: skip
        sender = gettext(PRODUCT.text)
    key = f"test.{sha256(f'{person_id},{int(channel)},{now.isoformat()}'.encode()).hexdigest()[:32]}"
    points = (Point(subject, (body,), link),)
    return Letter(key, to.to, to.name, subject, text_of(page), html_of(page), now, points, sender)


def tried(letter: Letter, channel: Channel, settings: Settings) -> str:
    """Sends it, outside of any transaction: the provider's error in words, empty when it was taken."""
    failure = hand_over(letter, channel, settings, seconds=SECONDS)
    return "" if failure is None else str(failure)


def explained(said: str) -> Sentence:
    """The error of a test message for whoever asked for it: the line's faults in plain words, an answer as it came."""
    if any(sign in said for sign in TOO_SLOW):
        return LATE
    if any(sign in said for sign in NO_LINE):
        return UNREACHED
    return say("The other side did not take it. Its answer was: %(said)s", said=said)
