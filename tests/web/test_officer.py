"""The officer's pages in a browser: the to-do list, one assignment from signing for it to its receipt, messages, me."""

import io
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import func, select

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import (
    Assignment,
    Attachment,
    CheckIn,
    Draft,
    Event,
    Evidence,
    MetricValue,
    Notice,
    Review,
    Submission,
)
from campaign.rules.events import CATALOGUE
from campaign.rules.metrics import MetricKind
from campaign.rules.organisation import Line, Role
from campaign.rules.states import Action, CheckInKind, ReturnReason, State
from campaign.rules.targets import Quota
from campaign.web import words
from campaign.web.words import TAGS, tag_words, word
from tests import make
from tests.counting import statements

WORDS = "两期手工编织班已办完，学员当场接单。" * 3


def a_photo(shade: int = 90) -> tuple[io.BytesIO, str]:
    """A small picture; another shade is another file."""
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), (shade, 90, 60)).save(stream, "JPEG")
    stream.seek(0)
    return stream, f"现场{shade}.jpg"


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def task(tree):
    """Asks a count, an amount, a rate, one photo and twenty characters."""
    made = make.task(
        make.campaign(tree.unit(tree.county)), title="农村妇女创业就业服务", min_characters=20, grace_days=5
    )
    make.metric(made, target=12, name="带动就业", unit_of_measure="人")
    make.metric(made, MetricKind.AMOUNT, target=300_000, name="贷款投放额")
    make.metric(made, MetricKind.RATE, name="建站率", numerator_name="已建站", denominator_name="总数")
    make.evidence_rule(made, name="现场照片")
    return made


@pytest.fixture
def names(task):
    """The names of the fields of that task's form."""
    count, amount, rate = task.metrics
    return {
        "count": f"metric-{count.id}",
        "amount": f"metric-{amount.id}",
        "part": f"metric-{rate.id}-numerator",
        "whole": f"metric-{rate.id}-denominator",
        "file": f"file-{task.evidence_rules[0].id}",
    }


def filled(names, **changes):
    """A complete report without its file."""
    given = {names["count"]: "11", names["amount"]: "30.5", names["part"]: "5", names["whole"]: "6"}
    return given | {"money": "wan", "words": WORDS} | changes


@pytest.fixture
def officer(tree, visitor):
    """The officer of the first village, at the browser, reading English."""
    visitor.client.set_cookie("locale", "en")
    visitor.sign_in(tree.holder(tree.villages[0], Role.OFFICER))
    return visitor


def stored(assignment_id: int) -> Assignment:
    db.session.rollback()
    return db.session.get_one(Assignment, assignment_id)


def test_home_groups_what_is_to_do_and_signs_for_it(tree, task, officer):
    make.assignment(task, tree.unit(tree.villages[0]))
    page = officer.get("/")
    assert page.has("To sign for", "农村妇女创业就业服务", "sign for: 2 days left", "Sun 22 Nov")
    page = page.submit("Sign for")
    assert page.has("Signed for. You can report now.", "Submit for review")
    assert officer.get("/").has("In progress")


def test_home_by_post(tree, task, officer):
    person = tree.holder(tree.villages[0], Role.OFFICER)
    make.post(person, tree.unit(tree.villages[0], Line.UNION))
    make.assignment(task, tree.unit(tree.villages[0]))
    union = tree.unit(tree.villages[0], Line.UNION)
    make.assignment(make.task(task.campaign, title="工会的事", lines=[Line.UNION]), union)
    assert officer.get("/").has("All posts", "工会的事", "农村妇女创业就业服务")
    page = officer.get(f"/?unit={union.id}")
    assert page.has("工会的事")
    assert "农村妇女创业就业服务" not in page.main
    assert "农村妇女创业就业服务" in officer.get("/?unit=999999").main


@pytest.mark.parametrize("path", ["/", "/assignments", "/messages", "/assignments/1", "/assignments/1/receipt"])
def test_a_page_takes_few_statements_whatever_it_holds(tree, task, officer, path):
    make.assignment(task, tree.unit(tree.villages[0]), State.RETURNED)
    taken = []
    for _round in range(2):
        with statements() as sent:
            officer.get(path)
        taken.append(len(sent))
        for _number in range(12):
            make.assignment(make.task(task.campaign), tree.unit(tree.villages[0]))
    assert taken[0] == taken[1]
    assert taken[1] <= 7, sent  # one more where a question was asked or requested, and where the due date has a story


