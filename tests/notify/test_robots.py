"""What robots post: what people wrote stays what it is, nobody is mentioned but the reader, nothing is too long."""

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from campaign.notify.channels import WAYS
from campaign.notify.channels.sms import values
from campaign.notify.channels.wording import harmless, mobile
from campaign.notify.letters import Letter, Permanent, Point

from .answering import answering
from .fixtures import LETTER, SIDES, settings

OURS = "https://c.example/"
ROBOTS = ("wecom", "dingtalk", "feishu")
HOSTILE = [
    "@all 请看",
    "<@all> <@wangfang>",
    "@13999999999",
    '<at user_id="all">所有人</at>',
    "&lt;at id=all&gt;&#64;all",
    "[点这里](https://evil.example/login)",
    "![x](https://evil.example/x.png)",
    "x](https://evil.example) [y",
    "<https://evil.example>",
    '<font color="warning">急</font><img src=x onerror=1>',
    "https://evil.example/login",
    "http://127.0.0.1:8000/x 192.168.1.1/x",
    "www.evil.example evil.example/p 例子.中国",
    "weixin://dl/business dingtalk://x",
    "a\n# 标题\n> 引用\n\n@all\r\n* 点",
    "a\u2028@all\u202e\u200b\x00\x07",
    "`code` *b* __i__ ~~s~~ | t |",
    "\\[x\\](https://evil.example)",
    "mail evil@evil.example",
    "[" * 50,
]


@dataclass(frozen=True)
class Posted:
    """A robot's message, taken apart as its client would show it."""

    content: dict
    size: int  # bytes, of what the provider measures
    text: str
    links: list[str]
    mentions: list[str]


def _wecom(body: bytes) -> Posted:
    content = json.loads(body)
    text = html.unescape(content["text"]["content"])  # a client may, so what follows must not come to be
    mentions = content["text"].get("mentioned_mobile_list", []) + re.findall("<@(.*?)>", text)
    return Posted(content, len(content["text"]["content"].encode()), text, _unasked(text), mentions)


def _dingtalk(body: bytes) -> Posted:
    content = json.loads(body)
    text = html.unescape(content["markdown"]["text"])
    assert content["at"]["isAtAll"] is False
    links = re.findall(r"\]\((.*?)\)", text)
    mentions = re.findall(r"@(\S+)", text + " " + content["markdown"]["title"])
    assert mentions == content["at"]["atMobiles"]
    bare = re.sub(r"\]\(.*?\)", "]", text)
    return Posted(content, len(body), bare, links + _unasked(bare), mentions)


def _feishu(body: bytes) -> Posted:
    content = json.loads(body)
    post = content["content"]["post"]["zh_cn"]
    pieces = [piece for line in post["content"] for piece in line]
    assert {piece["tag"] for piece in pieces} <= {"text", "a"}
    text = html.unescape("\n".join([post["title"], *(piece["text"] for piece in pieces)]))
    links = [piece["href"] for piece in pieces if piece["tag"] == "a"]
    return Posted(content, len(body), text, links + _unasked(text), re.findall("@|<at", text))


def _unasked(text: str) -> list[str]:
    """What a client makes a link of by itself: schemes, and names or numbers with dots."""
    found = r"[\w.+-]+://\S+|(?<![\w./])(?:[\w-]+\.)+[^\W\d_]{2,}\S*|\b(?:\d{1,3}\.){3}\d{1,3}\b"
    return re.findall(found, text)


TAKEN_APART: dict[str, Callable[[bytes], Posted]] = {"wecom": _wecom, "dingtalk": _dingtalk, "feishu": _feishu}
MOST = {"wecom": 2048, "dingtalk": 20_000, "feishu": 20_000}


def posted(name: str, letter: Letter) -> Posted:
    side = SIDES[name]
    with answering(side.says["taken"]) as served:
        WAYS[side.channel].send(letter, side.settings(served.host), seconds=2)
    return TAKEN_APART[name](served.requests[0].body)


def about(*headings: str, lines: tuple[str, ...] = (), subject: str = "", **more: str) -> Letter:
    points = tuple(Point(heading, lines, f"{OURS}assignments/{n}") for n, heading in enumerate(headings, 1))
    return replace(LETTER, subject=subject or headings[0], points=points, **more)


