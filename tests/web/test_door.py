"""The door in the browser's eyes: sign-in, sessions, the first password, languages, headers, errors, gauges."""

import re
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from campaign import clock
from campaign.config import ConfigError
from campaign.db import db, unit_of_work
from campaign.errors import Busy, Invalid, NoSpace, Problem, Refused, say
from campaign.models import LoginSession, Person, Post
from campaign.operations.people import set_first_password
from campaign.operations.recording import claim_slot
from campaign.rules.organisation import SYSTEM, Level, Role
from campaign.web import access
from campaign.web.access import PUBLIC, current_actor, require_role
from campaign.web.door import local_path
from campaign.web.language import build_catalogue, compile_parts
from tests import make

WRONG = "Wrong-horse-2026"
NEW = "Plum-blossom-77"
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def token(client, path="/sign-in") -> str:
    """The token of the form on that page."""
    return TOKEN.search(client.get(path).text)[1]


def sign_in(client, login="liying", password=make.PASSWORD, **fields):
    """Fills in the sign-in page as a browser does."""
    fields |= {"login": login, "password": password, "csrf_token": token(client)}
    return client.post("/sign-in", data=fields)


def secret_page(client):
    """What a page that needs a person answers."""
    return client.get("/me/password")


@pytest.fixture
def clock_at(monkeypatch):
    """Sets the clock of the requests."""

    def at(moment):
        monkeypatch.setattr(clock, "now", lambda: moment)

    at(make.NOW)
    return at


@pytest.fixture
def officer(app, clock_at):
    """An officer of a village, with one post."""
    village = make.area("东湾村", Level.VILLAGE)
    return make.holder(make.unit(village), login="liying", name="李迎")


def test_sign_in_and_out(client, officer):
    assert secret_page(client).status_code == 303
    answer = sign_in(client, next="/me/password")
    assert (answer.status_code, answer.location) == (303, "/me/password")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert secret_page(client).status_code == 200
    assert client.get("/sign-in").status_code == 303
    answer = client.post("/sign-out", data={"csrf_token": token(client, "/me/password")})
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert secret_page(client).status_code == 303


def test_a_copied_cookie_opens_nothing_after_sign_out(client, officer):
    sign_in(client)
    copied = client.get_cookie("session").value
    client.post("/sign-out", data={"csrf_token": token(client, "/me/password")})
    client.set_cookie("session", copied)
    assert secret_page(client).status_code == 303


def test_a_new_session_at_every_sign_in(client, app, officer):
    """What a stranger planted in the browser before the sign-in is worth nothing afterwards."""
    client.get("/sign-in")
    planted = client.get_cookie("session").value
    sign_in(client)
    first = client.get_cookie("session").value
    other = app.test_client()
    other.set_cookie("session", planted)
    assert secret_page(other).status_code == 303
    sign_in(other)
    assert other.get_cookie("session").value != first
    assert len(db.session.scalars(select(LoginSession.digest)).all()) == 2


def test_the_session_idles_out(client, officer, clock_at):
    sign_in(client)
    clock_at(make.NOW + timedelta(minutes=29))
    assert secret_page(client).status_code == 200
    clock_at(make.NOW + timedelta(minutes=58))
    assert secret_page(client).status_code == 200
    clock_at(make.NOW + timedelta(minutes=89))
    assert secret_page(client).status_code == 303


def test_a_disabled_person_is_out_at_the_next_request(client, officer, now):
    sign_in(client)
    with unit_of_work() as session:
        session.get_one(Person, officer.id).disabled_at = now
    assert secret_page(client).status_code == 303


def test_an_ended_post_is_gone_at_the_next_request(client, app, officer, now):
    @app.get("/posts")
    def posts():
        return str(len(current_actor().posts))

    @app.get("/officers")
    @require_role(Role.OFFICER)
    def officers():
        return "officers"

    sign_in(client)
    assert client.get("/posts").text == "1" and client.get("/officers").text == "officers"
    with unit_of_work() as session:
        session.scalars(select(Post)).one().disabled_at = now
    assert client.get("/posts").text == "0" and client.get("/officers").status_code == 403


def test_unknown_and_wrong_are_answered_alike(client, officer):
    answers = {}
    for login in ("liying", "nobody"):
        answers[login] = [sign_in(client, login, WRONG) for _ in range(6)]
    assert [answer.status_code for answer in answers["liying"]] == [401] * 5 + [423]
    for known, unknown in zip(answers["liying"], answers["nobody"], strict=True):
        assert known.status_code == unknown.status_code
        page, other = (TOKEN.sub("", answer.text) for answer in (known, unknown))
        assert page.replace("liying", "nobody") == other
    refused = sign_in(client)
    assert refused.status_code == 423 and "11月20日 10:30" in refused.text
    assert secret_page(client).status_code == 303


