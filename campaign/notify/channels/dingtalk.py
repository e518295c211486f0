"""The robot of a DingTalk group: Markdown, signed when there is a secret."""

import hmac
import json
from base64 import b64encode
from datetime import timedelta
from urllib.parse import urlencode

from ...config import Settings
from ..letters import Letter
from .http import LONGEST, post_json, refused
from .wording import Line, fitted, harmless, lines, mobile

MOST = 18_000  # of the 20,000 bytes of a whole message; the rest is for what stands around the text
LONGEST_TITLE = 100  # characters, shown in the list of chats
BUSY = (-1, 130101, 410100, 90018)  # the system is busy; too many messages, in the words of three generations
WAIT = timedelta(minutes=10)  # for so long a robot is shut out that was too fast


def send(letter: Letter, settings: Settings, *, seconds: float = LONGEST) -> None:
    """Posts the letter into the group, mentioning the person whose mobile number it is addressed to.

    Raises Temporary or Permanent. The answer is HTTP 200 whatever happened: `errcode` says what.
    """
    number = mobile(letter.to)
    text = "\n\n".join(map(_shown, fitted(lines(letter, settings), MOST, _size, settings)))
    content = {
        "msgtype": "markdown",
        "markdown": {
            "title": harmless(letter.subject)[:LONGEST_TITLE],
            "text": f"@{number} {text}" if number else text,  # without its number in the text nobody is mentioned
        },
        "at": {"atMobiles": [number] if number else [], "isAtAll": False},
    }
    answer = post_json(_signed(settings, letter), content, seconds=seconds)
    told = answer.told()
    code = told.get("errcode")
    known = code if type(code) is int else None
    if answer.fine and known == 0:
        return
    words = told.get("errmsg", "")
    raise refused(answer, letter, settings, code=known, words=words, busy=known in BUSY, wait=WAIT)


def _signed(settings: Settings, letter: Letter) -> str:
    """The address with time and signature. The signature is quoted once, here, and nowhere again."""
    if not settings.dingtalk_secret:
        return settings.dingtalk_webhook
    stamp, secret = str(int(letter.written_at.timestamp() * 1000)), settings.dingtalk_secret
    sign = b64encode(hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), "sha256")).decode()
    return f"{settings.dingtalk_webhook}&{urlencode({'timestamp': stamp, 'sign': sign})}"


def _shown(line: Line) -> str:
    return f"[{line.text}]({line.link})" if line.link else line.text


def _size(line: Line) -> int:
    return len(json.dumps(_shown(line) + "\n\n", ensure_ascii=False).encode())
