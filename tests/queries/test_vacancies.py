"""Where nobody is: each kind of gap is found, only within scope, and only while nobody acts there."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Post, Question, Request
from campaign.operations.delegation import Wish, end_stand_in, name_stand_in
from campaign.queries.people import actor_of
from campaign.queries.vacancies import Filters, Gap, counts, everything, page, unit_in_scope, waiting_at
from campaign.rules.organisation import Line, Role
from campaign.rules.requests import Decision, RequestKind
from campaign.rules.states import State
from tests import make
from tests.counting import statements

TODAY = make.TODAY


@pytest.fixture
def tree(app):
    return make.small_tree()


@pytest.fixture
def work(tree):
    """Open work in every village of the women's line, one of them waiting at the first township."""
    task = make.task(make.campaign(tree.unit(tree.county)))
    made = [make.assignment(task, tree.unit(village), State.ACKNOWLEDGED) for village in tree.villages[1:]]
    made.append(make.assignment(task, tree.unit(tree.villages[0]), State.SUBMITTED))
    return made


def end(person, on=None):
    with unit_of_work() as session:
        held = session.scalars(select(Post).where(Post.person_id == person.id)).one()
        held.valid_to = on or TODAY - timedelta(days=1)
    return held


def held_by(person):
    return db.session.scalars(select(Post).where(Post.person_id == person.id)).one()


def gaps(actor, gap, **fields):
    return [(row.unit_name, row.items) for row in page(actor, Filters(gap, **fields), on=TODAY).rows]


def boss(tree, line=Line.WOMEN, place=None):
    return actor_of(make.holder(tree.unit(place or tree.county, line), Role.ADMINISTRATOR).id, TODAY)


def test_nothing_is_missing_where_everybody_is(tree, work):
    assert counts(boss(tree), Filters(), on=TODAY) == dict.fromkeys(Gap, 0)


def test_open_work_without_an_officer(tree, work):
    end(tree.holder(tree.villages[1], Role.OFFICER))
    end(tree.holder(tree.villages[2], Role.OFFICER, Line.UNION))  # has nothing to do
    actor = boss(tree)
    assert gaps(actor, Gap.NO_OFFICER) == [("柳林西村妇联", 1)]
    assert gaps(actor, Gap.NO_OFFICER, text="东村") == []
    assert gaps(boss(tree, Line.UNION), Gap.NO_OFFICER) == []
    assert gaps(boss(tree, place=tree.townships[1]), Gap.NO_OFFICER) == []
    assert gaps(tree.actor(tree.county, Role.DISPATCHER), Gap.NO_OFFICER) == [("柳林西村妇联", 1)]
    assert gaps(tree.actor(tree.villages[1], Role.OFFICER), Gap.NO_OFFICER) == []


def test_who_stands_in_fills_the_gap_and_a_closed_account_leaves_one(tree, work):
    holder = tree.holder(tree.villages[1], Role.OFFICER)
    with unit_of_work() as session:
        session.get_one(make.Person, holder.id).disabled_at = make.NOW
    actor = boss(tree)
    assert gaps(actor, Gap.NO_OFFICER) == [("柳林西村妇联", 1)]
    post = db.session.scalars(select(Post).where(Post.person_id == holder.id)).one()
    other = tree.holder(tree.villages[1], Role.OFFICER, Line.PARTY)
    with unit_of_work():
        name_stand_in(Wish(post.id, other.id, TODAY, TODAY), actor=actor, now=make.NOW)
    assert gaps(actor, Gap.NO_OFFICER) == []


def test_reviews_that_wait_where_nobody_can_review(tree, work):
    end(tree.holder(tree.townships[0], Role.SUPERVISOR))
    end(tree.holder(tree.townships[1], Role.SUPERVISOR))  # nothing waits there
    actor, unit = boss(tree), tree.unit(tree.townships[0])
    assert gaps(actor, Gap.NO_SUPERVISOR) == [("柳林镇妇联", 1)]
    assert unit_in_scope(unit.id, actor, on=TODAY) == ("柳林镇妇联", False)
    assert unit_in_scope(tree.unit(tree.county).id, actor, on=TODAY) == ("清河县妇联", True)
    assert unit_in_scope(unit.id, boss(tree, place=tree.townships[1]), on=TODAY) is None
    assert [item.id for item in waiting_at(unit.id, most=9)] == [work[-1].id]


