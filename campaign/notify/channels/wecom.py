"""The robot of a WeCom group: plain text, because only text can mention somebody by telephone number."""

from datetime import timedelta

from ...config import Settings
from ..letters import Letter
from .http import LONGEST, post_json, refused
from .wording import Line, fitted, lines, mobile

MOST = 2048  # bytes of a text
BUSY = (-1, 45009, 45033)  # the system is busy; too many messages; too many at once
WAIT = timedelta(minutes=1)


def send(letter: Letter, settings: Settings, *, seconds: float = LONGEST) -> None:
    """Posts the letter into the group, mentioning the person whose mobile number it is addressed to.

    Raises Temporary or Permanent. The answer is HTTP 200 whatever happened: `errcode` says what.
    """
    content = "\n".join(map(_shown, fitted(lines(letter, settings), MOST, _size, settings)))
    number = mobile(letter.to)
    text = {"content": content} | ({"mentioned_mobile_list": [number]} if number else {})
    answer = post_json(settings.wecom_webhook, {"msgtype": "text", "text": text}, seconds=seconds)
    told = answer.told()
    code = told.get("errcode")
    known = code if type(code) is int else None
    if answer.fine and known == 0:
        return
    words = told.get("errmsg", "")
    raise refused(answer, letter, settings, code=known, words=words, busy=known in BUSY, wait=WAIT)


def _shown(line: Line) -> str:
    return f"{line.text}\n{line.link}" if line.link else line.text


def _size(line: Line) -> int:
    return len(_shown(line).encode()) + 1
