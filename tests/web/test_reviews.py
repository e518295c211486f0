"""The supervisor's pages in a browser: queue, submission, decisions, and the page for who came too late."""

import re
import secrets
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, LoginSession, Review, Seen, Submission
from campaign.operations.claiming import claim, put_down
from campaign.operations.flagging import keep
from campaign.operations.remarking import remark
from campaign.operations.reviewing import approve
from campaign.rules.flags import FlagKind, Found
from campaign.rules.organisation import Role
from campaign.rules.states import Action, ReturnReason, State
from campaign.web.access import digest_of
from tests import make


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def waiting(tree):
    """Two villages of the first township wait there, with the county after it; the earlier review date first."""
    task = make.task(make.campaign(tree.unit(tree.county)))
    made = []
    for days, village in enumerate(tree.villages[:2], 1):
        one = make.assignment(task, tree.unit(village), State.SUBMITTED, review_due_at=make.NOW + timedelta(days=days))
        made.append(one)
    return made


@pytest.fixture
def enter(app, client, now):
    """Signs somebody in on this client, speaking English."""

    def sign_in(person):
        secret = secrets.token_hex(16)
        with unit_of_work() as session:
            session.add(
                LoginSession(
                    digest=digest_of(secret), person_id=person.id, started_at=now, seen_at=now,
                    ends_at=now + timedelta(hours=8),
                )
            )  # fmt: skip
        client.set_cookie("locale", "en")
        with client.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = secret, True
        return client

    return sign_in


@pytest.fixture
def reviewer(tree, enter):
    return enter(tree.holder(tree.townships[0], Role.SUPERVISOR))


def text_of(answer):
    return answer.get_data(as_text=True)


def form_of(client, path, **typed):
    """The hidden fields of the page's forms, as a browser would send them, and what is typed."""
    page = text_of(client.get(path))
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    return hidden | {"client_action_id": str(uuid4())} | typed


def decide(client, assignment, verb, **typed):
    path = f"/reviews/{assignment.id}"
    return client.post(f"{path}/{verb}", data=form_of(client, path, **typed))


def state_of(assignment):
    return db.session.execute(select(Assignment.state).where(Assignment.id == assignment.id)).scalar_one()


def test_the_queue_lists_what_waits_in_the_order_of_review_dates(reviewer, waiting, tree):
    page = text_of(reviewer.get("/reviews"))
    first, second = (page.index(f"/reviews/{one.id}") for one in waiting)
    assert first < second
    assert tree.unit(tree.villages[0]).name in page


def test_an_empty_queue_says_what_to_expect(reviewer):
    assert "Nothing waits for your review" in text_of(reviewer.get("/reviews"))


def test_a_search_that_fits_nothing_leads_back_to_everything(reviewer, waiting):
    page = text_of(reviewer.get("/reviews?q=nowhere&after=bad"))
    assert "Nothing waits that fits" in page
    assert 'href="/reviews"' in page


def test_the_queue_is_for_supervisors(enter, tree, waiting):
    assert enter(tree.holder(tree.villages[0], Role.OFFICER)).get("/reviews").status_code == 403


def test_outside_the_scope_there_is_no_submission(app, enter, tree, waiting):
    app.config["WTF_CSRF_ENABLED"] = False  # their pages show no form to take a token from
    client = enter(tree.holder(tree.townships[1], Role.SUPERVISOR))
    one = waiting[0]
    assert client.get(f"/reviews/{one.id}").status_code == 404
    assert client.get(f"/assignments/{one.id}/ledger").status_code == 404
    assert client.get(f"/assignments/{one.id}/ledger.csv").status_code == 404
    data = {"seen": "1", "reason": "1", "words": "…"}
    for path in (f"/reviews/{one.id}/approve", f"/reviews/{one.id}/return", f"/assignments/{one.id}/cancel"):
        assert client.post(path, data=data).status_code == 404


def test_who_may_only_look_gets_no_buttons(app, enter, tree, waiting):
    app.config["WTF_CSRF_ENABLED"] = False
    client = enter(tree.holder(tree.county, Role.SUPERVISOR))
    page = text_of(client.get(f"/reviews/{waiting[0].id}"))
    assert "approve-form" not in page
    assert "It waits for" in page
    data = {"seen": "1", "reason": "1", "words": "…"}
    assert client.post(f"/reviews/{waiting[0].id}/approve", data=data).status_code == 403


def test_approval_passes_up_and_leads_to_the_next_item(reviewer, waiting, tree):
    answer = decide(reviewer, waiting[0], "approve")
    assert (answer.status_code, answer.location) == (303, f"/reviews/{waiting[1].id}")
    assert state_of(waiting[0]) is State.SUBMITTED
    held = db.session.get_one(Assignment, waiting[0].id)
    assert held.reviewer_unit_id == tree.unit(tree.county).id
    assert "Approved and passed up" in text_of(reviewer.get(answer.location))
    assert decide(reviewer, waiting[1], "approve").location == "/reviews"


def test_an_approval_may_carry_a_word(reviewer, waiting):
    answer = decide(reviewer, waiting[0], "approve", words="x" * 4001)
    assert answer.status_code == 422
    assert "The text is too long" in text_of(answer)
    assert state_of(waiting[0]) is State.SUBMITTED
    assert decide(reviewer, waiting[0], "approve", words=" 数据很实 ").status_code == 303
    assert db.session.query(Review).one().words == "数据很实"


