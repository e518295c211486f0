"""Posts handed over with their work, a person in charge, and a vacant level passed over."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from campaign.cli import find_breaches
from campaign.db import db, unit_of_work
from campaign.errors import Forbidden, Invalid, NotFound, Refused, Stale
from campaign.models import Assignment, Delegation, Draft, Event, Notice, Post, Review
from campaign.operations.delegation import Wish, name_stand_in
from campaign.operations.handover import Handing, hand_over
from campaign.operations.in_charge import name_in_charge
from campaign.operations.issuing import dispatch
from campaign.operations.passing_over import pass_over
from campaign.operations.reporting import Report, acknowledge, save_draft, submit
from campaign.operations.reviewing import approve
from campaign.queries.handovers import estate, taken_over
from campaign.queries.people import actor_of
from campaign.rules.organisation import Role
from campaign.rules.states import State
from tests import make

TODAY, NOW = make.TODAY, make.NOW


class Office:
    """The small tree with one task dispatched to its villages; an officer goes, another comes."""

    def __init__(self):
        self.tree = tree = make.small_tree()
        self.unit = tree.unit(tree.villages[0])
        self.task = make.task(make.campaign(tree.unit(tree.county)))
        with unit_of_work():
            dispatch(self.task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=NOW)
        self.id = db.session.execute(select(Assignment.id).where(Assignment.unit_id == self.unit.id)).scalar_one()
        self.old, self.new = tree.holder(tree.villages[0], Role.OFFICER), make.person()
        self.boss = make.holder(tree.unit(tree.county), Role.ADMINISTRATOR)

    def actor(self, person, on=TODAY):
        return actor_of(person.id, on)

    def post(self, person):
        return db.session.scalars(select(Post).where(Post.person_id == person.id).order_by(Post.id)).first()

    def row(self):
        db.session.expire_all()
        return db.session.get_one(Assignment, self.id)

    def submitted(self):
        """Signed for and handed in by the old officer."""
        with unit_of_work():
            acknowledge(self.id, actor=self.actor(self.old), now=NOW, seen=1)
        with unit_of_work():
            submit(self.id, Report("办完了"), actor=self.actor(self.old), now=NOW, seen=2)


@pytest.fixture
def office(app):
    return Office()


def hands(office, days=0, by=None, **fields):
    given = {"from_id": office.old.id, "to_id": office.new.id, "post_ids": (office.post(office.old).id,)}
    given |= {"first_day": TODAY + timedelta(days=days), "note": "材料在柜子里"} | fields
    with unit_of_work():
        return hand_over(Handing(**given), actor=office.actor(by or office.boss), now=NOW)


@pytest.mark.parametrize("days", [0, 1, 7])
def test_the_work_goes_with_the_post(office, days):
    with unit_of_work():
        acknowledge(office.id, actor=office.actor(office.old), now=NOW, seen=1)
        save_draft(office.id, {"words": "写了一半"}, actor=office.actor(office.old), now=NOW)
        name_in_charge(office.id, office.old.id, actor=office.actor(office.old), now=NOW, seen=2)
    made = hands(office, days)
    for day in range(10):
        on = TODAY + timedelta(days=day)
        assert [bool(office.actor(who, on).posts) for who in (office.old, office.new)] == [day < days, day >= days]
    assert office.row().in_charge_id == office.new.id
    drafts = dict(db.session.execute(select(Draft.person_id, Draft.fields)).tuples().all())
    assert drafts[office.new.id] == drafts[office.old.id] == '{"words":"写了一半"}'
    event = db.session.get_one(Event, made)
    assert (event.tag, event.reason) == ("person:post:hand-over", "材料在柜子里")
    assert json.loads(event.data)["in_charge"] == 1
    told = set(db.session.scalars(select(Notice.person_id).where(Notice.event_id == made)))
    assert told == {office.old.id, office.new.id}
    assert [taken.from_name for taken in taken_over(office.new.id)] == [office.old.name]
    assert taken_over(office.old.id) == []
    later = office.actor(office.new, TODAY + timedelta(days=days))
    with unit_of_work():
        submit(office.id, Report("办完了"), actor=later, now=NOW + timedelta(days=days), seen=2)
    assert office.row().state is State.SUBMITTED


def test_what_is_left_is_listed_before(office):
    post = [(office.unit.id, Role.OFFICER)]
    assert [(row.unit_name, row.n) for row in estate(office.old.id, post, now=NOW).work] == [(office.unit.name, 1)]
    office.submitted()
    assert estate(office.old.id, post, now=NOW).work == ()
    township = office.tree.townships[0]
    holder, unit = office.tree.holder(township, Role.SUPERVISOR), office.tree.unit(township)
    found = estate(holder.id, [(unit.id, Role.SUPERVISOR)], now=NOW).reviews
    assert [(row.unit_name, row.n, row.late) for row in found] == [(unit.name, 1, 0)]


def test_stand_ins_end_with_the_post(office):
    other = make.holder(office.unit)
    with unit_of_work():
        wish = Wish(office.post(office.old).id, other.id, TODAY, TODAY + timedelta(days=9))
        name_stand_in(wish, actor=office.actor(office.old), now=NOW)
    hands(office, 3)
    assert db.session.scalars(select(Delegation.valid_to)).all() == [TODAY + timedelta(days=2)]
    hands(office, 0, from_id=office.old.id, post_ids=(office.post(office.old).id,))
    assert not [post for post in office.actor(other).posts if post.holder_id]


def test_who_may_not_and_what_may_not(office):
    stranger = make.holder(office.tree.unit(office.tree.townships[1]), Role.ADMINISTRATOR)
    before = db.session.scalar(select(func.count()).select_from(Post))
    for error, fields in (
        (NotFound, {"by": stranger}),
        (Forbidden, {"by": office.old}),
        (NotFound, {"post_ids": (office.post(office.boss).id,)}),
        (Invalid, {"post_ids": ()}),
        (Invalid, {"to_id": 987654}),
        (Invalid, {"to_id": office.old.id}),
        (Invalid, {"days": -1}),
        (Invalid, {"days": 400}),
        (Invalid, {"note": "长" * 1001}),
    ):
        with pytest.raises(error):
            hands(office, **fields)
    assert db.session.scalar(select(func.count()).select_from(Post)) == before


def test_a_successor_who_has_the_post_already_keeps_it(office):
    make.post(office.new, office.unit)
    hands(office)
    assert db.session.scalar(select(func.count()).where(Post.person_id == office.new.id)) == 1
    assert office.actor(office.old).posts == ()


def test_the_last_administrator_may_hand_over_too(office):
    with unit_of_work():
        handing = Handing(office.boss.id, office.new.id, (office.post(office.boss).id,), TODAY)
        hand_over(handing, actor=office.actor(office.boss), now=NOW)
    assert office.actor(office.new).has_role(Role.ADMINISTRATOR)
    assert not office.actor(office.boss).posts


# -- the person in charge ----------------------------------------------------------------------------------------------


def test_the_unit_names_who_is_in_charge(office):
    colleague = make.holder(office.unit)
    with unit_of_work():
        name_in_charge(office.id, colleague.id, actor=office.actor(office.old), now=NOW, seen=1)
        name_in_charge(office.id, colleague.id, actor=office.actor(office.old), now=NOW, seen=1)  # again: nothing
    assert (office.row().in_charge_id, office.row().version) == (colleague.id, 1)
    tag = "assignment:unit:name-in-charge"
    assert db.session.scalars(select(Notice.person_id).where(Notice.tag == tag)).all() == [colleague.id]
    with unit_of_work():
        name_in_charge(office.id, None, actor=office.actor(colleague), now=NOW, seen=1)
    assert office.row().in_charge_id is None


def test_who_may_not_name_and_who_may_not_be_named(office):
    tree = office.tree
    for error, fields in (
        (Forbidden, {"actor": tree.actor(tree.townships[0], Role.SUPERVISOR)}),
        (Forbidden, {"actor": tree.actor(tree.villages[1], Role.OFFICER)}),
        (Stale, {"seen": 2}),
        (Invalid, {"person_id": tree.holder(tree.villages[1], Role.OFFICER).id}),
        (NotFound, {"assignment_id": 987654}),
    ):
        given = {"assignment_id": office.id, "person_id": office.old.id, "actor": office.actor(office.old), "seen": 1}
        with pytest.raises(error), unit_of_work():
            name_in_charge(**(given | fields), now=NOW)
    assert office.row().in_charge_id is None


# -- a vacant level ----------------------------------------------------------------------------------------------------


def vacate(office, place):
    with unit_of_work() as session:
        holder = office.tree.holder(place, Role.SUPERVISOR)
        session.scalars(select(Post).where(Post.person_id == holder.id)).one().disabled_at = NOW


def moves_up(office, actor, reason="岗位空缺", seen=3):
    with unit_of_work():
        return pass_over(office.id, actor=actor, now=NOW, seen=seen, reason=reason)


def test_a_vacant_level_is_passed_over_and_the_next_one_decides(app, office):
    office.submitted()
    tree = office.tree
    above = tree.actor(tree.county, Role.DISPATCHER)
    with pytest.raises(Refused):
        moves_up(office, above)  # somebody is there
    vacate(office, tree.townships[0])
    with pytest.raises(Refused):
        moves_up(office, above, reason=" ")
    for nobody in (office.actor(office.old), tree.actor(tree.townships[1], Role.SUPERVISOR), office.actor(office.boss)):
        with pytest.raises(Forbidden):
            moves_up(office, nobody)
    with pytest.raises(Stale):
        moves_up(office, above, seen=2)
    assert moves_up(office, above) == tree.unit(tree.county).id
    row = office.row()
    assert (row.state, row.reviewer_unit_id, row.review_step, row.version) == (
        State.SUBMITTED, tree.unit(tree.county).id, 1, 4,
    )  # fmt: skip
    supervisor = tree.actor(tree.county, Role.SUPERVISOR)
    told = select(Notice.person_id).where(Notice.tag == "assignment:review:pass-over")
    assert db.session.scalars(told).all() == [supervisor.person_id]
    with unit_of_work():
        approve(office.id, actor=supervisor, now=NOW, seen=4)
    assert office.row().state is State.APPROVED
    assert db.session.scalars(select(Review.step)).all() == [1], "the vacant level has decided nothing"
    assert find_breaches(app.extensions["evidence"]) == []


def test_the_last_level_is_never_passed_over(office):
    office.submitted()
    tree = office.tree
    vacate(office, tree.townships[0])
    vacate(office, tree.county)
    above = tree.actor(tree.county, Role.DISPATCHER)
    with pytest.raises(Refused):
        moves_up(office, above)
    assert office.row().reviewer_unit_id == tree.unit(tree.townships[0]).id


def test_a_stand_in_makes_a_level_manned_and_moves_nothing_of_their_own(office):
    tree = office.tree
    office.submitted()
    holder = tree.holder(tree.townships[0], Role.SUPERVISOR)
    helper = tree.holder(tree.townships[0], Role.SUPERVISOR, make.Line.PARTY)
    with unit_of_work():
        wish = Wish(office.post(holder).id, helper.id, TODAY, TODAY)
        name_stand_in(wish, actor=office.actor(office.boss), now=NOW)
        db.session.get_one(make.Person, holder.id).disabled_at = NOW
    with pytest.raises(Refused):
        moves_up(office, tree.actor(tree.county, Role.DISPATCHER))
    with unit_of_work():
        approve(office.id, actor=office.actor(helper), now=NOW, seen=3)
    given = db.session.execute(select(Review.person_id, Post.person_id).join(Post, Post.id == Review.post_id)).one()
    assert tuple(given) == (helper.id, holder.id)
