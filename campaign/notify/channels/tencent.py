"""Short messages by Tencent Cloud: SendSms, signed by TC3-HMAC-SHA256."""

import hmac
import json
from datetime import UTC
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from ...config import Settings, Sms
from ..letters import Letter
from .http import post, refused

METHOD = "TC3-HMAC-SHA256"
KIND = "application/json; charset=utf-8"
SIGNED = "content-type;host;x-tc-action"
BUSY = ("LimitExceeded", "RequestLimitExceeded", "InternalError", "FailedOperation.Timeout", "ResourceUnavailable")


def send(letter: Letter, settings: Settings, account: Sms, number: str, values: dict[str, str], seconds: float) -> None:
    """Sends the template. Raises Temporary or Permanent: the code of the one number says what happened."""
    asked = {
        "PhoneNumberSet": [f"+86{number}"],
        "SmsSdkAppId": account.app,
        "SignName": account.sign,
        "TemplateId": account.template,
        "TemplateParamSet": list(values.values()),
        "SessionContext": letter.key,
    }
    body = json.dumps(asked, ensure_ascii=False).encode()
    answer = post(account.url, body, _signed(account, body, letter), seconds=seconds)
    code, words = _verdict(answer.told())
    if answer.fine and code == "Ok":
        return
    busy = code is not None and code.startswith(BUSY)
    raise refused(answer, letter, settings, code=code, words=words, busy=busy)


def _verdict(told: dict[str, Any]) -> tuple[str | None, object]:
    """The code and its words: of the whole request if that failed, else of the number; None where there is none."""
    response = told.get("Response")
    found = response.get("Error") if isinstance(response, dict) else None
    if isinstance(response, dict) and found is None:
        numbers = response.get("SendStatusSet")
        found = numbers[0] if isinstance(numbers, list) and len(numbers) == 1 else None
    if not isinstance(found, dict) or not isinstance(found.get("Code"), str):
        return None, ""
    return found["Code"], found.get("Message", "")


def _signed(account: Sms, body: bytes, letter: Letter) -> dict[str, str]:
    """The headers with the signature of the request, by a key that is made for the day and the service."""
    host, now = urlsplit(account.url).netloc, letter.written_at.astimezone(UTC)
    stamp, scope = str(int(now.timestamp())), f"{now:%Y-%m-%d}/sms/tc3_request"
    shown = f"content-type:{KIND}\nhost:{host.lower()}\nx-tc-action:sendsms\n"
    asked = f"POST\n/\n\n{shown}\n{SIGNED}\n{sha256(body).hexdigest()}"
    key = f"TC3{account.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    to_sign = f"{METHOD}\n{stamp}\n{scope}\n{sha256(asked.encode()).hexdigest()}"
    sign = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    return {
        "Authorization": f"{METHOD} Credential={account.key}/{scope}, SignedHeaders={SIGNED}, Signature={sign}",
        "Content-Type": KIND,
        "Host": host,
        "X-TC-Action": "SendSms",
        "X-TC-Version": "2021-01-11",
        "X-TC-Timestamp": stamp,
        "X-TC-Region": account.region,
    }
