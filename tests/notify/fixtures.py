"""For each channel: settings that point at a server of this machine, and what that server says in each case.

Registering a channel means a line in SIDES; the contract test fails without it.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from campaign.config import Settings
from campaign.notify.letters import Letter, Point
from campaign.rules.telling import Channel

from .answering import HANGS_UP, SILENCE, Reply, Served, answering, http
from .sink import OK, Sink, running

WRITTEN = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LETTER = Letter(
    "delivery.0123456789abcdef0123456789abcdef",
    "13800001111",
    "王芳",
    "退回修改：建会率（石桥镇工会）",
    "王芳，您好：\n请修改。\n",
    "<p>请修改。</p>",
    WRITTEN,
    (
        Point(
            "退回修改：建会率（石桥镇工会）", ("请修改后再提交。", "意见：材料不齐"), "https://c.example/assignments/17"
        ),
    ),
)
KEY = "5a0d9f72-sesame-4c1e"  # stands in each robot's address, and must stand nowhere else
SECRET = "SEC0badc0ffee-sesame-0123456789"


def settings(**given: str) -> Settings:
    """Settings with one channel."""
    return Settings(public_url="https://c.example", mail_from="campaign@c.example", **given)


@dataclass(frozen=True)
class Side:
    """One provider. `says`: its own answers; `address`: whom its letters are addressed to."""

    channel: Channel
    settings: Callable[[str], Settings]
    says: dict[str, Reply]
    address: str = "13800001111"
    expected: dict[str, str] = field(default_factory=dict)
    served: Callable[[Reply], AbstractContextManager[Served]] = answering


def _json(content: object, status: str = "200 OK") -> Reply:
    return http(json.dumps(content, ensure_ascii=False).encode(), status)


# What any server on the web may do; no provider is safe from these.
ANY: dict[str, Reply] = {
    "error 500": http(b"", "500 Internal Server Error"),
    "error 503 with words": http(b'{"oops": 1}', "503 Service Unavailable", "Retry-After: 120"),
    "error 429": http(b"", "429 Too Many Requests", "Retry-After: 90"),
    "error 404": http(b"<h1>Not Found</h1>", "404 Not Found"),
    "redirect": http(b"", "302 Found", "Location: http://127.0.0.1:9/"),
    "a page": http(b"<!doctype html><title>Welcome</title>"),
    "half an object": http(b'{"errcode": 0, "code": 0, "Code": "OK'),
    "cut in the middle": Reply(b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"errcode": 0'),
    "an empty page": http(b""),
    "a list": http(b"[0]"),
    "a deep list": http(b"[" * 60_000),
    "false": http(b'{"errcode": false, "code": false, "Code": true, "Response": {"SendStatusSet": [{"Code": 0}]}}'),
    "texts": http(b'{"errcode": "0", "code": "0", "Code": 0, "Response": {"SendStatusSet": {"Code": "Ok"}}}'),
    "nothings": http(b'{"errcode": null, "code": null, "Code": null, "Response": null}'),
    "no HTTP": Reply(b"220 mail ready\r\n"),
    "a long line": Reply(b"HTTP/1.1 200 " + b"x" * 80_000),
    "silence": SILENCE,
    "silence without reading": Reply(reads=False, holds=True),
    "hangs up": HANGS_UP,
    "hangs up after reading": Reply(),
    "drips": Reply(drips=b"x"),
    "drips heads": Reply(b"HTTP/1.1 200 OK\r\n", drips=b"X: y\r\n"),
    "drips continues": Reply(drips=b"HTTP/1.1 100 Continue\r\n\r\n"),
    "drips the body": Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", drips=b" "),
    "a body without end": Reply(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 3_000_000),
}
EXPECTED: dict[str, str] = {
    "taken": "sent",
    "too many": "Temporary",
    "their fault": "Temporary",
    "refused": "Permanent",
    "refused with words": "Permanent",
    "redirect": "Permanent",
    "error 404": "Permanent",
    **{name: "Temporary" for name in ANY if name not in ("redirect", "error 404")},
}
WAITS = {"error 429": 90, "error 503 with words": 120}  # seconds that the server asked for


def _mail_says() -> dict[str, Reply]:
    """The same cases in the words of a mail server, up to where the letter is handed over."""
    greeted = b"220 ready\r\n"
    said = {name: Reply(b"", reads=False) for name in ANY}
    said |= {
        "error 500": Reply(b"421 closing\r\n", reads=False),
        "error 503 with words": Reply(b"454 later\r\n", reads=False),
        "error 429": Reply(b"451 slower\r\n", reads=False),
        "a page": ANY["a page"],
        "half an object": Reply(b"22", reads=False),
        "cut in the middle": Reply(greeted + b"250-hel", reads=False),
        "a list": Reply(b"[0]\r\n", reads=False),
        "texts": Reply(b"abc ready\r\n", reads=False),
        "false": Reply(b"false\r\n", reads=False),
        "no HTTP": Reply(b"HTTP/1.1 200 OK\r\n\r\n", reads=False),
        "a long line": Reply(b"2" * 80_000, reads=False),
        "silence": Reply(greeted, reads=False, holds=True),
        "silence without reading": Reply(reads=False, holds=True),
        "drips": Reply(reads=False, drips=b"2"),
        "drips heads": Reply(reads=False, drips=b"220-more\r\n"),
        "drips continues": Reply(greeted, reads=False, drips=b"250-more\r\n"),
        "drips the body": Reply(greeted + b"250-", reads=False, drips=b"x"),
        "a body without end": Reply(b"220-more\r\n" * 100_000, reads=False),
    }
    return {name: reply for name, reply in said.items() if name not in ("redirect", "error 404")}


@contextmanager
def _mail_served(reply: Reply) -> Iterator[Served]:
    """The real mail server for what a mail server says itself (a status of RCPT), raw bytes for the rest."""
    if reply.says[:3] in MAIL_CODES:
        with running(Sink()) as sink:
            sink.answer_rcpt = reply.says.decode()
            yield Served(sink.url.removeprefix("smtp://"))
    else:
        with answering(reply) as served:
            yield served


MAIL_CODES = (b"250", b"450", b"452", b"550", b"551", b"553", b"521")
MAIL = Side(
    Channel.MAIL,
    lambda host: settings(smtp_url=f"smtp://{host}"),
    {
        "taken": Reply(OK.encode()),
        "too many": Reply(b"450 4.7.0 slower"),
        "their fault": Reply(b"452 4.3.1 no room"),
        "refused": Reply(b"550 5.1.1 no such user"),
        "refused with words": Reply(b"553 5.1.8 who are you"),
        "redirect": Reply(b"551 not here"),
        "error 404": Reply(b"521 no mail here"),
        **_mail_says(),
    },
    address="wang@county.example",
    served=_mail_served,
)
WECOM = Side(
    Channel.WECOM,
    lambda host: settings(wecom_webhook=f"http://{host}/cgi-bin/webhook/send?key={KEY}"),
    {
        "taken": _json({"errcode": 0, "errmsg": "ok"}),
        "too many": _json({"errcode": 45009, "errmsg": "api freq out of limit"}),
        "their fault": _json({"errcode": -1, "errmsg": "system busy"}),
        "refused": _json({"errcode": 93000, "errmsg": f"invalid webhook url, hint: {KEY}"}),
        "refused with words": _json({"errcode": 40058, "errmsg": "bad\n" * 900}),
        **ANY,
    },
)
DINGTALK = Side(
    Channel.DINGTALK,
    lambda host: settings(dingtalk_webhook=f"http://{host}/robot/send?access_token={KEY}", dingtalk_secret=SECRET),
    {
        "taken": _json({"errcode": 0, "errmsg": "ok"}),
        "too many": _json({"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}),
        "their fault": _json({"errcode": -1, "errmsg": "系统繁忙"}),
        "refused": _json({"errcode": 310000, "errmsg": f"sign not match {SECRET}"}),
        "refused with words": _json({"errcode": 300001, "errmsg": {"token": KEY}}),
        **ANY,
    },
)
FEISHU = Side(
    Channel.FEISHU,
    lambda host: settings(feishu_webhook=f"http://{host}/open-apis/bot/v2/hook/{KEY}", feishu_secret=SECRET),
    {
        "taken": _json({"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}),
        "too many": _json({"code": 11232, "msg": "frequency limited psm[lark.oapi]", "data": {}}, "400 Bad Request"),
        "their fault": _json({"code": 9499, "msg": "too many request", "data": {}}),
        "refused": _json({"code": 19021, "msg": f"sign match fail {SECRET}"}),
        "refused with words": _json({"code": 9499, "msg": "Bad Request", "data": {}}),
        **ANY,
    },
    address="wangfang",
)


def _sms(provider: str, more: str = "") -> Callable[[str], Settings]:
    query = f"sign=青禾县工会&template=SMS_1001{more}"
    return lambda host: settings(sms_url=f"{provider}://{KEY}:{SECRET}@{host}/?{query}")


def _number(code: str) -> Reply:
    return _json({"Response": {"SendStatusSet": [{"Code": code, "Message": code}], "RequestId": "1"}})


ALIYUN = Side(
    Channel.SMS,
    _sms("aliyun"),
    {
        "taken": _json({"Code": "OK", "Message": "OK", "BizId": "1", "RequestId": "2"}),
        "too many": _json({"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "触发分钟级流控Permits:1"}),
        "their fault": _json({"Code": "Throttling.User", "Message": "too fast"}, "400 Bad Request"),
        "refused": _json({"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": f"not a number {SECRET}"}),
        "refused with words": _json({"Code": "SignatureDoesNotMatch", "Message": KEY}, "400 Bad Request"),
        **ANY,
    },
)
TENCENT = Side(
    Channel.SMS,
    _sms("tencent", "&app=1400006666"),
    {
        "taken": _number("Ok"),
        "too many": _number("LimitExceeded.PhoneNumberThirtySecondLimit"),
        "their fault": _json({"Response": {"Error": {"Code": "InternalError.Timeout", "Message": "x"}}}),
        "refused": _number("InvalidParameterValue.IncorrectPhoneNumber"),
        "refused with words": _json({"Response": {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": KEY}}}),
        **ANY,
    },
)
RECEIPTS = ("a page", "half an object", "cut in the middle", "an empty page", "a list", "a deep list", "false", "texts")
WEBHOOK = Side(
    Channel.WEBHOOK,
    lambda host: settings(webhook_url=f"http://{host}/hooks/{KEY}", webhook_secret=SECRET),
    {
        "taken": http(b"", "202 Accepted"),
        "too many": http(b"", "429 Too Many Requests"),
        "their fault": http(b"", "408 Request Timeout"),
        "refused": http(KEY.encode(), "401 Unauthorized"),
        "refused with words": http(b"", "410 Gone"),
        **ANY,
    },
    address="wangfang",
    # its status is the receipt, whatever comes behind it
    expected=dict.fromkeys([*RECEIPTS, "nothings", "drips the body", "a body without end"], "sent"),
)
SIDES = {
    "mail": MAIL,
    "wecom": WECOM,
    "dingtalk": DINGTALK,
    "feishu": FEISHU,
    "aliyun": ALIYUN,
    "tencent": TENCENT,
    "webhook": WEBHOOK,
}
