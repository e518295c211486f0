"""Signatures, checked on the server's side by code that was written from the providers' papers, not from the channels.

Where a provider publishes an example with its result, the checking code is held against that first.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from urllib.parse import quote

import pytest

from campaign.notify.channels import WAYS

from .answering import Request, answering
from .fixtures import KEY, LETTER, SECRET, SIDES, WRITTEN, settings

STAMP = int(WRITTEN.timestamp())


def sent(name: str, given=None) -> Request:
    """What arrives at the provider."""
    side = SIDES[name]
    with answering(side.says["taken"]) as served:
        settings_ = given(served.host) if given else side.settings(served.host)
        WAYS[side.channel].send(replace(LETTER, to=side.address), settings_, seconds=2)
        (request,) = served.requests
    assert request.method == "POST"
    assert request.headers["host"] == served.host
    return request


def b64(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def acs3(request: Request, secret: str) -> str:
    """Aliyun's version 3: the Authorization header that the request should have."""
    pairs = sorted(f"{quote(name, safe='-_.~')}={quote(text, safe='-_.~')}" for name, text in request.query.items())
    names = sorted(name for name in request.headers if name == "host" or name.startswith("x-acs-"))
    listed = ";".join(names)
    rows = [request.method, request.path, "&".join(pairs)]
    rows += [f"{name}:{request.headers[name]}" for name in names]
    rows += ["", listed, hashlib.sha256(request.body).hexdigest()]
    to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256("\n".join(rows).encode()).hexdigest()
    signature = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"SignedHeaders={listed},Signature={signature}"


def tc3(request: Request, secret: str, service: str, day: str) -> str:
    """Tencent's version 3: the signature that the request should have, over the three headers that it names."""
    hashed = hashlib.sha256(request.body).hexdigest()
    kind, host, action = (request.headers[name] for name in ("content-type", "host", "x-tc-action"))
    canonical = (
        f"POST\n/\n\ncontent-type:{kind}\nhost:{host}\nx-tc-action:{action.lower()}\n\n"
        f"content-type;host;x-tc-action\n{hashed}"
    )
    scope = f"{day}/{service}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{request.headers['x-tc-timestamp']}\n{scope}\n"
    text += hashlib.sha256(canonical.encode()).hexdigest()
    signing = hmac.new(f"TC3{secret}".encode(), day.encode(), hashlib.sha256).digest()
    signing = hmac.new(signing, service.encode(), hashlib.sha256).digest()
    signing = hmac.new(signing, b"tc3_request", hashlib.sha256).digest()
    return hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()


def test_the_checks_find_what_the_providers_papers_say():
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    example = Request("POST", f"/?{query}", headers, b"")
    assert acs3(example, "YourAccessKeySecret").endswith(
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )
    headers = {
        "content-type": "application/json; charset=utf-8",
        "host": "cvm.tencentcloudapi.com",
        "x-tc-action": "DescribeInstances",
        "x-tc-timestamp": "1551113065",
    }
    body = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    example = Request("POST", "/", headers, body)
    assert tc3(example, "*" * 32, "cvm", "2019-02-25") == (
        "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    )
    whsec = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    text = b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}'
    assert b64(whsec, text) == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_dingtalk_is_signed_and_quoted_once():
    request = sent("dingtalk")
    stamp = str(STAMP * 1000)
    sign = b64(SECRET.encode(), f"{stamp}\n{SECRET}".encode())
    assert request.query == {"access_token": KEY, "timestamp": stamp, "sign": sign}
    assert "%25" not in request.target
    plain = sent("dingtalk", lambda host: settings(dingtalk_webhook=f"http://{host}/robot/send?access_token={KEY}"))
    assert plain.query == {"access_token": KEY}


@pytest.mark.parametrize("secret", [SECRET, "SEC+/=", "SEC" + "9" * 60, "SECab"])
def test_no_sign_of_base64_is_lost_in_dingtalks_address(secret):
    request = sent(
        "dingtalk",
        lambda host: settings(dingtalk_webhook=f"http://{host}/robot/send?access_token={KEY}", dingtalk_secret=secret),
    )
    assert request.query["sign"] == b64(secret.encode(), f"{STAMP * 1000}\n{secret}".encode())


def test_feishu_is_signed_with_time_and_secret_as_the_key():
    content = json.loads(sent("feishu").body)
    assert content["timestamp"] == str(STAMP)
    assert content["sign"] == b64(f"{STAMP}\n{SECRET}".encode(), b"")
    plain = json.loads(sent("feishu", lambda host: settings(feishu_webhook=f"http://{host}/hook/{KEY}")).body)
    assert "sign" not in plain


def test_aliyun_is_signed_over_all_that_it_asks_for():
    request = sent("aliyun")
    assert request.headers["authorization"] == f"ACS3-HMAC-SHA256 Credential={KEY}," + acs3(request, SECRET)
    assert request.headers["x-acs-date"] == "2026-11-20T02:00:00Z"
    assert (request.headers["x-acs-action"], request.headers["x-acs-version"]) == ("SendSms", "2017-05-25")
    assert request.query == {
        "PhoneNumbers": "13800001111",
        "SignName": "青禾县工会",
        "TemplateCode": "SMS_1001",
        "TemplateParam": '{"name": "王芳", "count": "1", "link": "assignments/17"}',
        "OutId": LETTER.key,
    }
    assert sent("aliyun").headers["x-acs-signature-nonce"] != request.headers["x-acs-signature-nonce"]


def test_no_sign_in_a_value_breaks_aliyuns_signature():
    sign = "a b/c+d*e~f&g=h%20"
    request = sent(
        "aliyun",
        lambda host: settings(sms_url=f"aliyun://{KEY}:{SECRET}@{host}/?template=S&sign={quote(sign, safe='')}"),
    )
    assert request.query["SignName"] == sign
    assert request.headers["authorization"].endswith(acs3(request, SECRET))


def test_tencent_is_signed_over_all_that_it_asks_for():
    request = sent("tencent")
    signature = tc3(request, SECRET, "sms", "2026-11-20")
    assert request.headers["authorization"] == (
        f"TC3-HMAC-SHA256 Credential={KEY}/2026-11-20/sms/tc3_request, "
        f"SignedHeaders=content-type;host;x-tc-action, Signature={signature}"
    )
    assert request.headers["x-tc-version"] == "2021-01-11"
    assert request.headers["x-tc-region"] == "ap-guangzhou"
    assert json.loads(request.body) == {
        "PhoneNumberSet": ["+8613800001111"],
        "SmsSdkAppId": "1400006666",
        "SignName": "青禾县工会",
        "TemplateId": "SMS_1001",
        "TemplateParamSet": ["王芳", "1", "assignments/17"],
        "SessionContext": LETTER.key,
    }


@pytest.mark.parametrize("secret", [SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_the_webhook_is_signed_over_id_time_and_body(secret):
    request = sent("webhook", lambda host: settings(webhook_url=f"http://{host}/in?a=b", webhook_secret=secret))
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    assert request.headers["webhook-id"] == LETTER.key
    assert request.headers["webhook-timestamp"] == str(STAMP)
    signed = f"{LETTER.key}.{STAMP}.".encode() + request.body
    assert request.headers["webhook-signature"] == "v1," + b64(key, signed)
    assert request.target == "/in?a=b"
    content = json.loads(request.body)
    assert (content["id"], content["to"]) == (LETTER.key, {"login": "wangfang", "name": "王芳"})
    assert content["points"][0]["link"] == "https://c.example/assignments/17"