def test_what_was_asked_where_nobody_can_decide_stands_with_where_it_waits_now(tree, work):
    """Of two requests and a question to the first township; what was decided, or asked of a closed assignment, is not
    there; and where nobody is above either, nobody is named."""
    place, county = tree.unit(tree.townships[0]), tree.unit(tree.county)
    asker = tree.holder(tree.villages[1], Role.OFFICER)
    post, later = held_by(asker), make.NOW + timedelta(days=3)
    by = {"unit_id": place.id, "person_id": asker.id, "post_id": post.id}
    asked = by | {"number": 1, "kind": RequestKind.EXTENSION, "reason": "名册未到", "at": make.NOW, "decide_by": later}
    with unit_of_work() as session:
        session.add_all(Request(assignment_id=each.id, **asked) for each in work[:2])
        session.add(Request(assignment_id=work[2].id, **asked, decision=Decision.WITHDRAWN))
        session.add(Question(assignment_id=work[3].id, words="可否代签", asked_at=make.NOW, **by))
        session.add(Question(assignment_id=work[4].id, words="为何", asked_at=make.NOW, **by))
        session.get_one(Assignment, work[4].id).state = State.APPROVED
    actor = boss(tree)

    def found(actor=actor):
        return page(actor, Filters(Gap.UNDECIDED), on=TODAY).rows

    assert found() == ()
    end(tree.holder(tree.townships[0], Role.SUPERVISOR))
    [row] = found()
    assert (row.unit_name, row.items, row.questions, row.earliest) == ("柳林镇妇联", 3, 1, later)
    assert (row.charge_id, row.charge) == (county.id, "清河县妇联")
    assert list(everything(actor, Filters(Gap.UNDECIDED), on=TODAY)) == [row]
    assert counts(actor, Filters(), on=TODAY)[Gap.UNDECIDED] == 1
    assert (found(boss(tree, place=tree.townships[1])), found(boss(tree, Line.UNION))) == ((), ())
    for role in (Role.SUPERVISOR, Role.DISPATCHER):
        end(tree.holder(tree.county, role))
    assert [(row.charge_id, row.charge) for row in found()] == [(None, None)]
    with statements() as ran:
        found()
    assert len(ran) <= 3


def test_posts_that_end_within_a_fortnight_without_a_successor(tree, work):
    ends = {0: 0, 1: 14, 2: 15, 3: 5}
    for village, days in ends.items():
        end(tree.holder(tree.villages[village], Role.OFFICER), TODAY + timedelta(days=days))
    make.post(make.person(), tree.unit(tree.villages[3]), valid_from=TODAY + timedelta(days=6))
    found = page(boss(tree), Filters(Gap.ENDING), on=TODAY).rows
    assert [(row.unit_name, row.until) for row in found] == [
        ("柳林东村妇联", TODAY), ("柳林西村妇联", TODAY + timedelta(days=14)),
    ]  # fmt: skip
    assert all(row.person_id and row.post_id for row in found)


def test_who_is_away_and_has_lost_the_stand_in(tree, work):
    holder = tree.holder(tree.villages[1], Role.OFFICER)
    other = tree.holder(tree.villages[1], Role.OFFICER, Line.PARTY)
    post = db.session.scalars(select(Post).where(Post.person_id == holder.id)).one()
    actor, until = boss(tree), TODAY + timedelta(days=3)
    with unit_of_work():
        made = name_stand_in(Wish(post.id, other.id, TODAY, until), actor=actor_of(holder.id, TODAY), now=make.NOW)
    assert gaps(actor, Gap.AWAY) == []
    with unit_of_work():
        end_stand_in(made, actor=actor_of(other.id, TODAY), now=make.NOW)
    found = page(actor, Filters(Gap.AWAY), on=TODAY).rows
    assert [(row.unit_name, row.person_name, row.until, row.items) for row in found] == [
        ("柳林西村妇联", holder.name, until, 1)
    ]
    assert page(actor, Filters(Gap.AWAY), on=until + timedelta(days=1)).rows == ()
    make.post(make.person(), tree.unit(tree.villages[1]))
    assert gaps(actor, Gap.AWAY) == []


def test_who_came_back_early_is_not_away(tree, work):
    holder = tree.holder(tree.villages[1], Role.OFFICER)
    other = tree.holder(tree.villages[1], Role.OFFICER, Line.PARTY)
    post = db.session.scalars(select(Post).where(Post.person_id == holder.id)).one()
    for _ in range(1):
        with unit_of_work():
            made = name_stand_in(Wish(post.id, other.id, TODAY, TODAY), actor=actor_of(holder.id, TODAY), now=make.NOW)
        with unit_of_work():
            end_stand_in(made, actor=actor_of(holder.id, TODAY), now=make.NOW)
    assert gaps(boss(tree), Gap.AWAY) == []


def test_pages_follow_one_another_and_the_export_has_it_all(tree, work):
    for village in tree.villages[1:]:
        end(tree.holder(village, Role.OFFICER))
    actor, after, seen = boss(tree), None, []
    while True:
        found = page(actor, Filters(), on=TODAY, after=after, size=2)
        seen += [row.unit_id for row in found.rows]
        after = found.next
        if after is None:
            break
    assert seen == [row.unit_id for row in everything(actor, Filters(), on=TODAY)]
    assert len(seen) == len(set(seen)) == 5
    assert counts(actor, Filters(), on=TODAY)[Gap.NO_OFFICER] == 5


def test_a_list_is_one_statement(tree, work):
    for village in tree.villages[1:]:
        end(tree.holder(village, Role.OFFICER))
    actor = boss(tree)
    with statements() as asked:
        page(actor, Filters(), on=TODAY)
        counts(actor, Filters(), on=TODAY)
    assert len(asked) == 2
