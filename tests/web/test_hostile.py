"""What somebody sends who knows the addresses and the forms, and means no good. With both databases: never a 5xx."""

import io
import re
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from campaign import clock
from campaign.db import db
from campaign.models import Assignment, Attachment, Campaign, Draft, Event, Person, Post, Submission
from campaign.rules.organisation import Role
from campaign.rules.states import State
from tests import make
from tests.evidence.hostile import picture

from .matrix import ACTORS, ANONYMOUS, STAFF, build

BOTH = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
NUMBERS = ("9" * 19, "-" + "9" * 30, "²", "9" * 5_000, "1e5", "9999-12-31")
TEXTS = ("a\x00b", "\u202eabc", "x" * 100_000, "a\r\nSet-Cookie: x=1", "%(name)s %s {0}", "//[", "'; --", "\\%_")
ARGUMENTS = (
    "state", "light", "campaign", "unit", "text", "after", "sort", "q", "before", "area", "line", "status", "find",
    "role", "standing", "subject", "number", "person", "tag", "since", "until", "name", "file", "back", "next", "task",
)  # fmt: skip
PAGES = {
    "officer of the unit": ("/", "/messages", "/assignments", "/assignments/{ACKNOWLEDGED}/ledger", "/me/password"),
    "supervisor at the waiting level": ("/reviews", "/reviews/{SUBMITTED}"),
    "dispatcher of the issuing unit": (
        "/campaigns", "/campaigns/{issued}/preview", "/campaigns/{issued}/board", "/campaigns/{issued}/board.csv",
        "/assignments/export.csv",
    ),
    "administrator inside": (
        "/admin/areas", "/admin/areas.csv", "/admin/people", "/admin/people.csv", "/admin/jobs", "/admin/deliveries",
        "/admin/log", "/admin/log.csv", "/admin/import/people",
    ),
    ANONYMOUS: ("/sign-in", "/readyz", "/"),
}  # fmt: skip


@pytest.fixture
def world(app, monkeypatch, client_class):
    monkeypatch.setattr(clock, "now", lambda: make.NOW)
    app.config |= {"WTF_CSRF_ENABLED": False, "PROPAGATE_EXCEPTIONS": False}
    app.test_client_class = client_class
    return build(app)


@pytest.fixture
def officer(world):
    return world.clients["officer of the unit"]


def standing(id: int) -> tuple[State, int]:
    row = db.session.execute(select(Assignment.state, Assignment.version).where(Assignment.id == id)).one()
    return row.state, row.version


@BOTH
def test_no_address_fails_whatever_stands_in_it(world):
    failed = []
    for name, paths in PAGES.items():
        for path in (each.format_map(world.ids) for each in paths):
            for value in (*NUMBERS, *TEXTS):
                queries = [dict.fromkeys(ARGUMENTS, value), {"sort": value}, {"number": value, "subject": "person"}]
                queries.append({"before": f"{value}.{value}", "after": f"{value[:18]}.{value[:18]}"})
                for query in queries:
                    answer = world.clients[name].get(path, query_string=query, buffered=True)
                    if answer.status_code >= 500:
                        failed.append((answer.status_code, path, next(iter(query)), value[:20]))
    assert failed == []


@BOTH
@pytest.mark.parametrize("number", [2**31, 2**63 - 1, 2**63, 10**40])
def test_what_no_row_can_have_as_its_number_does_not_exist(world, number):
    for name, path in (
        ("officer of the unit", "/assignments/{}"), ("officer of the unit", "/evidence/{}"),
        ("dispatcher of the issuing unit", "/campaigns/{}/board"), ("administrator inside", "/admin/people/{}"),
    ):  # fmt: skip
        assert world.clients[name].get(path.format(number)).status_code == 404