def test_nobody_without_a_post_there_sees_it(tree, task, visitor):
    assignment = make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED)
    visitor.client.set_cookie("locale", "en")
    visitor.sign_in(tree.holder(tree.villages[1], Role.OFFICER))
    for path in ("", "/receipt"):
        visitor.get(f"/assignments/{assignment.id}{path}", status=404)
    page = visitor.get("/me")
    token = page.form("Sign out").all("input")
    data = {"csrf_token": next(token).get("value"), "seen": 1}
    for verb in ("acknowledge", "submit", "check-in", "draft", "upload", "withdraw"):
        visitor.post(f"/assignments/{assignment.id}/{verb}", data, status=404)


def test_a_report_without_a_script_goes_to_review(tree, task, names, officer):
    assignment = make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED)
    page = officer.get(f"/assignments/{assignment.id}")
    assert page.has("7 things still missing") or page.has("5 things still missing")
    page = send(officer, page, filled(names), [(names["file"], a_photo())])
    assert page.path.endswith("/receipt")
    assert page.has("Version 1 has been submitted", f"2026-{task.id:04d}-{assignment.id:04d}-1", "Withdraw")
    assert stored(assignment.id).state is State.SUBMITTED
    values = dict(db.session.execute(select(MetricValue.metric_id, MetricValue.number)).tuples().all())
    assert values[task.metrics[1].id] == 305_000
    page = officer.get(f"/assignments/{assignment.id}")
    assert page.has("What was submitted", "83.3% (5/6)", "现场90.jpg")
    page = page.submit("Withdraw")
    assert page.has("Withdrawn.", "Submit version 2")
    assert f'name="{names["count"]}"' in page.html
    assert 'value="11"' in page.html


def test_a_form_that_fails_keeps_what_was_typed_and_uploaded(tree, task, names, officer):
    assignment = make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED)
    page = officer.get(f"/assignments/{assignment.id}")
    given = filled(names, **{names["count"]: "elf", names["whole"]: "0"})
    page = send(officer, page, given, [(names["file"], a_photo())], 422)
    assert page.has("2 things to correct", "带动就业: Please enter a number", "建站率: The whole cannot be zero")
    assert 'value="elf"' in page.html
    assert "现场90.jpg" in page.main
    assert WORDS in page.main
    again = officer.get(f"/assignments/{assignment.id}")
    assert 'value="elf"' in again.html
    assert "带动就业 is not filled in" not in again.main  # it is, but with something that is no number
    page = send(officer, page, filled(names, words="太短"), status=422)
    assert page.has("The description needs 18 more characters")
    page = send(officer, page, filled(names))
    assert page.path.endswith("/receipt")
    assert db.session.scalar(select(func.count(Attachment.id))) == 1


def test_a_bad_file_is_named_and_the_good_one_kept(tree, task, names, officer):
    assignment = make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED)
    page = officer.get(f"/assignments/{assignment.id}")
    bad = (io.BytesIO(b"<html><script>x</script></html>"), "page.html")
    page = send(officer, page, filled(names), [(names["file"], [a_photo(), bad])], 422)
    assert page.has("page.html: ", "现场90.jpg")
    page = page.submit("Remove")
    assert "现场90.jpg" not in page.main
    assert db.session.scalar(select(func.count(Evidence.id))) == 1


def test_the_same_post_again_gives_the_same_answer(tree, task, names, officer):
    assignment = make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED)
    page = officer.get(f"/assignments/{assignment.id}")
    officer.post(f"/assignments/{assignment.id}/draft", token_of(page), multipart=True)
    photo = send_photo(officer, page, assignment.id, task)
    data = token_of(page) | filled(names) | {"files": f"{photo['id']}:{task.evidence_rules[0].id}"}
    for _time in range(2):
        assert officer.post(f"/assignments/{assignment.id}/submit", data).path.endswith("/receipt")
    assert db.session.scalar(select(func.count(Submission.id))) == 1
    other = officer.post(f"/assignments/{assignment.id}/submit", data | {names["count"]: "12"}, status=409)
    assert other.has("already sent with other content")
    stale = data | {"client_action_id": str(uuid4())}
    late = officer.post(f"/assignments/{assignment.id}/submit", stale, status=409)
    assert late.has("What happened meanwhile", "What you wrote", WORDS)
    wrong = stale | {names["count"]: "elf"}
    assert "to correct" not in officer.post(f"/assignments/{assignment.id}/submit", wrong, status=409).text


def token_of(page) -> dict[str, str]:
    """What the report form carries unseen."""
    wanted = ("csrf_token", "client_action_id", "check_in_id", "seen")
    inputs = page.form("/submit").all("input")
    return {field.get("name"): field.get("value") for field in inputs if field.get("name") in wanted}


def send(visitor, page, given, files=(), status: int = 200):
    """Fills the report form and submits it, with the files that it holds and those that are added."""
    form = page.form("/submit")
    held = [field.get("value") for field in form.all("input") if field.get("name") == "files"]
    data = token_of(page) | {"files": held} | given | dict(files)
    return visitor.post(form.get("action"), data, status=status, multipart=True)