def test_empty_fields_are_named_and_cost_no_try(client, officer):
    for _ in range(6):
        answer = sign_in(client, "liying", "")
        assert answer.status_code == 422 and "请输入密码" in answer.text and 'value="liying"' in answer.text
    assert sign_in(client).status_code == 303


def test_forms_from_elsewhere_are_refused(client, officer):
    assert client.post("/sign-in", data={"login": "liying", "password": make.PASSWORD}).status_code == 400
    sign_in(client)
    assert client.post("/sign-out").status_code == 400
    assert client.post("/sign-out", data={"csrf_token": "x" * 40}).status_code == 400
    assert secret_page(client).status_code == 200


def test_a_first_password_leads_only_to_the_password_page(client, app, officer, now):
    with unit_of_work():
        set_first_password(officer.id, NEW, actor=SYSTEM, now=now)
    assert sign_in(client, password=NEW).status_code == 303
    closed = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in PUBLIC | {"door.password"} and not rule.arguments and "GET" in rule.methods
    ]
    with app.test_request_context():
        paths = [app.url_for(endpoint) for endpoint in closed]
    assert {client.get(path).location for path in paths} <= {"/me/password"}
    page = secret_page(client).text
    assert 'name="new"' in page and 'name="current"' not in page
    form = {"csrf_token": TOKEN.search(page)[1], "again": NEW, "new": NEW}
    answer = client.post("/me/password", data=form)
    assert answer.status_code == 422 and "新密码与原密码相同" in answer.text
    form |= {"new": "Quiet-river-88", "again": "Quiet-river-88"}
    assert client.post("/me/password", data=form).status_code == 303
    assert 'name="current"' in secret_page(client).text


def change(client, **fields):
    """Fills in the password page."""
    fields = {"current": make.PASSWORD, "new": NEW, "again": NEW} | fields
    return client.post("/me/password", data=fields | {"csrf_token": token(client, "/me/password")})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"again": NEW + "x"}, "两次输入的密码不一致"),
        ({"current": WRONG}, "再错4次"),
        ({"new": "Ab1", "again": "Ab1"}, "至少10个字符"),
        ({"new": "Liying-at-99", "again": "Liying-at-99"}, "不要含有用户名"),
        ({"new": make.PASSWORD, "again": make.PASSWORD}, "新密码与原密码相同"),
    ],
)
def test_passwords_that_are_refused(client, officer, fields, sentence):
    sign_in(client)
    answer = change(client, **fields)
    assert answer.status_code == 422 and sentence in answer.text
    assert secret_page(client).status_code == 200


def test_changing_the_password_signs_other_devices_out(client, app, officer):
    other = app.test_client()
    sign_in(client)
    sign_in(other)
    before = client.get_cookie("session").value
    assert change(client).status_code == 303
    assert secret_page(client).status_code == 200 and secret_page(other).status_code == 303
    client.set_cookie("session", before)
    assert secret_page(client).status_code == 303
    assert sign_in(client).status_code == 401 and sign_in(client, password=NEW).status_code == 303


def test_the_present_password_cannot_be_guessed_either(client, officer):
    sign_in(client)
    assert [change(client, current=WRONG).status_code for _ in range(6)] == [422] * 5 + [423]


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil",
        "javascript:alert(1)",
        "/\n/x",
        "",
        None,
    ],
)
def test_nobody_is_sent_elsewhere(wanted):
    assert local_path(wanted) == "/"
    assert local_path("/assignments?page=2") == "/assignments?page=2"


def test_language(client, officer):
    assert "登录" in client.get("/sign-in").text
    answer = client.post("/language/en", data={"csrf_token": token(client), "next": "/sign-in"})
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    page = client.get("/sign-in").text
    assert 'lang="en"' in page and "登录" not in page
    sign_in(client)
    client.post("/language/zh_CN", data={"csrf_token": token(client, "/me/password")})
    client.delete_cookie("locale")
    assert "修改密码" in secret_page(client).text
    assert client.get("/language/en").status_code == 405, "to follow a link changes nothing"


def test_two_parts_must_not_contradict(tmp_path):
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    one, two = (f'{head}msgid "Approve"\nmsgstr "{word}"\n'.encode() for word in ("通过", "批准"))
    with pytest.raises(ConfigError, match=r"通过.*a\.po.*批准.*b\.po"):
        compile_parts((("a.po", one), ("b.po", two)))
    assert compile_parts((("a.po", one), ("b.po", one))) == compile_parts((("a.po", one),))
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.po").write_bytes(one)
    target = tmp_path / "made" / "messages.mo"
    build_catalogue(tmp_path / "parts", target)
    first = target.stat().st_mtime_ns
    build_catalogue(tmp_path / "parts", target)
    assert target.stat().st_mtime_ns == first and [path.name for path in target.parent.iterdir()] == ["messages.mo"]


