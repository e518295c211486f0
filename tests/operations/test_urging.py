"""Urging by hand: who is told, who is left alone and why, who may not, and what it costs."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from campaign.db import db, unit_of_work
from campaign.errors import Conflict, Invalid, NotFound, Refused
from campaign.models import Assignment, Event, Notice, Post
from campaign.models.urging import verdict_number
from campaign.operations.issuing import dispatch
from campaign.operations.urging import MOST, TAG, cooled_before, urge
from campaign.queries.urging import Wanted, choice, ids_of
from campaign.queries.worklist import Filters
from campaign.rules.organisation import Line, Role
from campaign.rules.standstill import Verdict, verdict
from campaign.rules.states import State
from tests import make
from tests.counting import statements

pytestmark = pytest.mark.usefixtures("app")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def tree():
    return make.small_tree()


@pytest.fixture
def boss(tree):
    return tree.actor(tree.townships[0], Role.SUPERVISOR)


@pytest.fixture
def ids(tree, now):
    """Six assignments by village, three in each township."""
    task = make.task(make.campaign(tree.unit(tree.county)))
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    rows = dict(db.session.execute(select(Assignment.unit_id, Assignment.id)).tuples().all())
    return [rows[tree.unit(village).id] for village in tree.villages]


def done(ids, actor, now, words="请抓紧", **more):
    with unit_of_work():
        return urge(ids, words, actor=actor, now=now, **more)


def test_the_officers_are_told_at_once_and_each_assignment_keeps_its_entry(tree, ids, boss, now):
    assert done(ids[:3], boss, now).n == 3
    told = db.session.execute(
        select(Notice.assignment_id, Notice.person_id, Notice.urgent).where(Notice.tag == TAG)
    ).tuples().all()  # fmt: skip
    officers = [tree.holder(village, Role.OFFICER).id for village in tree.villages[:3]]
    assert sorted(told) == sorted(zip(ids[:3], officers, [True] * 3, strict=True))
    entries = db.session.execute(
        select(Event.subject_id, Event.person_id, Event.post_id, Event.reason).where(Event.tag == TAG)
    ).tuples().all()  # fmt: skip
    assert sorted(entries) == [(id, boss.person_id, boss.posts[0].id, "请抓紧") for id in sorted(ids[:3])]
    assert db.session.scalars(select(Assignment.urged_at).where(Assignment.id.in_(ids[:3]))).all() == [now] * 3


def test_nobody_is_urged_twice_within_a_working_day(ids, boss, now):
    done(ids[:1], boss, now)  # a Friday at ten
    for wait in (HOUR, DAY, 3 * DAY - HOUR):
        with pytest.raises(Refused, match="less than a working day ago"):
            done(ids[:1], boss, now + wait)
    assert done(ids[:2], boss, now + 2 * HOUR).left == {Verdict.RECENT: 1}
    assert done(ids[:1], boss, now + 3 * DAY).n == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"state": State.APPROVED}, "finished"), ({"state": State.CANCELLED}, "finished"),
     ({"suspended_at": make.NOW}, "waits for an answer")],
)  # fmt: skip
def test_what_needs_no_urging_is_refused_with_the_reason(ids, boss, now, fields, reason):
    with unit_of_work() as session:
        session.execute(update(Assignment).where(Assignment.id == ids[0]).values(**fields))
    with pytest.raises(Refused, match=reason):
        done(ids[:1], boss, now)
    assert db.session.scalar(select(Event.id).where(Event.tag == TAG)) is None


def test_a_unit_without_an_officer_cannot_be_urged(tree, ids, boss, now):
    with unit_of_work() as session:
        unit = tree.unit(tree.villages[0]).id
        session.execute(update(Post).where(Post.unit_id == unit).values(disabled_at=now))
    with pytest.raises(Refused, match="no officer"):
        done(ids[:1], boss, now)


def test_units_of_others_do_not_exist_for_who_urges(tree, ids, boss, now):
    for stranger in (
        tree.actor(tree.villages[0], Role.OFFICER),
        tree.actor(tree.townships[1], Role.SUPERVISOR),
        tree.actor(tree.townships[0], Role.SUPERVISOR, Line.UNION),
        make.actor(make.person()),
    ):
        with pytest.raises(NotFound):
            done(ids[:3], stranger, now)
    assert done(ids, boss, now).n == 3  # those of the other township are passed over in silence
    issuer = tree.actor(tree.county, Role.DISPATCHER)
    assert done(ids, issuer, now).n == 3


def test_a_party_committee_urges_every_line_below_it(tree, ids, now):
    party = tree.actor(tree.townships[0], Role.SUPERVISOR, Line.PARTY)
    assert done(ids, party, now).n == 3


def test_repeating_the_act_urges_once(ids, boss, now):
    key = str(uuid4())
    first = done(ids[:2], boss, now, client_action_id=key)
    assert done(ids[:2], boss, now + HOUR, client_action_id=key) == first
    with pytest.raises(Conflict):
        done(ids[:1], boss, now, client_action_id=key)
    assert len(db.session.scalars(select(Event.id).where(Event.tag == TAG)).all()) == 2


def test_too_many_or_too_long_is_invalid(ids, boss, now):
    with pytest.raises(Invalid):
        done(range(1, MOST + 2), boss, now)
    with pytest.raises(Invalid):
        done(ids, boss, now, words="催" * 501)


def test_the_page_tells_beforehand_what_the_act_then_does(ids, boss, now):
    with unit_of_work() as session:
        session.execute(update(Assignment).where(Assignment.id == ids[0]).values(state=State.CANCELLED))
    wanted, cooled = Wanted(filters=Filters()), cooled_before(actor=boss, now=now)
    seen = choice(wanted, actor=boss, now=now, cooled=cooled)
    assert seen.counts == {Verdict.URGED: 2, Verdict.FINISHED: 1}
    assert [row.id for row in seen.rows] == sorted(ids[1:3])
    chosen = ids_of(wanted, actor=boss, now=now, cooled=cooled, most=MOST)
    assert done(chosen, boss, now).n == 2
    left = choice(Wanted(ids=tuple(ids)), actor=boss, now=now, cooled=cooled, shown=Verdict.RECENT)
    assert left.counts == {Verdict.RECENT: 2, Verdict.FINISHED: 1}
    assert [row.id for row in left.rows] == sorted(ids[1:3])


def test_the_database_says_the_same_as_the_law(ids, now):
    cooled = now - DAY
    cases = [
        {"state": state, "suspended_at": still, "urged_at": urged}
        for state in State
        for still in (None, now)
        for urged in (None, now - 2 * DAY, now)
        if state is not State.SUBMITTED  # waits at a level: the law alone is asked of it
    ]
    for fields in cases:
        with unit_of_work() as session:
            session.execute(update(Assignment).where(Assignment.id == ids[0]).values(**fields))
        said = db.session.execute(
            select(verdict_number(cooled, make.TODAY)).where(Assignment.id == ids[0])
        ).scalar_one()
        wanted = verdict(fields["state"], fields["suspended_at"], fields["urged_at"], True, cooled)
        assert said == wanted, fields


def test_urging_six_asks_no_more_than_urging_one(tree, ids, now):
    issuer, asked = tree.actor(tree.county, Role.DISPATCHER), []
    for chosen in (ids[:1], ids[1:]):
        with statements() as ran:
            done(chosen, issuer, now, client_action_id=str(uuid4()))
        asked.append(len(ran))
    assert asked[0] == asked[1] <= 8