@BOTH
def test_no_form_fails_whatever_is_typed(world):
    ids = {name: str(id) for name, id in world.ids.items()}
    forms = (
        ("officer of the unit", "/assignments/{ACKNOWLEDGED}/draft", ("words", "note", "kind", "files", "remove")),
        ("officer of the unit", "/assignments/{ACKNOWLEDGED}/check-in", ("note", "kind", "check_in_id", "files")),
        ("officer of the unit", "/assignments/{ACKNOWLEDGED}/submit", ("seen", "files", "client_action_id", "money")),
        ("supervisor at the waiting level", "/reviews/{SUBMITTED}/return", ("seen", "words", "reason")),
        ("supervisor at the waiting level", "/reviews/many", ("seen", "shown", "take", "client_action_id")),
        ("dispatcher of the issuing unit", "/assignments/{APPROVED}/cancel", ("seen", "reason", "client_action_id")),
        ("dispatcher of the issuing unit", "/campaigns/{draft}/issue", ("seen",)),
        ("dispatcher of the issuing unit", "/campaigns/{issued}/dispatch", ("task_id",)),
        ("dispatcher of the issuing unit", "/campaigns/new",
         ("title", "number", "issuing_unit", "co_issuers", "higher_campaign", "starts_on", "phases-0-name", "theme")),
        ("dispatcher of the issuing unit", "/campaigns/{draft}/tasks/new",
         ("title", "key", "units", "due_on", "due_days", "respond_days", "min_characters", "evidence-0-name",
          "evidence-0-min", "metrics-0-name", "metrics-0-target", "metrics-0-unit", "seen")),
        ("administrator inside", "/admin/people/new", ("login", "name", "phone", "email", "unit", "valid_from")),
        (ANONYMOUS, "/sign-in", ("login", "password", "next")),
    )  # fmt: skip
    failed = []
    for name, path, fields in forms:
        for value in (*NUMBERS, *TEXTS):
            one_by_one = fields if value in (NUMBERS[0], NUMBERS[3], TEXTS[0]) else ()
            for given in (dict.fromkeys(fields, value), *({field: value} for field in one_by_one)):
                plain = dict.fromkeys(("title", "words", "reason", "name"), "文") | {"seen": "1"}
                answer = world.clients[name].post(path.format_map(ids), data=plain | given)
                if answer.status_code >= 500:
                    failed.append((answer.status_code, path, sorted(given)[0], value[:20]))
    assert failed == []


@BOTH
def test_text_that_no_column_can_hold_is_refused_in_files_too(world):
    dispatcher = world.clients["dispatcher of the issuing unit"]
    for sign in (r"\0", r"\uD800"):
        plan = f'format: 1\ntitle: "a{sign}b"\nissuing_unit: {{area: x, line: women}}\n'
        sent = {"file": (io.BytesIO(plan.encode()), "a.yaml")}
        assert dispatcher.post("/campaigns/load", data=sent).status_code in (400, 422)
    admin = world.clients["administrator inside"]
    assert admin.post("/admin/import/people/passwords", data={"list": r'[["\ud800","a","b","c"]]'}).status_code < 500


@pytest.mark.parametrize("wanted", ["//evil.example", "/\\evil.example", "//[", "/\t/evil", "https://evil.org", "///x"])
def test_nobody_is_led_away(world, wanted):
    stranger = world.clients[ANONYMOUS]
    assert stranger.post("/language/en", data={"next": wanted}).location == "/"
    person = db.session.get_one(Person, world.ids["officer of the unit"])
    answer = stranger.post("/sign-in", data={"login": person.login, "password": make.PASSWORD, "next": wanted})
    assert answer.location == "/"
    page = world.clients["officer of the unit"].get(f"/assignments/{world.ids['ISSUED']}/ledger?back={wanted}")
    assert page.status_code == 200
    own = page.text.replace("http://localhost", "")
    assert not re.search(r'(href|value|action)="(//|/\\\\|https:)', own)


def test_fields_that_no_form_has_change_nothing(world, officer):
    """State, owner, reviewer, dates and authors are never taken from what is sent."""
    id = world.ids["ACKNOWLEDGED"]
    more = {
        "state": "5", "version": "99", "unit_id": "1", "reviewer_unit_id": "", "review_step": "3", "person_id": "1",
        "approved_by": "1", "at": "0", "created_at": "0", "due_at": "0", "chain": "1", "number": "7",
        "digest": "f" * 64,
        "id": "1", "post_id": "1", "task_id": "1",
    }  # fmt: skip
    answer = officer.post(f"/assignments/{id}/submit", data={"seen": "1", "words": "已完成。", "kind": "1"} | more)
    assert answer.status_code == 303
    row = db.session.get_one(Assignment, id)
    assert (row.state, row.version, row.review_step) == (State.SUBMITTED, 2, 0)
    assert row.reviewer_unit_id == world.units["city/county/t0", make.Line.WOMEN]
    sent = db.session.scalars(select(Submission).where(Submission.assignment_id == id)).one()
    assert (sent.number, sent.person_id, sent.at) == (1, world.ids["officer of the unit"], make.NOW)
    assert sent.digest != "f" * 64
    admin = world.clients["administrator inside"]
    fields = {"login": "neu", "name": "新人", "unit": "清河县妇联", "role": "1", "valid_from": "2026-11-20"}
    answer = admin.post(
        "/admin/people/new", data=fields | {"password_hash": "x", "must_change_password": "", "id": "1"}
    )
    assert answer.status_code == 200
    made = db.session.scalars(select(Person).where(Person.login == "neu")).one()
    assert made.must_change_password
    assert made.password_hash != "x"


