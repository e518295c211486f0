"""Settings of channels: what could not work is refused at start, by name, and never quoted."""

import pytest

from campaign.config import ConfigError, Settings, load_settings

SESAME = "sesame-0123456789abcdef"
WECOM = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={SESAME}"
DINGTALK = f"https://oapi.dingtalk.com/robot/send?access_token={SESAME}"
FEISHU = f"https://open.feishu.cn/open-apis/bot/v2/hook/{SESAME}"
ALIYUN = f"aliyun://id:{SESAME}@dysmsapi.aliyuncs.com/?sign=青禾县工会&template=SMS_1"
TENCENT = f"tencent://id:{SESAME}@sms.tencentcloudapi.com/?app=1400&sign=青禾县工会&template=1110"

GOOD = [
    {"WECOM_WEBHOOK": WECOM},
    {"WECOM_WEBHOOK": f"http://127.0.0.1:9/send?key={SESAME}"},
    {"WECOM_WEBHOOK": f"http://[::1]:9/send?key={SESAME}"},
    {"DINGTALK_WEBHOOK": DINGTALK},
    {"DINGTALK_WEBHOOK": DINGTALK, "DINGTALK_SECRET": f"SEC{SESAME}"},
    {"FEISHU_WEBHOOK": FEISHU, "FEISHU_SECRET": SESAME},
    {"SMS_URL": ALIYUN},
    {"SMS_URL": ALIYUN + "&values=name,count"},
    {"SMS_URL": TENCENT + "&region=ap-beijing&values=link"},
    {"WEBHOOK_URL": "https://in.example/hook?a=b", "WEBHOOK_SECRET": SESAME},
    {"WEBHOOK_URL": "https://in.example", "WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    {"SMTP_URL": f"smtp://user:{SESAME}@mail.example:587"},
    {"SMTP_URL": "smtps://mail.example"},
]
REFUSED = [
    ({"WECOM_WEBHOOK": WECOM.replace("https", "http")}, "WECOM_WEBHOOK must begin with https"),
    ({"WECOM_WEBHOOK": WECOM.replace("https", "ftp")}, "WECOM_WEBHOOK"),
    ({"WECOM_WEBHOOK": SESAME}, "WECOM_WEBHOOK"),
    ({"WECOM_WEBHOOK": f"https:///send?key={SESAME}"}, "WECOM_WEBHOOK"),
    ({"WECOM_WEBHOOK": f"https://[::1/send?key={SESAME}"}, "WECOM_WEBHOOK"),
    ({"WECOM_WEBHOOK": f"https://host:{SESAME}/send?key=1"}, "WECOM_WEBHOOK"),
    ({"WECOM_WEBHOOK": f"https://user:{SESAME}@host/send?key=1"}, "WECOM_WEBHOOK"),
    ({"WECOM_WEBHOOK": f" {WECOM}"}, "WECOM_WEBHOOK"),
    ({"WECOM_WEBHOOK": f"{WECOM}\n"}, "WECOM_WEBHOOK"),
    ({"WECOM_WEBHOOK": f"{WECOM}#x"}, "WECOM_WEBHOOK"),
    ({"WECOM_WEBHOOK": f"{WECOM}密"}, "WECOM_WEBHOOK"),
    ({"WECOM_WEBHOOK": DINGTALK}, "WECOM_WEBHOOK must hold key="),
    ({"DINGTALK_WEBHOOK": WECOM}, "DINGTALK_WEBHOOK must hold access_token="),
    ({"DINGTALK_SECRET": SESAME}, "DINGTALK_WEBHOOK is not"),
    ({"DINGTALK_WEBHOOK": DINGTALK, "DINGTALK_SECRET": f"{SESAME} "}, "DINGTALK_SECRET"),
    ({"FEISHU_WEBHOOK": FEISHU.replace("https", "http")}, "FEISHU_WEBHOOK"),
    ({"FEISHU_SECRET": SESAME}, "FEISHU_WEBHOOK is not"),
    ({"WEBHOOK_URL": "https://in.example/hook"}, "WEBHOOK_SECRET"),
    ({"WEBHOOK_URL": "https://in.example/hook", "WEBHOOK_SECRET": "sesame"}, "WEBHOOK_SECRET"),
    ({"WEBHOOK_URL": "https://in.example/hook", "WEBHOOK_SECRET": f"whsec_{SESAME}"}, "WEBHOOK_SECRET"),
    ({"WEBHOOK_URL": "http://in.example/hook", "WEBHOOK_SECRET": SESAME}, "WEBHOOK_URL"),
    ({"WEBHOOK_SECRET": SESAME}, "WEBHOOK_URL is not"),
    ({"SMS_URL": ALIYUN.replace("aliyun", "https")}, "SMS_URL must begin with aliyun"),
    ({"SMS_URL": ALIYUN.replace("id:", ":")}, "SMS_URL"),
    ({"SMS_URL": f"aliyun://{SESAME}@host/?sign=a&template=b"}, "SMS_URL"),
    ({"SMS_URL": ALIYUN.replace("template", "templet")}, "SMS_URL lacks template"),
    ({"SMS_URL": ALIYUN.replace("青禾县工会", "")}, "SMS_URL lacks sign"),
    ({"SMS_URL": ALIYUN + "&app=1"}, "SMS_URL holds app"),
    ({"SMS_URL": ALIYUN + "&values=name,code"}, "SMS_URL: values"),
    ({"SMS_URL": ALIYUN + "&values=name,name"}, "SMS_URL: values"),
    ({"SMS_URL": ALIYUN.replace("/?", "/send?")}, "SMS_URL"),
    ({"SMS_URL": ALIYUN.replace("sesame-", "sesame/")}, "SMS_URL"),
    ({"SMS_URL": ALIYUN.replace("sesame-", "密")}, "SMS_URL"),
    ({"SMS_URL": TENCENT.replace("app=1400&", "")}, "SMS_URL lacks app"),
    ({"SMTP_URL": f"http://user:{SESAME}@mail.example"}, "SMTP_URL"),
    ({"SMTP_URL": f"smtp://user:{SESAME}/x@mail.example"}, "SMTP_URL"),
]


def given(values: dict[str, str]) -> dict[str, str]:
    return {f"CAMPAIGN_{name}": value for name, value in values.items()}


@pytest.mark.parametrize("values", GOOD)
def test_what_can_work_is_taken(values):
    settings = load_settings(given(values))
    for name, value in values.items():
        assert getattr(settings, name.lower()) == value
    assert SESAME not in repr(settings)


@pytest.mark.parametrize(("values", "sentence"), REFUSED)
def test_what_cannot_work_is_refused_by_name(values, sentence):
    with pytest.raises(ConfigError, match=f"CAMPAIGN_{sentence}") as refusal:
        load_settings(given(values))
    assert "sesame" not in str(refusal.value)


def test_an_account_is_read_with_its_signs():
    sms = Settings(sms_url="aliyun://id%2B:a%2Fb%2Bc%3D@127.0.0.1:9/?sign=%E9%9D%92%26%E7%A6%BE&template=S").sms
    assert (sms.url, sms.key, sms.secret, sms.sign) == ("http://127.0.0.1:9/", "id+", "a/b+c=", "青&禾")
    assert Settings(sms_url=TENCENT).sms.url == "https://sms.tencentcloudapi.com/"
    assert "a/b" not in repr(sms)
