"""A signed webhook, for an organisation's own receiver: JSON, with the headers of the Standard Webhooks specification.

The receiver knows a repeat by `webhook-id`, an old or forged one by `webhook-timestamp` and `webhook-signature`.
"""

import hmac
import json
from base64 import b64encode
from dataclasses import asdict

from ...config import Settings
from ..letters import Letter
from .http import LONGEST, post, refused


def send(letter: Letter, settings: Settings, *, seconds: float = LONGEST) -> None:
    """Posts the letter. A status in the two hundreds is a receipt, whatever is said with it.

    Raises Temporary for 408, 425, 429, the five hundreds and silence, Permanent for any other status.
    """
    content = {
        "id": letter.key,
        "kind": "letter",
        "written_at": letter.written_at.isoformat(),
        "to": {"login": letter.to, "name": letter.name},
        "subject": letter.subject,
        "text": letter.text,
        "points": [asdict(point) for point in letter.points],
    }
    body = json.dumps(content, ensure_ascii=False).encode()
    stamp = str(int(letter.written_at.timestamp()))
    sign = hmac.digest(settings.webhook_key, f"{letter.key}.{stamp}.".encode() + body, "sha256")
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "webhook-id": letter.key,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{b64encode(sign).decode()}",
    }
    answer = post(settings.webhook_url, body, headers, seconds=seconds, most=0)
    if not answer.fine:
        raise refused(answer, letter, settings)
