"""What a reviewer finds beside approve and return: flags, claims, undo, the thread, versions, several at once."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import (
    Assignment,
    Claim,
    Event,
    Flag,
    FlagDecision,
    MetricValue,
    Notice,
    Phrase,
    Remark,
    Submission,
    Target,
    Task,
)
from campaign.operations.claiming import claim
from campaign.operations.flagging import keep
from campaign.operations.reviewing import return_for_changes
from campaign.rules.flags import FlagKind, Found
from campaign.rules.metrics import Aggregation
from campaign.rules.organisation import Role
from campaign.rules.states import ReturnReason, State
from campaign.rules.telling import HOLD
from tests import make

from .boards import cost
from .test_reviews import decide, enter, form_of, reviewer, state_of, text_of, tree, waiting

__all__ = ["enter", "reviewer", "tree", "waiting"]


def latest(assignment) -> int:
    return db.session.scalar(select(func.max(Submission.id)).where(Submission.assignment_id == assignment.id))


def step_of(assignment) -> int:
    return db.session.scalar(select(Assignment.review_step).where(Assignment.id == assignment.id))


def post(client, assignment, what, **typed):
    path = f"/reviews/{assignment.id}"
    return client.post(f"{path}/{what}", data=form_of(client, path, **typed))


@pytest.fixture
def flagged(tree, waiting):
    """The first report leaps, and has the words of a unit outside the reviewer's view."""
    task = make.task(make.campaign(tree.unit(tree.county), title="别处的活动"), title="别处的任务")
    other = make.assignment(task, tree.unit(tree.villages[4]), State.SUBMITTED)
    leap = Found(FlagKind.LEAP, "leap-1", data={"name": "人数", "value": "960.0000", "other": "96", "times": "10"})
    words = Found(FlagKind.SAME_WORDS, "words", score=88, against_submission_id=latest(other))
    with unit_of_work():
        keep(waiting[0].id, latest(waiting[0]), [leap, words], {"leap-1": "今年并村"}, now=make.NOW)
    return waiting[0]


def test_flags_explain_themselves_and_hide_what_lies_elsewhere(reviewer, flagged, waiting):
    page = text_of(reviewer.get(f"/reviews/{flagged.id}"))
    assert "“人数” is 960, 10 times the 96 reported before." in page and "今年并村" in page
    assert "88% of the description stands in another report." in page
    assert "Used before by a unit outside your view." in page
    assert "石桥" not in page and "别处的任务" not in page
    many = text_of(reviewer.get("/reviews/many"))
    assert "1 can be approved" in many and "It has a flag that nobody has decided on." in many
    only = text_of(reviewer.get("/reviews?only=flagged"))
    assert "2 flags" in only and f"/reviews/{waiting[1].id}" not in only
    leap, words = db.session.scalars(select(Flag.id).order_by(Flag.id))
    answer = post(reviewer, flagged, f"flags/{leap}", verdict="3", words="")
    assert answer.status_code == 422 and "Please say in a few words why" in text_of(answer)
    assert post(reviewer, flagged, f"flags/{leap}", verdict="3", words="并村属实").status_code == 303
    assert post(reviewer, flagged, f"flags/{words}", verdict="2").status_code == 303
    assert db.session.query(FlagDecision).count() == 2
    form = form_of(reviewer, "/reviews/many")
    shown = f"{flagged.id}:1,{waiting[1].id}:1"
    data = form | {"seen": shown, "shown": f"{flagged.id},{waiting[1].id}", "take": [str(flagged.id)]}
    assert reviewer.post("/reviews/many", data=data).status_code == 303
    assert (step_of(flagged), step_of(waiting[1])) == (1, 0), "what was unticked still waits"
    page = text_of(reviewer.get("/reviews"))
    assert "Approved just now: 1 submission" in page and 'action="/reviews/many/undo"' in page
    own = text_of(reviewer.get(f"/reviews/{flagged.id}"))
    assert f'action="/reviews/{flagged.id}/undo"' in own, "one of them alone, on its own page"
    undo = {"act": form["client_action_id"], "client_action_id": str(uuid4()), "csrf_token": form["csrf_token"]}
    answer = reviewer.post("/reviews/many/undo", data=undo, follow_redirects=True)
    assert "1 approval taken back. It waits for you again." in text_of(answer)
    assert step_of(flagged) == 0