def test_every_answer_is_guarded(client, officer):
    for path in ("/sign-in", "/nowhere", "/healthz", "/me/password"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
    page = client.get("/sign-in").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=", page)
    styles = re.search(r'href="(/static/components\.css\?v=[^"]+)"', page)[1]
    with client.get(styles) as answer:
        assert "immutable" in answer.headers["Cache-Control"]


FAILURES = {
    "refused": (Refused(say("Only an administrator may do this.")), 409, "只有管理员可以办理"),
    "invalid": (Invalid(say("The password was not changed."), [Problem("new", say("New password"))]), 422, "新密码"),
    "busy": (Busy(say("Nothing was changed")), 503, "本次操作未生效"),
    "locked database": (OperationalError("SELECT 1", {}, Exception("database is locked")), 503, "系统正忙"),
    "no space": (NoSpace(say("There is no room left")), 507, "存储空间不足"),
    "unexpected": (KeyError("secret detail"), 500, "错误编号"),
    "broken statement": (OperationalError("SELECT secret detail", {}, Exception("no such table")), 500, "错误编号"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures_are_pages(client, app, officer, name):
    error, status, words = FAILURES[name]

    @app.get("/fails")
    def fails():
        raise error

    sign_in(client)
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    answer = client.get("/fails")
    assert answer.status_code == status and words in answer.text and 'class="app-bar' in answer.text
    assert "secret detail" not in answer.text and "Traceback" not in answer.text
    assert (answer.headers.get("Retry-After") is not None) == (status == 503)
    assert client.get("/fails", headers={"Accept": "application/json"}).json["status"] == status


def test_a_full_disk_refuses_what_writes_and_shows_what_is_there(client, app, officer, clock_at, now):
    """A database that may not grow says what a full disk says."""
    sign_in(client)
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False, WTF_CSRF_ENABLED=False)

    db.session.remove()
    event.listen(db.engine, "checkout", lambda held, *_: held.execute("PRAGMA max_page_count = 1"))
    clock_at(now + timedelta(minutes=5))  # late enough to be noted as seen
    with pytest.raises(NoSpace), unit_of_work() as session:
        session.execute(text("UPDATE person SET name = :text"), {"text": "字" * 200_000})
    assert client.get("/me").status_code == 200


@pytest.mark.parametrize(("reason", "status"), [("database is locked", 503), ("disk I/O error", 500)])
def test_a_database_that_does_not_know_the_person_is_a_page(client, app, officer, monkeypatch, reason, status):
    sign_in(client)

    def away(*_args, **_kwargs):
        raise OperationalError("SELECT secret detail", {}, Exception(reason))

    monkeypatch.setattr(access, "session_of", away)
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    for path in ("/", "/nowhere", "/sign-in", "/me/password"):
        answer = client.get(path)
        assert answer.status_code == status and 'class="app-bar' in answer.text
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/sign-in", 405)])
def test_wrong_addresses_are_pages(client, method, path, status):
    answer = client.open(path, method=method)
    assert answer.status_code == status and "回到首页" in answer.text


def test_too_large_is_a_page(client, app, officer):
    sign_in(client)
    app.config["MAX_CONTENT_LENGTH"] = 1000
    answer = client.post("/me/password", data={"new": "x" * 2000})
    assert answer.status_code == 413 and "上传的内容太大" in answer.text


def test_strangers_who_send_a_form_are_told_to_sign_in(client):
    answer = client.post("/me/password")
    assert answer.status_code == 401 and "/sign-in" in answer.text


def test_ready_and_gauges(client, app):
    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 503 and ready.json["scheduler"] == "never ticked"
    assert ready.json["scheduler_age_seconds"] is None and ready.json["database"] == "ok"
    gauges = client.get("/metrics").text
    assert "campaign_database_up 1" in gauges and "campaign_deliveries_waiting 0" in gauges
    with unit_of_work() as session:
        session.execute(text("DROP TABLE delivery"))
    assert client.get("/readyz").status_code == 503
    assert client.get("/metrics").text == "# TYPE campaign_database_up gauge\ncampaign_database_up 0\n"


@pytest.mark.parametrize(
    ("ago", "status", "words"),
    [(0, 200, "ok"), (119, 200, "ok"), (125, 503, "stands still"), (-30, 200, "ok"), (-3600, 503, "stands still")],
)
def test_readiness_tells_the_age_of_the_last_tick(client, app, ago, status, words):
    """The last tick is the newest run, also where an older one has a later time because the clock was set back."""
    now = clock.now()
    for at in (now + timedelta(hours=2), now - timedelta(seconds=ago)):
        with unit_of_work():
            claim_slot("fold", at, worker="w:1", now=at)
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["scheduler"]) == (status, words)
    assert abs(ready.json["scheduler_age_seconds"] - ago) < 5
    assert ("Retry-After" in ready.headers) == (status == 503)


def test_the_page_of_components_is_not_for_production(client, app):
    assert client.get("/styleguide").status_code == 200
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], env="production")
    assert client.get("/styleguide").status_code == 404


def test_not_ready_without_a_place_for_evidence(client, app):
    folder = app.config["SETTINGS"].evidence_path
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.json["evidence"] == "not writable"
