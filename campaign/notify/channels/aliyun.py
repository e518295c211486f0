"""Short messages by Aliyun: SendSms of dysmsapi, signed in its version 3 (ACS3-HMAC-SHA256)."""

import hmac
import json
from datetime import UTC
from hashlib import sha256
from urllib.parse import quote, urlsplit
from uuid import uuid4

from ...config import Settings, Sms
from ..letters import Letter
from .http import post, refused

METHOD = "ACS3-HMAC-SHA256"
# What the next try may not meet: faults of theirs, an account's limit, and a number's: that asks nobody else to wait.
BUSY = (
    "isv.BUSINESS_LIMIT_CONTROL",
    "isv.DAY_LIMIT_CONTROL",
    "isp.SYSTEM_ERROR",
    "isp.GATEWAY_ERROR",
    "isp.UNKNOWN",
    "Throttling",
    "ServiceUnavailable",
    "InternalError",
)


def send(letter: Letter, settings: Settings, account: Sms, number: str, values: dict[str, str], seconds: float) -> None:
    """Sends the template. Raises Temporary or Permanent: `Code` says what happened, whatever the status."""
    asked = {
        "PhoneNumbers": number,
        "SignName": account.sign,
        "TemplateCode": account.template,
        "TemplateParam": json.dumps(values, ensure_ascii=False),
        "OutId": letter.key,
    }
    query = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in sorted(asked.items()))
    answer = post(f"{account.url}?{query}", b"", _signed(account, query, letter), seconds=seconds)
    told = answer.told()
    code = told.get("Code")
    known = code if isinstance(code, str) else None
    if answer.fine and known == "OK":
        return
    busy = known is not None and known.startswith(BUSY)
    raise refused(answer, letter, settings, code=known, words=told.get("Message", ""), busy=busy)


def _signed(account: Sms, query: str, letter: Letter) -> dict[str, str]:
    """The headers with the signature of the request; a new `nonce` each time, or it would be taken for a repeat."""
    headers = {
        "host": urlsplit(account.url).netloc,
        "x-acs-action": "SendSms",
        "x-acs-content-sha256": sha256(b"").hexdigest(),
        "x-acs-date": letter.written_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": uuid4().hex,
        "x-acs-version": "2017-05-25",
    }
    names = ";".join(sorted(headers))
    shown = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    asked = f"POST\n/\n{query}\n{shown}\n{names}\n{headers['x-acs-content-sha256']}"
    sign = hmac.new(account.secret.encode(), f"{METHOD}\n{sha256(asked.encode()).hexdigest()}".encode(), "sha256")
    sealed = f"{METHOD} Credential={account.key},SignedHeaders={names},Signature={sign.hexdigest()}"
    return {"Host" if name == "host" else name: value for name, value in headers.items()} | {"Authorization": sealed}
