"""The robot of a Feishu group: rich text in pieces, signed when there is a secret.

It cannot mention anybody by telephone number, so the name stands in the text.
"""

import hmac
import json
from base64 import b64encode
from datetime import timedelta
from typing import Any

from ...config import Settings
from ..letters import Letter
from .http import LONGEST, post_json, refused
from .wording import Line, fitted, harmless, lines

MOST = 18_000  # of the 20 KB of a whole request (it was 30 KB once)
LONGEST_TITLE = 100
BUSY = (9499, 11232, 11233, 230020)  # too many: of the gateway, the organisation, the group
BAD_REQUEST = "bad request"  # 9499 again, when it is the message that is wrong
WAIT = timedelta(minutes=1)


def send(letter: Letter, settings: Settings, *, seconds: float = LONGEST) -> None:
    """Posts the letter into the group.

    Raises Temporary or Permanent: `code` says what happened, whatever the status.
    """
    said = fitted(lines(letter, settings), MOST, _size, settings)
    post = {"title": harmless(letter.name)[:LONGEST_TITLE], "content": [[_piece(line)] for line in said]}
    content = {"msg_type": "post", "content": {"post": {"zh_cn": post}}} | _signature(settings, letter)
    answer = post_json(settings.feishu_webhook, content, seconds=seconds)
    told = answer.told()
    code = told.get("code", told.get("StatusCode"))  # the older answer to a success has only the latter
    known = code if type(code) is int else None
    if answer.fine and known == 0:
        return
    words = told.get("msg", "")
    busy = known in BUSY and str(words).strip().lower() != BAD_REQUEST
    raise refused(answer, letter, settings, code=known, words=words, busy=busy, wait=WAIT)


def _signature(settings: Settings, letter: Letter) -> dict[str, str]:
    """Time and signature: time and secret are the key, and what is signed is empty."""
    if not settings.feishu_secret:
        return {}
    stamp = str(int(letter.written_at.timestamp()))
    sign = hmac.digest(f"{stamp}\n{settings.feishu_secret}".encode(), b"", "sha256")
    return {"timestamp": stamp, "sign": b64encode(sign).decode()}


def _piece(line: Line) -> dict[str, Any]:
    return {"tag": "a", "text": line.text, "href": line.link} if line.link else {"tag": "text", "text": line.text}


def _size(line: Line) -> int:
    return len(json.dumps([_piece(line)], ensure_ascii=False).encode()) + 2