def send_photo(visitor, page, assignment_id: int, task, shade: int = 90) -> dict:
    """Sends one photo as the script does."""
    data = {"csrf_token": token_of(page)["csrf_token"], "rule": task.evidence_rules[0].id, "file": a_photo(shade)}
    answer = visitor.client.post(
        f"/assignments/{assignment_id}/upload", data=data, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def test_the_script_s_way_each_photo_at_once_and_the_draft_kept(tree, task, names, officer):
    assignment = make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED)
    page = officer.get(f"/assignments/{assignment.id}")
    sent = [send_photo(officer, page, assignment.id, task, shade) for shade in (10, 200, 10)]
    assert sent[0]["id"] == sent[2]["id"]
    page = officer.get(f"/assignments/{assignment.id}")
    assert page.has("现场10.jpg", "现场200.jpg")
    rule = task.evidence_rules[0].id
    data = token_of(page) | {names["count"]: "9", "files": [f"{sent[1]['id']}:{rule}", f"999999:{rule}"]}
    path = f"/assignments/{assignment.id}/draft"
    answer = officer.client.post(path, data=data, headers={"Accept": "application/json"}).get_json()
    assert answer["saved"] == "Draft saved 10:00, you can leave safely"
    assert f"metric-{task.metrics[0].id}" not in [entry["where"] for entry in answer["missing"]]
    assert answer["short"] == {f"evidence-{rule}": 0}
    kept = json.loads(db.session.scalars(select(Draft.fields)).one())
    assert kept["files"] == {str(sent[1]["id"]): rule}
    bad = {"csrf_token": data["csrf_token"], "file": (io.BytesIO(b"MZ\x90"), "a.exe")}
    refused = officer.client.post(
        f"/assignments/{assignment.id}/upload", data=bad, headers={"Accept": "application/json"}
    )
    assert refused.status_code == 415
    assert refused.get_json()["sentence"]


def test_a_check_in_is_sent_with_what_is_new(tree, task, names, officer):
    assignment = make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED)
    path = f"/assignments/{assignment.id}"
    given = {names["count"]: "8", "kind": str(int(CheckInKind.OBSTACLE)), "note": "下雪封路"}
    page = officer.get(path).submit("Send check-in", **given)
    assert page.has("Your check-in has been sent", "reported before", "Obstacle", "下雪封路")
    assert db.session.execute(select(CheckIn.kind, CheckIn.words)).one() == (CheckInKind.OBSTACLE, "下雪封路")
    assert stored(assignment.id).state is State.ACKNOWLEDGED
    page = officer.get(path).submit("Send check-in", status=422)
    assert page.has("Please say something, or fill in a figure.")
    assert 'value="8"' in page.html


def test_a_return_opens_on_the_reviewer_s_words(tree, task, names, officer, now):
    unit = tree.unit(tree.villages[0])
    assignment = make.assignment(task, unit, State.RETURNED)
    reviewer = tree.actor(tree.townships[0], Role.SUPERVISOR)
    with unit_of_work() as session:
        version = session.scalars(select(Submission)).one()
        session.add(MetricValue(submission_id=version.id, metric_id=task.metrics[0].id, number=214))
        session.add(
            Review(
                assignment_id=assignment.id, submission_id=version.id, step=0, unit_id=unit.superior_id, at=now,
                words="签到册上是196人", decision=Action.RETURN, reason=ReturnReason.FIGURES_WRONG, digest="0" * 64,
                person_id=reviewer.person_id, post_id=reviewer.posts[0].id,
            )
        )  # fmt: skip
    page = officer.get(f"/assignments/{assignment.id}")
    assert page.has(
        "签到册上是196人", "Figures do not agree", "Go to the figures", "Version 1: 214 人", "Submit version 2"
    )
    assert 'value="214"' in page.html
    page = send(officer, page, filled(names), [(names["file"], a_photo())])
    assert page.has("Version 2 has been submitted")


def test_after_the_cut_off_nothing_is_accepted(tree, task, officer, now):
    late = {"due_at": now - timedelta(days=9), "cut_off_at": now - timedelta(days=2)}
    assignment = make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED, **late)
    page = officer.get(f"/assignments/{assignment.id}")
    assert page.has("The cut-off date has passed")
    assert "Submit for review" not in page.main


