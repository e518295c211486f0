"""Standing in: who may lend a post to whom, for which days, how far; and when it no longer acts."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from campaign.db import db, unit_of_work
from campaign.errors import Invalid, NotFound, Refused
from campaign.models import Delegation, Event, Notice, Post
from campaign.operations.delegation import Wish, end_stand_in, name_stand_in
from campaign.operations.people import disable_person, end_post
from campaign.queries.people import actor_of
from campaign.rules.organisation import Level, Line, Role
from tests import make

TODAY = make.TODAY


def days(first: int, last: int) -> dict:
    return {"valid_from": TODAY + timedelta(days=first), "valid_to": TODAY + timedelta(days=last)}


class Village:
    """Five officers of one village unit, the same in the county, and an administrator there."""

    def __init__(self):
        self.county = make.area()
        self.village = make.area("东村", Level.VILLAGE, self.county)
        self.unit, self.above = make.unit(self.village), make.unit(self.county)
        self.people = [make.holder(self.unit) for _ in range(5)]
        self.administrator = make.holder(self.above, Role.ADMINISTRATOR)

    def post(self, person):
        return db.session.scalars(select(Post).where(Post.person_id == person.id)).one()


@pytest.fixture
def village(app):
    return Village()


def lend(post, giver, to, first=0, last=9, on=TODAY, **fields):
    wish = Wish(post.id, to.id, **(days(first, last) | fields))
    actor = actor_of(giver.id, on)
    with unit_of_work():
        return name_stand_in(wish, actor=actor, now=make.NOW)


def acts_for(person, on=TODAY):
    return {post.holder_id for post in actor_of(person.id, on).posts if post.holder_id}


def refused(kind, *args, **kwargs):
    before = db.session.scalar(select(func.count()).select_from(Delegation))
    with pytest.raises(kind):
        lend(*args, **kwargs)
    assert db.session.scalar(select(func.count()).select_from(Delegation)) == before


def test_the_stand_in_acts_from_the_first_day_to_the_last(village):
    holder, other, *_ = village.people
    lend(village.post(holder), holder, other, 2, 4, reason="休假")
    for day in range(8):
        on = TODAY + timedelta(days=day)
        assert acts_for(other, on) == ({holder.id} if 2 <= day <= 4 else set()), day
        assert [post.holder_id for post in actor_of(holder.id, on).posts] == [None], "the holder keeps the post"
    lent = actor_of(other.id, TODAY + timedelta(days=3)).posts
    assert [post.on_behalf_of for post in lent] == ["", holder.name], "own posts come first"


def test_everybody_concerned_is_told_once(village):
    holder, other, third, *_ = village.people
    post = village.post(holder)
    lend(post, holder, other)
    lend(post, other, third, 1, 2)
    told = select(Notice.person_id, Event.tag).join(Event).order_by(Notice.id)
    name = "delegation:stand-in:name"
    assert set(db.session.execute(told).tuples()) == {(holder.id, name), (other.id, name), (third.id, name)}
    assert db.session.scalar(select(func.count()).select_from(Notice)) == 5


def test_it_is_passed_on_within_its_days_and_three_times_at_most(village):
    a, b, c, d, e = village.people
    post = village.post(a)
    lend(post, a, b, 0, 9)
    refused(Invalid, post, b, c, 0, 10)
    lend(post, b, c, 1, 9)
    refused(Invalid, post, c, d, 0, 9)
    lend(post, c, d, 2, 8)
    refused(Refused, post, d, e, 3, 4)
    assert acts_for(d, TODAY + timedelta(days=3)) == {a.id}
    assert acts_for(e, TODAY + timedelta(days=3)) == set()


@pytest.mark.parametrize("to", [0, 1, 2])
def test_it_never_goes_in_a_circle(village, to):
    a, b, c, *_ = village.people
    post = village.post(a)
    lend(post, a, b)
    lend(post, b, c)
    refused(Invalid, post, c, village.people[to])


def test_nobody_stands_in_for_themselves(village):
    a, *_ = village.people
    refused(Invalid, village.post(a), a, a)
    with pytest.raises(Invalid):
        lend(village.post(a), village.administrator, a)


def test_a_day_has_one_stand_in_for_each_giver(village):
    a, b, c, d, _ = village.people
    post = village.post(a)
    lend(post, a, b, 2, 4)
    for first, last in ((0, 2), (4, 6), (0, 9), (3, 3)):
        refused(Refused, post, a, c, first, last)
        refused(Invalid, post, a, b, first, last)
    lend(post, a, c, 5, 6)
    lend(post, a, d, 0, 1)


def test_a_stand_in_twice_in_one_day_is_refused_whoever_gives(village):
    a, b, c, d, _ = village.people
    post = village.post(a)
    lend(post, a, b, 0, 9)
    lend(post, b, c, 0, 9)
    lend(post, c, d, 0, 9)
    refused(Invalid, post, c, b, 0, 1)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_administrators_and_auditors_are_never_stood_in_for(village, role):
    boss = make.holder(village.above, role)
    refused(Refused, village.post(boss), boss, village.people[0])
    with unit_of_work() as session:  # and a row that came from elsewhere gives nothing
        fields = {"post_id": village.post(boss).id, "delegator_id": boss.id, "at": make.NOW}
        session.add(Delegation(delegate_id=village.people[0].id, **fields, **days(0, 9)))
    assert acts_for(village.people[0]) == set()


def test_the_post_of_somebody_else_does_not_exist(village):
    a, b, c, *_ = village.people
    refused(NotFound, village.post(a), b, c)
    with pytest.raises(NotFound):
        lend(make.Post(id=987654), b, c)


def test_an_administrator_names_somebody_for_who_is_ill(village):
    a, b, *_ = village.people
    made = lend(village.post(a), village.administrator, b, reason="住院")
    assert acts_for(b) == {a.id}
    assert db.session.get_one(Delegation, made).delegator_id == a.id
    stranger = make.holder(make.unit(make.area("白石县")), Role.ADMINISTRATOR)
    refused(NotFound, village.post(a), stranger, village.people[3])


def test_who_may_be_chosen(village):
    a, *_ = village.people
    post = village.post(a)
    far = make.holder(make.unit(make.area("西村", Level.VILLAGE, village.county)))
    beside = make.holder(make.unit(village.village, Line.PARTY))
    auditor = make.holder(village.unit, Role.AUDITOR)
    gone, left = make.holder(village.unit), make.person()
    for nobody in (far, auditor, left):
        refused(Invalid, post, a, nobody)
    with unit_of_work() as session:
        session.get_one(make.Person, gone.id).disabled_at = make.NOW
    refused(Invalid, post, a, gone)
    lend(post, a, beside)
    assert acts_for(beside) == {a.id}


@pytest.mark.parametrize(("first", "last"), [(-1, 3), (3, 2), (0, 400)])
def test_the_days_must_make_sense(village, first, last):
    a, b, *_ = village.people
    refused(Invalid, village.post(a), a, b, first, last)


def test_the_post_must_be_held_on_every_day(village):
    a, b, *_ = village.people
    with unit_of_work() as session:
        session.get_one(Post, village.post(a).id).valid_to = TODAY + timedelta(days=5)
    refused(Invalid, village.post(a), a, b, 0, 6)
    lend(village.post(a), a, b, 0, 5)


def chain_of_three(village):
    a, b, c, d, _ = village.people
    post = village.post(a)
    return [lend(post, giver, to, 0, 9) for giver, to in ((a, b), (b, c), (c, d))]


@pytest.mark.parametrize("at", [0, 1, 2])
def test_ending_one_ends_what_hangs_on_it(village, at):
    made = chain_of_three(village)
    a, b, c, d, _ = village.people
    giver = (a, b, c)[at]
    with unit_of_work():
        end_stand_in(made[at], actor=actor_of(giver.id, TODAY), now=make.NOW)
    assert [acts_for(person) == {a.id} for person in (b, c, d)] == [at > 0, at > 1, False]
    tags = db.session.scalars(select(Event.tag).where(Event.tag == "delegation:stand-in:end")).all()
    assert len(tags) == 3 - at


def test_who_may_end_it(village):
    made = chain_of_three(village)
    a, _b, c, d, e = village.people
    with pytest.raises(NotFound), unit_of_work():
        end_stand_in(made[2], actor=actor_of(e.id, TODAY), now=make.NOW)
    with pytest.raises(NotFound), unit_of_work():
        end_stand_in(987654, actor=actor_of(a.id, TODAY), now=make.NOW)
    with unit_of_work():
        end_stand_in(made[2], actor=actor_of(d.id, TODAY), now=make.NOW)  # gives it back
        end_stand_in(made[2], actor=actor_of(c.id, TODAY), now=make.NOW)  # again: nothing more happens
        end_stand_in(made[1], actor=actor_of(a.id, TODAY), now=make.NOW)  # the holder, whoever gave it
        end_stand_in(made[0], actor=actor_of(village.administrator.id, TODAY), now=make.NOW)
    tags = db.session.scalars(select(Event.tag).where(Event.subject == "delegation").order_by(Event.id)).all()
    assert [tag.rpartition(":")[2] for tag in tags] == ["name"] * 3 + ["lost", "end", "end"]
    assert not any(acts_for(person) for person in village.people)


def test_a_closed_account_neither_acts_nor_lends(village):
    made = chain_of_three(village)
    _a, b, c, d, _ = village.people
    with unit_of_work():
        disable_person(b.id, actor=actor_of(village.administrator.id, TODAY), now=make.NOW)
    assert [acts_for(person) for person in (c, d)] == [set(), set()]
    assert all(db.session.get_one(Delegation, each).ended_at for each in made)


@pytest.mark.parametrize("on", [None, TODAY + timedelta(days=4)])
def test_nobody_stands_in_for_a_post_that_has_ended(village, on):
    chain_of_three(village)
    a, b, c, d, _ = village.people
    lend(village.post(a), a, b, 20, 21)
    with unit_of_work():
        boss = actor_of(village.administrator.id, TODAY)
        end_post(village.post(a).id, actor=boss, now=make.NOW, on=on)
    last = -1 if on is None else 4
    for day in range(30):
        held = day <= last
        assert [acts_for(who, TODAY + timedelta(days=day)) == {a.id} for who in (b, c, d)] == [held] * 3
    living = select(func.max(Delegation.valid_to)).where(Delegation.ended_at.is_(None))
    assert db.session.scalar(living) == on


def test_the_same_act_again_gives_the_first_answer(village):
    a, b, *_ = village.people
    wish, key = Wish(village.post(a).id, b.id, **days(0, 3)), "6f1a7f0e-3a0e-4a0a-9d55-1f2f3c4d5e6f"
    answers = []
    for _ in range(2):
        with unit_of_work():
            answers.append(name_stand_in(wish, actor=actor_of(a.id, TODAY), now=make.NOW, client_action_id=key))
    assert answers[0] == answers[1]
    assert db.session.scalar(select(func.count()).select_from(Delegation)) == 1