@pytest.mark.parametrize("name", ROBOTS)
def test_an_ordinary_message_reads_like_one(name):
    seen = posted(name, LETTER)
    for words in ("王芳", "退回修改：建会率（石桥镇工会）", "请修改后再提交。", "意见：材料不齐"):
        assert words in seen.text
    assert seen.links == [f"{OURS}assignments/17"]
    assert seen.mentions == ([] if name == "feishu" else ["13800001111"])


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", ROBOTS)
def test_what_people_wrote_makes_no_link_and_mentions_nobody(name, hostile):
    letter = about(f"退回修改：{hostile}", hostile, lines=(f"意见：{hostile}", hostile), name=hostile, to="@all")
    seen = posted(name, letter)
    assert seen.mentions == []
    assert set(seen.links) == {f"{OURS}messages", f"{OURS}assignments/1", f"{OURS}assignments/2"}
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u2028\u202e\u200b]", seen.text)


@pytest.mark.parametrize("text", ["建会率 52.5%（80家）", "2026.11.20 前", "A/B 组：第1-3村！", "“两个普遍”"])
def test_ordinary_text_is_left_as_it_is(text):
    assert harmless(text) == text


@pytest.mark.parametrize("name", ROBOTS)
@pytest.mark.parametrize("count", [1, 2, 12])
@pytest.mark.parametrize("words", ["长。", "😀", '"quoted" ', "\\", "x", "长长长长长长长长长长长长长长长长长长长长。"])
def test_whatever_the_length_it_fits_and_leads_to_the_rest(name, count, words):
    many = [f"第{n}项 " + words * 100 for n in range(count)]
    letter = about(*many, lines=(words * (20_000 // len(words)), words * 7), subject=words * 50)
    seen = posted(name, letter)
    assert seen.size <= MOST[name]
    assert seen.size > MOST[name] * 0.7  # the room is used
    assert f"{OURS}messages" in seen.links
    assert "……" in seen.text
    assert seen.text.encode()  # no half of a character


@pytest.mark.parametrize("name", ROBOTS)
def test_it_is_cut_after_a_sentence(name):
    reason = "".join(f"第{n}条材料要补充。" for n in range(3000))
    lines = posted(name, about("建会率", lines=(reason,))).text.splitlines()
    last = next(line for line in reversed(lines) if "材料" in line)
    assert re.fullmatch(r"(第\d+条材料要补充。)+", last)


@pytest.mark.parametrize("name", ROBOTS)
def test_a_letter_without_points_leads_home(name):
    seen = posted(name, replace(LETTER, points=()))
    assert seen.links == [f"{OURS}messages"]


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("13800001111", "13800001111"),
        (" 138 0000-1111 ", "13800001111"),
        ("+86 138 0000 1111", "13800001111"),
        ("0086-13800001111", "13800001111"),
        ("8613800001111", "13800001111"),
        ("0571-88880000", ""),
        ("+852 5123 4567", ""),
        ("１３８００００１１１１", ""),
        ("13800001111,13900002222", ""),
        ("@all", ""),
        ("", ""),
    ],
)
def test_mobile_numbers_as_people_write_them(phone, number):
    assert mobile(phone) == number


@pytest.mark.parametrize("name", ["aliyun", "tencent"])
@pytest.mark.parametrize("phone", ["", "0571-88880000", "@all", "+85251234567"])
def test_a_short_message_needs_a_mobile_number(name, phone):
    side = SIDES[name]
    with answering(side.says["taken"]) as served, pytest.raises(Permanent):
        WAYS[side.channel].send(replace(LETTER, to=phone), side.settings(served.host), seconds=2)
    assert served.requests == []


def test_a_template_gets_values_that_providers_take():
    assert values(LETTER, settings()) == {"name": "王芳", "count": "1", "link": "assignments/17"}
    many = about("a", "b", "c", name="【阿依古丽·买买提江】http://evil.example/" + "长" * 50)
    assert values(many, settings()) == {"name": "阿依古丽·买买提江htt", "count": "3", "link": "messages"}
    home = replace(LETTER, name="【】", points=(Point("x", (), OURS),))
    assert values(home, settings()) == {"name": "-", "count": "1", "link": "messages"}


def test_a_template_may_want_fewer_values_in_its_own_order():
    side = SIDES["tencent"]
    with answering(side.says["taken"]) as served:
        given = side.settings(served.host)
        given = replace(given, sms_url=f"{given.sms_url}&values=count,name")
        WAYS[side.channel].send(LETTER, given, seconds=2)
    assert json.loads(served.requests[0].body)["TemplateParamSet"] == ["1", "王芳"]