def test_a_decision_is_offered_back_for_a_moment(reviewer, waiting, monkeypatch, now):
    phrase = {"words": "请补一张照片", "keep": "1"}
    assert decide(reviewer, waiting[0], "return", reason="1", **phrase).status_code == 303
    page = text_of(reviewer.get(f"/reviews/{waiting[1].id}"))
    assert "Returned just now" in page and f'action="/reviews/{waiting[0].id}/undo"' in page
    assert "<option>请补一张照片</option>" in page
    undo = form_of(reviewer, f"/reviews/{waiting[1].id}", seen="2")
    may = reviewer.get(f"/reviews/{waiting[0].id}/permissions").json
    assert may["may"]["undo"] and not may["may"]["approve"]
    answer = reviewer.post(f"/reviews/{waiting[0].id}/undo", data=undo)
    assert (answer.status_code, state_of(waiting[0])) == (303, State.SUBMITTED)
    assert db.session.query(Notice).count() == 0
    again = reviewer.post(f"/reviews/{waiting[0].id}/undo", data=undo | {"seen": "3", "client_action_id": str(uuid4())})
    assert again.status_code == 409 and "This decision was taken back already." in text_of(again)
    long = "补" * 401
    for answer in (
        decide(reviewer, waiting[0], "return", reason="1", words=long, keep="1"),
        reviewer.post("/reviews/phrases", data=form_of(reviewer, "/reviews/phrases", words=long)),
    ):
        assert answer.status_code == 422 and long in text_of(answer), "what was typed stays"
        assert "A phrase has at most 400 characters; these are 401." in text_of(answer)
    assert state_of(waiting[0]) is State.SUBMITTED, "nothing was decided"
    decide(reviewer, waiting[0], "return", reason="1", words="", phrase="请补一张照片")
    assert db.session.query(Phrase).one().used == 1
    monkeypatch.setattr(clock, "now", lambda: now + HOLD)
    assert "just now" not in text_of(reviewer.get(f"/reviews/{waiting[1].id}"))
    undo = form_of(reviewer, f"/reviews/{waiting[1].id}", seen="4")
    assert reviewer.post(f"/reviews/{waiting[0].id}/undo", data=undo).status_code == 409


def test_a_figure_is_measured_by_the_target_of_its_unit(reviewer, waiting):
    metric = make.metric(db.session.get(Task, waiting[0].task_id), target=60_000, aggregation=Aggregation.SUM)
    value = {"submission_id": latest(waiting[0]), "metric_id": metric.id, "number": 5}
    with unit_of_work() as session:
        session.add(MetricValue(**value))
    assert "5/60,000" not in text_of(reviewer.get(f"/reviews/{waiting[0].id}")), "what all together must reach"
    with unit_of_work() as session:
        session.add(Target(assignment_id=waiting[0].id, metric_id=metric.id, value=20))
    page = text_of(reviewer.get(f"/reviews/{waiting[0].id}"))
    assert "25.0%" in page and "5/20" in page


def test_what_is_in_hand_is_said_to_others_and_can_be_taken_over(reviewer, waiting, tree, now):
    colleague = make.holder(tree.unit(tree.townships[0]), Role.SUPERVISOR, name="王主任")
    with unit_of_work() as session:
        post_id = make.actor(colleague).posts[0].id
        session.add(Claim(assignment_id=waiting[0].id, person_id=colleague.id, post_id=post_id, at=now,
                          until=now + timedelta(minutes=5)))  # fmt: skip
    page = text_of(reviewer.get(f"/reviews/{waiting[0].id}"))
    assert "王主任 has this in hand since 10:00" in page and "Take it over" in page
    assert db.session.query(Claim).one().person_id == colleague.id, "looking takes nothing"
    assert post(reviewer, waiting[0], "approve").status_code == 409
    assert post(reviewer, waiting[0], "claim", over="1").status_code == 303
    assert "In your hand until 10:15" in text_of(reviewer.get(f"/reviews/{waiting[0].id}"))
    assert post(reviewer, waiting[0], "remarks", remark="请看第二页").status_code == 303
    assert db.session.query(Remark).one().words == "请看第二页"
    assert decide(reviewer, waiting[0], "approve").status_code == 303
    assert db.session.query(Claim).count() == 0


def test_any_two_versions_stand_side_by_side_for_both_sides(enter, reviewer, waiting, tree):
    make.submission(waiting[0], number=2, words="已完成建会，名册与照片附后。")
    make.submission(waiting[0], number=3, words="全部重写。")
    page = text_of(reviewer.get(f"/reviews/{waiting[0].id}/versions?from=3&to=1"))
    assert '<del class="was">' in page and "全部重写" in page and "Fingerprint" in page
    page = text_of(reviewer.get(f"/reviews/{waiting[0].id}/versions?from=1&to=2"))
    assert '<ins class="now">与照片</ins>' in page
    assert reviewer.get("/reviews.csv").status_code == 200
    path = f"/reviews/{waiting[0].id}/versions"
    officer = enter(tree.holder(tree.villages[0], Role.OFFICER))
    assert path in text_of(officer.get(f"/assignments/{waiting[0].id}"))
    data = form_of(officer, path, remark="第二页有日期")
    answer = officer.post(f"/reviews/{waiting[0].id}/remarks?back={path}", data=data)
    assert answer.location == f"{path}#remarks"
    full = "一行\r\n" * 300 + "尾" * 100  # 1,000 signs as the browser counts them, which sends 300 more
    assert (
        officer.post(f"/reviews/{waiting[0].id}/remarks", data=form_of(officer, path, remark=full)).status_code == 303
    )
    over = form_of(officer, path, remark=f"多一个{full}")
    answer = officer.post(f"/reviews/{waiting[0].id}/remarks", data=over)
    assert answer.status_code == 422 and "多一个一行" in text_of(answer), "what was typed stands on the page"
    assert "第二页有日期" in text_of(officer.get(path))


