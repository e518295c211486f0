"""A session that ends while somebody writes: what was typed comes along through the sign-in."""

from datetime import timedelta

import pytest
from sqlalchemy import delete

from campaign import clock
from campaign.db import db
from campaign.errors import Busy, say
from campaign.models import LoginSession, Phrase
from campaign.rules.organisation import Role
from campaign.web import review_acts
from campaign.web.again import HOURS
from tests import make

WORDS = "缺少现场照片，请补拍挂牌照片后再报。\n另请核对人数<b>。"


@pytest.fixture
def reviewer(app, visitor):
    """A supervisor who has signed in and looks at their phrases."""
    person = make.holder(make.unit(make.area("石桥镇")), Role.SUPERVISOR)
    visitor.sign_in(person)
    return person


def phrases() -> list[str]:
    """What stands in the database."""
    return [phrase.words.replace("\r\n", "\n") for phrase in db.session.query(Phrase)]


@pytest.fixture(autouse=True)
def checked(app):
    """Forms are asked for their token, as in earnest."""
    app.config["WTF_CSRF_ENABLED"] = True


def forget_sessions() -> None:
    """As after a long lunch, or after a password was set anew elsewhere."""
    db.session.execute(delete(LoginSession))
    db.session.commit()


def test_what_was_typed_comes_along_through_the_sign_in(visitor, reviewer):
    page = visitor.get("/reviews/phrases")
    forget_sessions()
    refused = page.submit("/reviews/phrases", status=401, words=WORDS)
    assert refused.has("请重新登录", "缺少现场照片", "另请核对人数<b>。") and phrases() == []
    wrong = refused.submit("/sign-in", status=401, login=reviewer.login, password="Wrong-horse-2026")
    assert wrong.has("缺少现场照片")
    kept = wrong.submit("/sign-in", login=reviewer.login, password=make.PASSWORD)
    assert kept.has("尚未提交", "缺少现场照片") and phrases() == [], "nothing goes out by itself"
    kept.submit("/reviews/phrases")
    assert phrases() == [WORDS]


def test_a_page_from_before_the_last_sign_in_can_still_be_sent(visitor, reviewer):
    page = visitor.get("/reviews/phrases")
    visitor.sign_out()
    visitor.sign_in(reviewer)
    old = page.form("/reviews/phrases")
    token = next(field.get("value") for field in old.all("input") if field.get("name") == "csrf_token")
    sent = {"words": WORDS, "csrf_token": token}
    for origin in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        foreign = visitor.client.post("/reviews/phrases", data=sent, headers=origin)
        assert foreign.status_code == 400 and "缺少现场照片" not in foreign.text, "a stranger's words are not offered"
    ours = visitor.client.post("/reviews/phrases", data=sent, headers={"Origin": "http://localhost"})
    assert ours.status_code == 400 and "缺少现场照片" in ours.text and "现在提交" in ours.text and phrases() == []


def test_no_stranger_puts_words_into_the_page(visitor, reviewer, monkeypatch):
    page = visitor.get("/reviews/phrases")
    forget_sessions()
    forged = visitor.client.post("/reviews/phrases", data={"words": WORDS, "csrf_token": "x"})
    assert forged.status_code == 401 and "缺少现场照片" not in forged.text
    sealed = page.submit("/reviews/phrases", status=401, words=WORDS).form("/sign-in")
    text = next(field.get("value") for field in sealed.all("input") if field.get("name") == "again")
    for false in (text[:-3] + "aaa", "x", ""):
        answer = visitor.client.post("/sign-in", data={"login": reviewer.login, "password": "no", "again": false})
        assert "缺少现场照片" not in answer.text
    later = clock.now() + timedelta(hours=HOURS + 1)
    monkeypatch.setattr("itsdangerous.timed.time.time", later.timestamp)
    old = {"login": reviewer.login, "password": "no", "again": text}
    assert "缺少现场照片" not in visitor.client.post("/sign-in", data=old).text


def test_what_cannot_be_done_now_can_be_sent_again(app, visitor, reviewer, monkeypatch):
    page = visitor.get("/reviews/phrases")

    def busy(*args, **kwargs):
        raise Busy(say("The system is busy just now. Nothing was changed; please try again in a moment."))

    with monkeypatch.context() as patched:
        patched.setattr(review_acts.remarking, "keep_phrase", busy)
        refused = page.submit("/reviews/phrases", status=503, words=WORDS)
    assert refused.has("再提交一次", "缺少现场照片") and phrases() == []
    refused.submit("再提交一次")
    assert phrases() == [WORDS]
    lost = visitor.get("/nowhere", status=404, headers={"Referer": "http://localhost/reviews/phrases"})
    assert lost.links["返回"] == "/reviews/phrases"
    assert "返回" not in visitor.get("/nowhere", status=404, headers={"Referer": "https://evil.example/"}).links
    foreign = visitor.client.post("/nowhere", data={"words": WORDS, "csrf_token": "x"})
    assert foreign.status_code == 404 and "缺少现场照片" not in foreign.text