def test_evidence_names_only_rules_and_files_of_its_own_assignment(world, officer):
    """A rule of somebody else's draft would be read on the ledger by its name."""
    rule = make.evidence_rule(db.session.get_one(make.Task, world.ids["foreign draft task"]), name="别处的要求")
    id, file = world.ids["ACKNOWLEDGED"], world.ids["evidence"]
    given = {"seen": "1", "words": "已完成。", "kind": "1", "files": [f"{file}:{rule.id}", "999999:1", "²:²"]}
    assert officer.post(f"/assignments/{id}/submit", data=given).status_code == 303
    rows = db.session.execute(select(Attachment.evidence_id, Attachment.rule_id)).all()
    assert rows == [(file, None)]
    assert "别处的要求" not in officer.get(f"/assignments/{id}/ledger").text


def test_an_act_cannot_be_replayed_by_another_or_elsewhere(world, officer):
    key, id, other = str(uuid4()), world.ids["ACKNOWLEDGED"], world.ids["RETURNED"]
    given = {"seen": "1", "words": "已完成。", "kind": "1", "client_action_id": key}
    assert officer.post(f"/assignments/{id}/submit", data=given).status_code == 303
    assert officer.post(f"/assignments/{id}/submit", data=given).status_code == 303  # the same again is the same
    assert officer.post(f"/assignments/{id}/submit", data=given | {"words": "别的。"}).status_code == 409
    assert officer.post(f"/assignments/{other}/submit", data=given).status_code == 409
    reviewer = world.clients["supervisor at the waiting level"]
    answer = reviewer.post(f"/reviews/{id}/approve", data={"seen": "2", "client_action_id": key})
    assert answer.status_code == 409
    assert standing(id) == (State.SUBMITTED, 2)
    assert standing(other) == (State.RETURNED, 1)


@pytest.mark.parametrize("seen", ["0", "2", "-1", "", "x", "1.0", "9" * 40])
def test_the_version_seen_cannot_be_guessed_past(world, seen):
    id = world.ids["SUBMITTED"]
    for name, path, more in (
        ("officer of the unit", f"/assignments/{id}/withdraw", {}),
        ("supervisor at the waiting level", f"/reviews/{id}/approve", {}),
        ("supervisor at the waiting level", f"/reviews/{id}/return", {"reason": "9", "words": "请补充。"}),
        ("dispatcher of the issuing unit", f"/assignments/{id}/cancel", {"reason": "因故"}),
    ):
        assert world.clients[name].post(path, data={"seen": seen} | more).status_code in (409, 422)
    assert standing(id) == (State.SUBMITTED, 1)


def test_reading_changes_nothing(world):
    """Every address is asked for; neither the log, nor states, nor posts, nor drafts move."""

    def counts() -> list[int]:
        nouns = (Event, Post, Draft, Person, Submission, Campaign)
        return [db.session.scalar(select(func.count()).select_from(noun)) for noun in nouns]

    before, states = counts(), [standing(world.ids[state.name]) for state in State]
    for rule in world.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint in ("static", "door.language"):
            continue
        values = dict.fromkeys(rule.arguments, 1) | {"kind": "csv", "what": "people"}
        with world.app.test_request_context():
            path = world.app.url_for(rule.endpoint, **{name: values[name] for name in rule.arguments})
        for name in ACTORS:
            assert world.clients[name].get(path, buffered=True).status_code < 500
    assert counts() == before
    assert [standing(world.ids[state.name]) for state in State] == states


def test_a_form_needs_the_token_of_its_own_session(world):
    world.app.config["WTF_CSRF_ENABLED"] = True
    path = f"/assignments/{world.ids['ISSUED']}/acknowledge"
    mine, other = world.clients["officer of the unit"], world.clients["officer of a sibling village"]
    page = other.get("/me/password").text
    foreign = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    for data, headers in (
        ({"seen": "1"}, {}),
        ({"seen": "1", "csrf_token": foreign}, {}),
        ({"seen": "1", "csrf_token": "x"}, {"Origin": "https://evil.example"}),
        ('{"seen": 1}', {"Content-Type": "text/plain"}),
        ('{"seen": 1}', {"Content-Type": "application/json"}),
    ):
        assert mine.post(path, data=data, headers=headers).status_code == 400
    assert standing(world.ids["ISSUED"]) == (State.ISSUED, 1)