def test_the_same_form_twice_decides_once(reviewer, waiting):
    path = f"/reviews/{waiting[0].id}"
    data = form_of(reviewer, path)
    answers = [reviewer.post(f"{path}/approve", data=data) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert db.session.query(Review).count() == 1


def test_a_return_needs_a_reason_and_words_and_keeps_what_was_typed(reviewer, waiting):
    answer = decide(reviewer, waiting[0], "return", words="签到册上是196人")
    page = text_of(answer)
    assert answer.status_code == 422
    assert "Please choose a reason." in page
    assert "签到册上是196人</textarea>" in page
    assert 'class="decide-return" open' in page
    answer = decide(reviewer, waiting[0], "return", reason="3", words=" ")
    assert answer.status_code == 422
    assert 'value="3" checked' in text_of(answer)
    assert state_of(waiting[0]) is State.SUBMITTED


def test_who_would_return_after_the_cut_off_is_told_what_that_means(reviewer, waiting, now):
    sentence = "can submit again only when"
    assert sentence not in text_of(reviewer.get(f"/reviews/{waiting[0].id}"))
    with unit_of_work() as session:
        session.get_one(Assignment, waiting[0].id).cut_off_at = now - timedelta(days=1)
    assert sentence in text_of(reviewer.get(f"/reviews/{waiting[0].id}"))


def test_a_return_is_recorded_with_its_reason(reviewer, waiting):
    answer = decide(reviewer, waiting[0], "return", reason="3", words="签到册上是196人")
    assert (answer.status_code, answer.location) == (303, f"/reviews/{waiting[1].id}")
    assert state_of(waiting[0]) is State.RETURNED
    made = db.session.query(Review).one()
    assert (made.decision, made.reason, made.words) == (Action.RETURN, ReturnReason.FIGURES_WRONG, "签到册上是196人")
    assert "does not wait for a review now" in text_of(reviewer.get(f"/reviews/{waiting[0].id}"))


def test_who_comes_too_late_is_told_what_happened_and_keeps_the_words(reviewer, waiting, tree, now):
    path = f"/reviews/{waiting[0].id}"
    data = form_of(reviewer, path, reason="1", words="请补一张照片")
    colleague = make.holder(tree.unit(tree.townships[0]), Role.SUPERVISOR, name="王主任")
    with unit_of_work():
        approve(waiting[0].id, actor=make.actor(colleague), now=now, seen=int(data["seen"]))
    answer = reviewer.post(f"{path}/return", data=data)
    page = text_of(answer)
    assert answer.status_code == 409
    assert "王主任" in page and "what you did had no effect" in page
    assert "请补一张照片" in page
    answer = reviewer.post(f"{path}/return", data=data, headers={"Accept": "application/json"})
    assert (answer.status_code, len(answer.json["meanwhile"])) == (409, 1)


def test_nobody_reviews_their_own_report(enter, tree, waiting):
    officer = tree.holder(tree.villages[0], Role.OFFICER)
    make.post(officer, tree.unit(tree.townships[0]), Role.SUPERVISOR)
    page = text_of(enter(officer).get(f"/reviews/{waiting[0].id}"))
    assert "You submitted this yourself. Somebody else must review it." in page
    assert "approve-form" in page and page.count('type="button" disabled') == 2


def test_what_changed_since_the_last_look_is_marked_in_place(reviewer, waiting, tree):
    reviewer.get(f"/reviews/{waiting[0].id}")
    make.submission(waiting[0], number=2, words="已完成建会，名册与照片附后。")
    for _ in range(2):  # opening it again does not take the marks away
        page = text_of(reviewer.get(f"/reviews/{waiting[0].id}"))
        assert "Changed since you last looked" in page
        assert '<ins class="now">' in page
    kept = {row.subject: row.number for row in db.session.query(Seen)}
    assert kept == {"assignment": 2, "assignment-before": 1}


def test_a_page_takes_eight_statements_at_most_in_every_combination(reviewer, waiting, tree, statements):
    """First looked at, with a former version, flags, a remark, another due date, in another's hand; filtered; after a
    decision that may be taken back, with nothing left at the desk."""
    one, other = waiting
    colleague = make.actor(make.holder(tree.unit(tree.townships[0]), Role.SUPERVISOR))
    make.submission(one, number=2, words="补充后再报")
    latest = db.session.scalar(select(func.max(Submission.id)).where(Submission.assignment_id == one.id))
    with unit_of_work() as session:
        keep(one.id, latest, [Found(FlagKind.LEAP, "leap-1", data={"name": "人数"})], {}, now=make.NOW)
        session.execute(update(Assignment).values(first_due_at=make.NOW))
        claim(one.id, actor=colleague, now=make.NOW, seen=1)
        remark(one.id, "请看第二页", actor=colleague, now=make.NOW)
    page = f"/reviews/{one.id}"

    def few(path):
        statements.clear()
        assert reviewer.get(path).status_code == 200
        assert len([sent for sent in statements if not sent.startswith("BEGIN")]) <= 8, statements

    for path in ("/reviews", page, page, f"{page}?only=flagged&only=returned&q=村", "/reviews?only=overdue"):
        few(path)
    with unit_of_work():
        put_down(one.id, actor=colleague)
    assert decide(reviewer, one, "return", reason="1", words="请补照片").status_code == 303
    assert decide(reviewer, other, "approve").status_code == 303
    for path in (page, f"/reviews/{other.id}", "/reviews"):
        few(path)
