"""Standing in, handing over and vacancies through the browser: a story of leave, illness and a post that is vacant."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Delegation, Post, Review, Submission
from campaign.operations.issuing import dispatch
from campaign.rules.organisation import Line, Role
from campaign.rules.states import State
from tests import make
from tests.browser import Visitor

TODAY = make.TODAY


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def work(tree):
    """A task of words alone, dispatched; the assignment of the first village."""
    task = make.task(make.campaign(tree.unit(tree.county)), "走访慰问")
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=make.NOW)
    unit_id = tree.unit(tree.villages[0]).id
    return db.session.execute(select(Assignment.id).where(Assignment.unit_id == unit_id)).scalar_one()


@pytest.fixture
def at(app, client_class):
    """Somebody at a browser of their own, reading English."""

    def open_for(person, locale="en"):
        app.test_client_class = client_class
        visitor = Visitor(app.test_client())
        visitor.client.set_cookie("locale", locale)
        visitor.sign_in(person)
        return visitor

    return open_for


def post_of(person):
    return db.session.scalars(select(Post.id).where(Post.person_id == person.id)).one()


def lend(visitor, person, to, last=3, status=200, **fields):
    page = visitor.get("/me/delegations")
    given = {"post": str(post_of(person)), "delegate_id": str(to.id), "reason": "休假"}
    days = {"valid_from": TODAY.isoformat(), "valid_to": (TODAY + timedelta(days=last)).isoformat()}
    return page.submit("Name the stand-in", status=status, **(given | days | fields))


def stored(id):
    db.session.rollback()
    return db.session.get_one(Assignment, id)


def reports(visitor, id):
    """Signs for it and submits it."""
    page = visitor.get(f"/assignments/{id}")
    if stored(id).state is State.ISSUED:
        page.submit("Sign for")
    return visitor.get(f"/assignments/{id}").submit("Submit for review", words="走访二十户。")


def approves(visitor, id, status=200):
    version = stored(id).version
    data = {"seen": str(version), "client_action_id": str(uuid4())}
    page = visitor.get(f"/reviews/{id}")
    token = next((field.get("value") for field in page.root.all("input") if field.get("name") == "csrf_token"), "")
    return visitor.post(f"/reviews/{id}/approve", data | {"csrf_token": token}, status=status)


def test_leave_from_naming_to_coming_back(tree, work, at):
    holder = tree.holder(tree.villages[0], Role.OFFICER)
    other = tree.holder(tree.villages[0], Role.OFFICER, Line.PARTY)
    here, there = at(holder), at(other)
    assert here.get("/me").has("I will be away")
    there.get(f"/assignments/{work}")  # the party sees it, but may not act
    page = lend(here, holder, other)
    assert page.has("The stand-in is named", f"{other.name} acts for you", "休假", "End it now")
    assert here.get("/me").has(f"{other.name} acts for you, until 23 Nov")
    assert there.get("/me").has(f"You act for {holder.name}, until 23 Nov", f"for {holder.name}")
    assert there.get("/messages").has("A stand-in was named")
    assert there.get("/").has(f"You act for {holder.name}", "走访慰问")
    assert reports(there, work).has(f"{other.name} for {holder.name}")
    assert stored(work).state is State.SUBMITTED
    kept = db.session.execute(select(Submission.person_id, Submission.post_id)).one()
    assert tuple(kept) == (other.id, post_of(holder))
    both = f"{other.name} for {holder.name}"
    assert here.get(f"/assignments/{work}").has(both)
    desk = at(tree.holder(tree.townships[0], Role.SUPERVISOR))
    assert desk.get(f"/reviews/{work}").has(both)
    assert desk.get(f"/assignments/{work}/ledger").has(both)
    here.get("/me/delegations").submit("End it now")
    assert not there.get("/").has("走访慰问")
    assert there.get("/me").has("I will be away")


def test_a_name_reads_for_whom_in_chinese(tree, work, at):
    holder = tree.holder(tree.villages[0], Role.OFFICER)
    other = tree.holder(tree.villages[0], Role.OFFICER, Line.PARTY)
    lend(at(holder), holder, other)
    reports(at(other), work)
    assert at(holder, "zh_CN").get(f"/assignments/{work}").has(f"{other.name}（代{holder.name}）")


# Who submits and who decides: X holds the officer's post and supervises above, Y holds the supervisor's post there.
def test_nobody_reviews_their_own_through_the_web(tree, work, at):
    x, y = tree.holder(tree.villages[0], Role.OFFICER), tree.holder(tree.townships[0], Role.SUPERVISOR)
    with unit_of_work() as session:  # made by hand, as the pages would not offer a village officer to the township
        days = {"valid_from": TODAY, "valid_to": TODAY, "at": make.NOW}
        session.add(Delegation(post_id=post_of(y), delegator_id=y.id, delegate_id=x.id, **days))
    at_x, at_y = at(x), at(y)
    reports(at_x, work)
    assert at_x.get(f"/reviews/{work}").has("You submitted this yourself")
    assert approves(at_x, work, status=409).has("You submitted this yourself")
    approves(at_y, work)
    row = db.session.execute(select(Review.person_id, Review.post_id)).one()
    assert tuple(row) == (y.id, post_of(y))


def test_what_was_submitted_for_me_is_not_mine_to_review(tree, work, at):
    x, y = tree.holder(tree.villages[0], Role.OFFICER), tree.holder(tree.townships[0], Role.SUPERVISOR)
    make.post(x, tree.unit(tree.townships[0]), Role.SUPERVISOR)
    z = make.holder(tree.unit(tree.villages[0]))
    with unit_of_work() as session:
        post = session.scalars(select(Post).where(Post.person_id == x.id, Post.role == Role.OFFICER)).one()
        days = {"valid_from": TODAY, "valid_to": TODAY, "at": make.NOW}
        own = session.scalars(select(Post).where(Post.person_id == z.id)).one()
        own.disabled_at = make.NOW
        session.add(Delegation(post_id=post.id, delegator_id=x.id, delegate_id=z.id, **days))
    reports(at(z), work)
    assert approves(at(x), work, status=409).has("This was submitted on your behalf")
    assert stored(work).state is State.SUBMITTED
    approves(at(y), work)


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"delegate_id": ""}, 422, "Please choose"),
        ({"delegate_id": "x"}, 422, "damaged"),
        ({"delegate_id": "987654"}, 422, "Please choose somebody"),
        ({"post": "987654"}, 404, ""),
        ({"valid_to": "2026-11-01"}, 422, "must not lie before"),
        ({"valid_from": "2026-11-01"}, 422, "in the past"),
        ({"valid_to": ""}, 422, "Please fill this in"),
        ({"reason": "长" * 401}, 422, ""),
    ],
)
def test_what_the_form_refuses(tree, at, fields, status, words):
    holder = tree.holder(tree.villages[0], Role.OFFICER)
    other = tree.holder(tree.villages[0], Role.OFFICER, Line.PARTY)
    page = lend(at(holder), holder, other, status=status, **fields)
    assert page.has(words)
    assert db.session.scalars(select(Delegation)).all() == []


def test_an_administrator_has_no_post_to_lend(tree, at):
    boss = make.holder(tree.unit(tree.county), Role.ADMINISTRATOR)
    assert at(boss).get("/me/delegations").has("Nobody stands in here", "answers for it in person")


def test_people_are_found_without_losing_what_was_typed(tree, at):
    holder = tree.holder(tree.townships[0], Role.SUPERVISOR)
    village = tree.holder(tree.villages[1], Role.OFFICER)
    page = at(holder).get("/me/delegations")
    assert page.has(village.name)
    page = page.submit("Find", find="东村", reason="学习", valid_to="2026-11-25")
    assert not page.has(village.name)
    assert 'value="学习"' in page.html
    assert 'value="2026-11-25"' in page.html
    assert db.session.scalars(select(Delegation)).all() == []


def test_an_administrator_names_somebody_for_who_is_ill(tree, at):
    holder = tree.holder(tree.villages[0], Role.OFFICER)
    other = tree.holder(tree.villages[0], Role.OFFICER, Line.PARTY)
    boss = at(make.holder(tree.unit(tree.county, Line.PARTY), Role.ADMINISTRATOR))
    page = boss.get(f"/admin/people/{holder.id}").click("Name a stand-in")
    page = page.submit("Name the stand-in", delegate_id=str(other.id), valid_to="2026-11-30", reason="住院")
    assert page.has(f"{other.name} for {holder.name}", "住院")
    assert at(other).get("/me").has(f"You act for {holder.name}")
    assert page.submit("End it now").has("It has ended")


def test_posts_are_handed_over_after_the_consequences_were_seen(tree, work, at):
    holder, successor = tree.holder(tree.villages[0], Role.OFFICER), make.person("新来的")
    boss = at(make.holder(tree.unit(tree.county, Line.PARTY), Role.ADMINISTRATOR))
    page = boss.get(f"/admin/people/{holder.id}").click("Hand over")
    assert page.has("Open work of these posts", tree.unit(tree.villages[0]).name)
    page = page.submit("Show the consequences", to_id=str(successor.id), note="钥匙在老王处")
    assert page.has("新来的 becomes Officer", "Both people are told"), page.main
    assert db.session.scalars(select(Post).where(Post.person_id == successor.id)).all() == []
    assert page.submit("Hand over").has("The posts were handed over")
    there = at(successor)
    assert there.get("/").has("You have taken over from", holder.name, "钥匙在老王处", "走访慰问")
    assert not at(holder).get("/me").has(tree.unit(tree.villages[0]).name)


def test_a_vacant_level_is_seen_and_moved_up(tree, work, at):
    reports(at(tree.holder(tree.villages[0], Role.OFFICER)), work)
    unit = tree.unit(tree.townships[0])
    with unit_of_work() as session:
        holder = tree.holder(tree.townships[0], Role.SUPERVISOR)
        session.scalars(select(Post).where(Post.person_id == holder.id)).one().disabled_at = make.NOW
    desk = at(tree.holder(tree.county, Role.DISPATCHER))
    page = desk.get("/me").click("Vacancies in my area").click("Reviews without a supervisor")
    assert page.has(unit.name, "Look and move up")
    assert desk.get("/vacancies.csv?gap=2").status == 200
    page = page.click("Look and move up")
    assert page.submit("Move up", status=422).has("Please say why")
    page = desk.get(f"/vacancies/{unit.id}").submit("Move up", reason="镇妇联主席空缺")
    assert page.has("1 item was moved up", "No gap")
    assert stored(work).reviewer_unit_id == tree.unit(tree.county).id
    assert desk.get(f"/assignments/{work}").status == 200
    above = at(tree.holder(tree.county, Role.SUPERVISOR))
    assert above.get("/messages").has("A vacant level was passed over")
    record = above.get(f"/assignments/{work}/ledger")
    assert record.has("passed over a level where nobody can review", "镇妇联主席空缺")
    approves(above, work)
    assert stored(work).state is State.APPROVED


def test_the_unit_names_who_is_in_charge(tree, work, at):
    holder, colleague = tree.holder(tree.villages[0], Role.OFFICER), make.holder(tree.unit(tree.villages[0]))
    here = at(holder)
    page = here.get(f"/assignments/{work}").submit("in-charge", person_id=str(colleague.id))
    assert page.has("The person in charge is named", colleague.name)
    assert at(colleague).get("/messages").has("Person in charge named")
    above = at(tree.holder(tree.townships[0], Role.SUPERVISOR)).get(f"/assignments/{work}")
    assert above.has("Person in charge", colleague.name)
    assert "in-charge" not in "".join(form.get("action") for form in above.root.all("form"))