def test_the_list_filters_exports_and_is_empty_kindly(tree, task, officer):
    page = officer.get("/assignments")
    assert page.has("No assignments yet")
    make.assignment(task, tree.unit(tree.villages[0]))
    page = officer.get("/assignments")
    assert page.has("1 assignment", "农村妇女创业就业服务", "Not signed for")
    assert officer.get("/assignments?light=done").has("Nothing matches")
    assert officer.get("/assignments?state=99&light=x&after=1.x&sort=y").has("1 assignment")
    table = officer.client.get("/assignments/export.csv")
    assert "农村妇女创业就业服务" in table.get_data(as_text=True)
    assert ",2026-11-22,2026-11-30," in table.get_data(as_text=True)  # days, as on the page
    assert officer.client.get("/assignments/export.xlsx").data.startswith(b"PK")


def test_messages_are_read_and_lead_to_their_assignment(tree, task, officer, now):
    assignment = make.assignment(task, tree.unit(tree.villages[0]), State.RETURNED)
    with unit_of_work() as session:
        about = {"subject": "assignment", "subject_id": assignment.id, "person_id": 1, "at": now}
        session.add(event := Event(tag="assignment:review:return", **about))
        session.flush()
        person = tree.holder(tree.villages[0], Role.OFFICER).id
        session.add(
            Notice(tag=event.tag, event_id=event.id, person_id=person, assignment_id=assignment.id, created_at=now)
        )
    page = officer.get("/messages")
    assert page.has("1 unread", "Returned for changes: 农村妇女创业就业服务")
    assert page.click("Returned for changes").path == f"/assignments/{assignment.id}"
    assert page.click("Unread").has("Returned for changes: 农村妇女创业就业服务")
    assert (
        page.click("CSV")
        .response.get_data(as_text=True)
        .splitlines()[1]
        .endswith("农村妇女创业就业服务,柳林东村妇联,yes")
    )
    page = page.submit("Mark all as read")
    assert page.has("All read")
    assert page.click("Unread").has("Everything is read")


def test_me_and_who_begins_where(tree, officer, visitor):
    assert officer.get("/me").has(tree.unit(tree.villages[0]).name, "Officer", "Change password")
    visitor.sign_out()
    visitor.sign_in(tree.holder(tree.townships[0], Role.SUPERVISOR))
    assert visitor.get("/").path == "/reviews"
    visitor.sign_out()
    visitor.sign_in(make.person())
    assert visitor.get("/").has("You hold no post just now")


def test_chinese_pages_speak_chinese(tree, task, visitor):
    assignment = make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED)
    visitor.sign_in(tree.holder(tree.villages[0], Role.OFFICER))
    assert visitor.get("/").has("待办", "办理中", "还剩 10 天", "11月30日 周一", "填报")
    page = visitor.get(f"/assignments/{assignment.id}")
    assert page.has("要做什么", "目标 30 万元", "还差 5 项", "提交审核")


def test_an_amount_is_said_as_the_plan_says_it_and_as_it_is_typed(tree, task, visitor):
    make.metric(task, MetricKind.AMOUNT, 7_000_000, name="贴息", money_places=8, quota=Quota.PER_UNIT)
    assignment = make.assignment(task, tree.unit(tree.villages[0]), State.ISSUED)
    visitor.sign_in(tree.holder(tree.villages[0], Role.OFFICER))
    page = visitor.get(f"/assignments/{assignment.id}")
    assert page.has("目标 0.07 亿元（700 万元）") and not page.has("贴息 元")
    page = page.submit("签收")
    assert page.has("目标 0.07 亿元（7,000,000 元）（700 万元）", "目标 30 万元（300,000 元）（0.003 亿元）")
    assert 'class="unit-wan nowrap">（700 万元）' in page.html and 'value="wan" checked' in page.html
    visitor.client.set_cookie("money", "yi")  # chosen for a greater sum
    assert 'value="wan" checked' in visitor.get(f"/assignments/{assignment.id}").html


def test_all_that_is_wrong_is_told_at_once(tree, task, names, visitor):
    assignment = make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED)
    visitor.sign_in(tree.holder(tree.villages[0], Role.OFFICER))
    page = visitor.get(f"/assignments/{assignment.id}")
    page = page.submit("提交审核", status=422, **{names["count"]: "五", names["part"]: "9", names["whole"]: "6"})
    assert page.has("有 4 处要改", "请填数字", "贷款投放额未填", "现场照片还差 1 张")
    page = page.submit("提交审核", status=422, **{names["count"]: "5", names["amount"]: "1"})
    assert page.has("有 2 处要改", "请再核对一下", "现场照片还差 1 张")


def test_every_event_and_every_enum_has_its_words(app):
    assert set(CATALOGUE) <= set(TAGS)
    with app.test_request_context():
        assert all(tag_words(tag) for tag in TAGS)
        assert all(word(member) for kind in words.WORDS for member in kind)
        assert tag_words("a:b:c") == "事项 a:b:c"