def test_pages_are_private_and_addresses_are_our_own(world):
    for name in (*STAFF, ANONYMOUS):
        answer = world.clients[name].get("/me", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        assert answer.headers["Cache-Control"] == "no-store"
        assert "evil.example" not in answer.text + (answer.location or "")
    for path in ("/healthz", "/readyz", "/metrics"):
        said = world.clients[ANONYMOUS].get(path).text
        assert not any(word in said for word in ("清河", "postgres", "sqlite", "/tmp", "Traceback", "@"))


def test_bodies_have_limits_and_strangers_smaller_ones(world, officer):
    path = f"/assignments/{world.ids['ACKNOWLEDGED']}/upload"
    large = {"CONTENT_LENGTH": str(61 * 1024 * 1024), "wsgi.input": io.BytesIO(b"")}
    assert officer.post(path, environ_overrides=large).status_code == 413
    many = {f"f{number}": "x" for number in range(1_200)}
    assert officer.post(path, data=many, content_type="multipart/form-data").status_code == 413
    sent = {"login": "a", "password": "b", "file": (io.BytesIO(b"x" * 300_000), "a.bin")}
    assert world.clients[ANONYMOUS].post("/sign-in", data=sent).status_code == 413


def test_names_of_files_stay_in_their_place(world, officer):
    path = f"/assignments/{world.ids['ACKNOWLEDGED']}/upload"
    for number, name in enumerate(("../../etc/passwd.jpg", "a\r\nX-Evil: 1.jpg", "\u202egpj.jpg", "a;b=c.jpg")):
        sent = {"file": (io.BytesIO(picture("PNG", (9 + number, 9))), name)}
        answer = officer.post(path, data=sent)
        assert answer.status_code in (201, 400), name
        if answer.status_code == 400:  # a head of a part with a line end in it is none
            continue
        kept = officer.get(answer.json["href"] + "?original=1", buffered=True)
        assert kept.status_code == 200
        assert "X-Evil" not in kept.headers
        assert "/" not in answer.json["name"]
        assert kept.headers["Content-Disposition"].startswith("attachment;")


def test_what_is_typed_is_shown_as_text(world, officer):
    bad = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    id = world.ids["ACKNOWLEDGED"]
    officer.post(f"/assignments/{id}/check-in", data={"note": bad, "kind": "1"})
    sent = {"seen": "1", "words": bad, "kind": "1"}
    assert officer.post(f"/assignments/{id}/submit", data=sent).status_code == 303
    reviewer = world.clients["supervisor at the waiting level"]
    assert reviewer.post(f"/reviews/{id}/return", data={"seen": "2", "reason": "9", "words": bad}).status_code == 303
    dispatcher = world.clients["dispatcher of the issuing unit"]
    assert dispatcher.post(f"/assignments/{id}/cancel", data={"seen": "3", "reason": bad}).status_code == 303
    assert dispatcher.post("/campaigns/new", data={"title": bad, "theme": bad}).status_code == 422
    pages = [
        officer.get(f"/assignments/{id}"), officer.get(f"/assignments/{id}/receipt"), reviewer.get(f"/reviews/{id}"),
        dispatcher.get(f"/assignments/{id}/ledger"), dispatcher.post("/campaigns/new", data={"title": bad}),
        dispatcher.get("/campaigns", query_string={"text": bad}),
        officer.get("/assignments", query_string={"text": bad}),
        world.clients["administrator inside"].get("/admin/log"),
        world.clients["administrator inside"].get("/admin/people", query_string={"text": bad}),
        reviewer.post(f"/reviews/{id}/return", data={"seen": "1", "reason": "9", "words": bad}),
    ]  # fmt: skip
    for page in pages:
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
    assert any("&lt;script&gt;alert" in page.text for page in pages)


def test_nothing_that_is_exported_is_a_formula(world, officer):
    id = world.ids["ACKNOWLEDGED"]
    officer.post(f"/assignments/{id}/submit", data={"seen": "1", "words": '=HYPERLINK("http://x")', "kind": "1"})
    dispatcher = world.clients["dispatcher of the issuing unit"]
    table = dispatcher.get(f"/assignments/{id}/ledger.csv", buffered=True).text
    assert "'=HYPERLINK" in table
    assert ",=" not in table
    assert ',"=' not in table
    assert make.holder(
        db.session.get_one(make.Unit, world.units["city/county", make.Line.UNION]), Role.OFFICER, name="@SUM(1)"
    )
    listed = world.clients["administrator inside"].get("/admin/people.csv", buffered=True).text
    assert "'@SUM(1)" in listed