def test_a_draw_is_previewed_kept_and_compared_in_chinese(enter, tree, now):
    task = make.task(make.campaign(tree.unit(tree.county)))
    metric = make.metric(task)
    one = make.assignment(task, tree.unit(tree.villages[0]), State.APPROVED)
    with unit_of_work() as session:  # what is drawn is read from the log
        session.add(Event(at=now, tag="assignment:review:approve", subject="assignment", subject_id=one.id, person_id=1,
                          from_state="submitted", to_state="approved"))  # fmt: skip
    client = enter(tree.holder(tree.county, Role.DISPATCHER))
    client.set_cookie("locale", "zh_CN")
    path = f"/rechecks/new?task={task.id}&level=4&share=50&seed=0711"
    page = text_of(client.get(path))
    assert tree.unit(tree.villages[0]).name in page and "将抽取 1 件" in page
    data = form_of(client, path, reason="例行抽查")
    assert client.post("/rechecks/new", data=data | {"reason": " "}).status_code == 422
    kept = client.post("/rechecks/new", data=data | {"client_action_id": str(uuid4())})
    assert "同一种子抽出同一名单" in text_of(client.get(f"{kept.location}?again=1"))
    twice = client.post("/rechecks/new", data=data | {"client_action_id": str(uuid4())})
    assert twice.status_code == 422 and "同样的名单已经抽取过" in text_of(twice)
    wrong = client.get(path.replace("share=50", "share=500"))
    assert wrong.status_code == 422 and "1 到 100" in text_of(wrong)
    unit, found = tree.unit(tree.villages[0]).name, "/rechecks/export.csv?show=draws"
    assert "例行抽查" in text_of(client.get(found)) and "例行抽查" not in text_of(client.get(f"{found}&text=别的"))
    drawn = f"{kept.location}/export.csv"
    assert unit in text_of(client.get(drawn)) and unit not in text_of(client.get(f"{drawn}?result=confirmed"))
    assert "没有符合条件的抽查" in text_of(client.get("/rechecks?show=draws&text=别的"))
    for page in ("/rechecks", "/rechecks?show=draws&text=dwc", kept.location, path, "/letters?show=all&text=dwc"):
        assert cost(lambda page=page: client.get(page)) <= 8, page
    assert "已抽取，尚未核查" in text_of(client.get(f"/metrics/{metric.id}"))


def test_pages_and_programs_go_by_the_same_six_permissions(enter, tree, waiting, now):
    """Whatever the page offers the answer for programs says, and nothing else: for each reader, at each stage."""
    town, county = tree.unit(tree.townships[0]), tree.unit(tree.county)
    colleague, own = make.holder(town, Role.SUPERVISOR, name="王主任"), tree.holder(tree.villages[0], Role.OFFICER)
    make.post(own, town, Role.SUPERVISOR)
    judge, boss = tree.holder(tree.townships[0], Role.SUPERVISOR), tree.holder(tree.county, Role.SUPERVISOR)
    auditor = make.holder(county, Role.AUDITOR)
    one, path = waiting[0], f"/reviews/{waiting[0].id}"
    signs = {
        "approve": 'data-key="a"', "return": 'data-key="r"', "undo": f'action="{path}/undo"', "comment": 'id="remark"',
    }  # fmt: skip

    def offered(person):
        client = enter(person)
        page, may = text_of(client.get(path)), client.get(f"{path}/permissions").json["may"]
        found = {name: sign in page for name, sign in signs.items()}
        found["claim"] = any(sign in page for sign in ('data-key="c"', 'name="over"', f"{path}/put-down"))
        assert {name: may[name] for name in found} == found, (person.name, may)
        return "".join(name[0] for name in ("approve", "return", "claim", "undo", "comment") if may[name])

    people = (judge, colleague, boss, own, tree.holder(tree.county, Role.DISPATCHER), auditor)
    assert [offered(person) for person in people] == ["arcc", "arcc", "c", "c", "c", ""]
    with unit_of_work():
        claim(one.id, actor=make.actor(colleague), now=now, seen=1)
    assert [offered(person) for person in people] == ["cc", "arcc", "c", "c", "c", ""]
    with unit_of_work():
        return_for_changes(one.id, actor=make.actor(colleague), now=now, seen=1, reason=ReturnReason.OTHER, words="补")
    assert [offered(person) for person in people] == ["c", "uc", "c", "c", "c", ""]
