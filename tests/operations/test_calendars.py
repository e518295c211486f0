"""Calendars: a correction is one event, and moves exactly what depends on it; one's own; tables; the project's days."""

import json
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from campaign.db import db, unit_of_work
from campaign.documents.tables import table_of
from campaign.errors import Conflict, Forbidden, Invalid, NotFound, Refused, Stale
from campaign.models import Assignment, Batch, Calendar, CalendarDay, Event, Notice, Tally, Timer
from campaign.models.ladders import EVERYBODYS, calendar_for, calendars
from campaign.operations.calendar_rows import WantedDay
from campaign.operations.calendars import (
    CORRECTED,
    Wish,
    correct,
    create_own,
    preview_correction,
    wish_of_table,
    wish_of_the_project,
)
from campaign.operations.folding import differences, fold
from campaign.operations.issuing import dispatch
from campaign.operations.sweeping import fire
from campaign.queries.timeline import of_assignment
from campaign.rules.calendars import DayKind, Mark, Roll
from campaign.rules.dates import DueKind, end_of_day
from campaign.rules.ladder import Sweep
from campaign.rules.organisation import SYSTEM, Line, Role
from campaign.rules.states import State
from tests import make
from tests.counting import statements

ZONE = "Asia/Shanghai"
REST = WantedDay(Mark.REST, "县庆日")
PLAIN = WantedDay(Mark.PLAIN)
REASON = "国办发明电〔2026〕1号"
TUESDAY = date(2026, 11, 24)


def ends(*day):
    return end_of_day(date(*day), ZONE)


@pytest.fixture
def tree(app):
    return make.small_tree()


@pytest.fixture
def keeper(tree):
    """The administrator of the Party committee of the city, which is the root."""
    return make.actor(make.holder(tree.unit(tree.city, Line.PARTY), Role.ADMINISTRATOR))


def sent(tree, now, **fields):
    """A task dispatched to the six villages, due five working days after Friday 20 November: on Friday the 27th."""
    asked = {"due_kind": DueKind.RELATIVE, "due_on": None, "due_days": 5, "days": DayKind.WORKING} | fields
    task = make.task(make.campaign(tree.unit(tree.county)), **asked)
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    return task


def done(wish, actor, now, calendar_id=EVERYBODYS, reason=REASON, **more):
    seen = more.pop("seen", None) or db.session.get(Calendar, calendar_id, populate_existing=True).version
    with unit_of_work():
        return correct(calendar_id, wish, actor=actor, now=now, seen=seen, reason=reason, **more)


def dues(task):
    return sorted(db.session.scalars(select(Assignment.due_at).where(Assignment.task_id == task.id)).all())


def entries():
    return db.session.scalars(select(Event).where(Event.tag == CORRECTED).order_by(Event.id)).all()


# -- a correction and what it moves ----------------------------------------------------------------------------------


def test_everybody_has_the_statutory_days_from_the_first_day(app):
    row = db.session.get_one(Calendar, EVERYBODYS)
    assert (row.known_until, row.version) == (date(2026, 12, 31), 1)
    calendar = calendars([EVERYBODYS])[EVERYBODYS]
    assert calendar.after(date(2026, 9, 30), 1, DayKind.WORKING) == date(2026, 10, 8)
    assert calendar.works(date(2026, 10, 10))
    assert not calendar.works(date(2027, 10, 1))


def test_a_correction_is_one_event_and_moves_what_follows(tree, keeper, now):
    task, plain = sent(tree, now), sent(tree, now, days=DayKind.CALENDAR, due_days=7)
    assert dues(task) == [ends(2026, 11, 27)] * 6
    foreseen = preview_correction(EVERYBODYS, Wish({TUESDAY: REST}), actor=keeper)
    assert (foreseen.moves, foreseen.version) == (6, 1)
    assert dues(task) == [ends(2026, 11, 27)] * 6  # a preview writes nothing
    before = db.session.scalar(select(func.count()).select_from(Event))
    found = done(Wish({TUESDAY: REST}), keeper, now)
    assert (found.moves, found.reviews) == (6, 0)
    assert dues(task) == [ends(2026, 11, 30)] * 6
    assert dues(plain) == [ends(2026, 11, 27)] * 6
    firsts = select(Assignment.first_due_at).where(Assignment.task_id == task.id)
    assert set(db.session.scalars(firsts)) == {ends(2026, 11, 27)}
    assert db.session.get(Calendar, EVERYBODYS, populate_existing=True).version == 2
    assert db.session.scalar(select(func.count()).select_from(Event)) == before + 1
    (entry,) = entries()
    data = json.loads(entry.data)
    assert (entry.subject, entry.subject_id, entry.reason) == ("calendar", EVERYBODYS, REASON)
    assert data["days"] == [["2026-11-24", "plain", "rest", "", "县庆日"]]
    assert (data["items"], data["version"], len(data["digest"])) == (6, 2, 64)


def test_one_notice_stands_for_a_batch(tree, keeper, now):
    task = sent(tree, now)
    sent(tree, now, days=DayKind.CALENDAR)
    done(Wish({TUESDAY: REST}), keeper, now)
    told = db.session.scalars(select(Notice).where(Notice.tag == CORRECTED)).all()
    batch = db.session.scalars(select(Batch.id).where(Batch.task_id == task.id)).one()
    assert [(notice.batch_id, notice.urgent) for notice in told] == [(batch, False)]
    one = db.session.scalars(select(Assignment.id).where(Assignment.task_id == task.id)).first()
    newest = of_assignment(one)[0]
    assert (newest.tag, newest.reason) == (CORRECTED, REASON)


def test_what_is_finished_or_was_moved_for_itself_stays(tree, keeper, now):
    task = sent(tree, now)
    one, two, *_ = db.session.scalars(select(Assignment).where(Assignment.task_id == task.id)).all()
    with unit_of_work():
        db.session.get_one(Assignment, one.id).own_dates = True
        db.session.get_one(Assignment, two.id).state = State.CANCELLED
    foreseen = preview_correction(EVERYBODYS, Wish({TUESDAY: REST}), actor=keeper)
    assert foreseen.moves == done(Wish({TUESDAY: REST}), keeper, now).moves == 4
    assert dues(task) == [ends(2026, 11, 27)] * 2 + [ends(2026, 11, 30)] * 4


def test_taken_back_everything_is_where_it_was(tree, keeper, now):
    task = sent(tree, now)
    done(Wish({TUESDAY: REST}), keeper, now)
    assert done(Wish({TUESDAY: PLAIN}), keeper, now, reason="误录").moves == 6
    assert dues(task) == [ends(2026, 11, 27)] * 6
    assert [json.loads(entry.data)["days"][0][1:3] for entry in entries()] == [["plain", "rest"], ["rest", "plain"]]


def test_a_rolled_date_follows_too(tree, keeper, now):
    task = sent(tree, now, due_kind=DueKind.FIXED, due_on=date(2026, 11, 28), days=DayKind.CALENDAR, roll=Roll.NEXT)
    assert dues(task) == [ends(2026, 11, 30)] * 6
    work = Wish({date(2026, 11, 28): WantedDay(Mark.WORK)})
    assert done(work, keeper, now).moves == 6
    assert dues(task) == [ends(2026, 11, 28)] * 6


def test_the_boards_follow(tree, keeper, now):
    task = sent(tree, now)
    with unit_of_work():
        fold(now=now)
    done(Wish({TUESDAY: REST}), keeper, now)
    with unit_of_work():
        while fold(now=now):
            pass
    assert list(differences()) == []
    rows = select(Tally.due).where(Tally.task_id == task.id, Tally.n > 0).distinct()
    assert len(db.session.scalars(rows).all()) == 1


def test_the_date_of_a_review_follows(tree, keeper, now):
    task = sent(tree, now, due_kind=DueKind.NONE, due_days=None)
    one = db.session.scalars(select(Assignment).where(Assignment.task_id == task.id)).first()
    with unit_of_work():
        row = db.session.get_one(Assignment, one.id)
        row.state, row.since, row.review_due_at = State.SUBMITTED, now, ends(2026, 11, 25)
        row.reviewer_unit_id = tree.unit(tree.townships[0]).id
    assert preview_correction(EVERYBODYS, Wish({TUESDAY: REST}), actor=keeper).reviews == 1
    assert done(Wish({TUESDAY: REST}), keeper, now).reviews == 1
    assert db.session.get(Assignment, one.id, populate_existing=True).review_due_at == ends(2026, 11, 26)


# -- the rungs -------------------------------------------------------------------------------------------------------


def spoken(task, since):
    """When the clock spoke of the task, and with which tag."""
    mine = select(Assignment.id).where(Assignment.task_id == task.id)
    found = select(Event.at, Event.tag).where(Event.subject_id.in_(mine), Event.tag.startswith("assignment:clock:"))
    return {(at, tag) for at, tag in db.session.execute(found.where(Event.at > since))}


def sweep(at):
    for kind in Sweep:
        with unit_of_work():
            fire(kind, now=at)


def morning(*day):
    return datetime(*day, 1, tzinfo=UTC)  # nine in Shanghai


def test_a_rung_that_comes_earlier_now_is_not_late(tree, keeper, now):
    """Due on a fixed Friday: its date stays. Three working days before it was Tuesday, with a holiday it is Monday."""
    task = sent(tree, now, due_kind=DueKind.FIXED, due_on=date(2026, 12, 4), respond_days=None)
    armed = select(func.min(Timer.fires_at))
    assert db.session.scalar(armed) == morning(2026, 12, 1)
    done(Wish({date(2026, 12, 2): REST}), keeper, now)
    assert dues(task) == [ends(2026, 12, 4)] * 6
    sweep(morning(2026, 11, 30) - timedelta(seconds=1))
    assert spoken(task, now) == set()
    sweep(morning(2026, 11, 30))
    assert spoken(task, now) == {(morning(2026, 11, 30), "assignment:clock:remind")}
    sweep(morning(2026, 12, 1))
    assert len(spoken(task, now)) == 1  # the timer of before says nothing a second time


def test_a_rung_that_comes_later_now_is_not_early(tree, keeper, now):
    task = sent(tree, now, due_kind=DueKind.FIXED, due_on=date(2026, 12, 4), respond_days=None)
    done(Wish({date(2026, 12, 2): REST}), keeper, now)
    done(Wish({date(2026, 12, 2): PLAIN}), keeper, now, reason="误录")
    sweep(morning(2026, 11, 30))
    assert spoken(task, now) == set()
    sweep(morning(2026, 12, 1))
    assert {at for at, _ in spoken(task, now)} == {morning(2026, 12, 1)}


def test_a_rung_whose_morning_has_passed_by_the_correction_speaks_at_once(tree, keeper, now):
    task = sent(tree, now, due_kind=DueKind.FIXED, due_on=date(2026, 12, 4), respond_days=None)
    at = morning(2026, 11, 30) + timedelta(hours=3)
    done(Wish({date(2026, 12, 2): REST}), keeper, at)
    sweep(at)
    assert {when for when, _ in spoken(task, now)} == {at}


# -- refusals --------------------------------------------------------------------------------------------------------


def test_what_does_not_hold_changes_nothing(tree, keeper, now):
    wish = Wish({TUESDAY: REST})
    officer = tree.actor(tree.villages[0], Role.OFFICER)
    county = make.actor(make.holder(tree.unit(tree.county, Line.PARTY), Role.ADMINISTRATOR))
    other_line = make.actor(make.holder(tree.unit(tree.city, Line.WOMEN), Role.ADMINISTRATOR))
    for error, act in (
        (NotFound, lambda: done(wish, officer, now)),
        (Forbidden, lambda: done(wish, county, now)),
        (Forbidden, lambda: done(wish, other_line, now)),
        (NotFound, lambda: done(wish, keeper, now, calendar_id=99, seen=1)),
        (Stale, lambda: done(wish, keeper, now, seen=7)),
        (Invalid, lambda: done(wish, keeper, now, reason=" ")),
        (Invalid, lambda: done(wish, keeper, now, reason="长" * 401)),
        (Invalid, lambda: done(Wish({date(1999, 1, 1): REST}), keeper, now)),
        (Refused, lambda: done(Wish({TUESDAY: PLAIN}), keeper, now)),
    ):
        with pytest.raises(error):
            act()
    assert entries() == []
    assert db.session.get(Calendar, EVERYBODYS, populate_existing=True).version == 1


def test_the_same_act_twice_happens_once(tree, keeper, now):
    key = str(uuid4())
    assert done(Wish({TUESDAY: REST}), keeper, now, seen=1, client_action_id=key) is not None
    assert done(Wish({TUESDAY: REST}), keeper, now, seen=1, client_action_id=key) is None
    assert len(entries()) == 1
    with pytest.raises(Conflict):
        done(Wish({TUESDAY: PLAIN}), keeper, now, seen=2, client_action_id=key)


def test_the_statements_do_not_grow_with_the_assignments(tree, keeper, now):
    def counted(wish):
        with statements() as found:
            done(wish, keeper, now)
        return len(found)

    sent(tree, now, units=[tree.unit(tree.villages[0])])
    few = counted(Wish({TUESDAY: REST}))
    more = make.area("王庄", 5, tree.townships[0])
    for number in range(40):
        make.unit(make.area(f"村{number}", 5, more if number % 2 else tree.townships[0]))
    with unit_of_work():
        db.session.execute(Assignment.__table__.update().values(state=State.CANCELLED))
        db.session.execute(Timer.__table__.delete())
    sent(tree, now)
    many = counted(Wish({TUESDAY: PLAIN}))
    assert db.session.scalar(select(func.count()).select_from(Assignment)) > 40
    assert many <= few + 2


# -- how far it is known, tables -------------------------------------------------------------------------------------


def test_how_far_it_is_known_is_corrected_alike(tree, keeper, now):
    found = done(Wish({}, date(2027, 12, 31)), keeper, now)
    assert (found.known_before, found.known_until, found.moves) == (date(2026, 12, 31), date(2027, 12, 31), 0)
    assert json.loads(entries()[0].data)["known_until"] == ["2026-12-31", "2027-12-31"]
    assert calendars([EVERYBODYS])[EVERYBODYS].knows(date(2027, 12, 31))


def table(*rows, headings=("日期", "班/休", "名称")):
    return table_of("2027.csv", headings, rows)


def test_a_table_changes_what_it_names(tree, keeper, now):
    wish = wish_of_table(
        table(("2027/10/4", "休", "国庆节"), ("2027年9月26日", "班", "国庆节"), ("20271001", "休", "National Day")),
        date(2027, 12, 31),
    )
    found = done(wish, keeper, now)
    assert [(c.day, c.before, c.after, c.name) for c in found.changes] == [
        (date(2027, 9, 26), Mark.PLAIN, Mark.WORK, "National Day"),
        (date(2027, 10, 4), Mark.PLAIN, Mark.REST, "National Day"),
    ]
    assert (found.rows, len(entries())) == (3, 1)


def test_bad_rows_are_named_by_line_and_nothing_is_changed(app):
    rows = (("2027-10-04", "休", ""), ("2027-13-01", "休", ""), ("2027-10-05", "也许", ""), ("2027-10-04", "班", ""),
            ("1066-10-14", "休", ""), ("2027-10-06", "休", "长" * 81))  # fmt: skip
    with pytest.raises(Invalid) as caught:
        wish_of_table(table(*rows))
    assert [problem.where for problem in caught.value.problems] == [f"2027.csv:{line}" for line in (3, 4, 5, 6, 7)]
    with pytest.raises(Invalid) as caught:
        wish_of_table(table(headings=("日期", "备注", "名称")))
    assert "kind / 班/休" in str(caught.value.problems[0].sentence)


# -- one's own -------------------------------------------------------------------------------------------------------


def test_a_calendar_of_its_own_is_a_copy_and_goes_its_own_way(tree, keeper, now):
    task = sent(tree, now)
    county = make.actor(make.holder(tree.unit(tree.county, Line.PARTY), Role.ADMINISTRATOR))
    with unit_of_work():
        own = create_own(tree.county.id, actor=county, now=now)
    assert calendar_for(tree.unit(tree.villages[0]).id) == own
    assert calendar_for(tree.unit(tree.city).id) == EVERYBODYS
    both = calendars([EVERYBODYS, own])
    assert both[own].exceptions == both[EVERYBODYS].exceptions
    assert both[own].known_until == both[EVERYBODYS].known_until
    assert set(db.session.scalars(select(Batch.calendar_id))) == {own}
    assert done(Wish({TUESDAY: REST}), keeper, now).moves == 0
    assert done(Wish({date(2026, 11, 25): REST}), county, now, calendar_id=own).moves == 6
    assert dues(task) == [ends(2026, 11, 30)] * 6
    names = select(CalendarDay.name).where(CalendarDay.calendar_id == own, CalendarDay.day == date(2026, 11, 25))
    assert db.session.scalar(names) == "县庆日"


def test_who_may_have_a_calendar_of_its_own(tree, keeper, now):
    women = make.actor(make.holder(tree.unit(tree.county), Role.ADMINISTRATOR))
    town = make.actor(make.holder(tree.unit(tree.townships[0], Line.PARTY), Role.ADMINISTRATOR))
    for error, actor, area in (
        (Forbidden, women, tree.county), (NotFound, town, tree.townships[1]), (NotFound, town, tree.county),
    ):  # fmt: skip
        with pytest.raises(error), unit_of_work():
            create_own(area.id, actor=actor, now=now)
    with unit_of_work():
        create_own(tree.townships[0].id, actor=town, now=now)
    with pytest.raises(Refused), unit_of_work():
        create_own(tree.townships[0].id, actor=keeper, now=now)


# -- the project's own days ------------------------------------------------------------------------------------------


def test_the_project_has_nothing_new_for_a_calendar_that_has_it(app):
    found = preview_correction(EVERYBODYS, wish_of_the_project(EVERYBODYS), actor=SYSTEM)
    assert found.is_empty


def test_the_project_never_touches_what_somebody_corrected(tree, keeper, now):
    done(Wish({date(2026, 5, 4): PLAIN, date(2026, 6, 1): REST}, date(2025, 12, 31)), keeper, now)
    with unit_of_work():
        db.session.execute(
            CalendarDay.__table__.delete().where(CalendarDay.day.in_([date(2026, 10, 1), date(2025, 10, 1)]))
        )
    found = done(wish_of_the_project(EVERYBODYS), SYSTEM, now, reason="2026")
    assert [(change.day, change.after) for change in found.changes] == [(date(2026, 10, 1), Mark.REST)]
    calendar = calendars([EVERYBODYS])[EVERYBODYS]
    assert calendar.known_until == date(2026, 12, 31)
    assert calendar.works(date(2026, 5, 4))
    assert not calendar.works(date(2026, 6, 1))
    assert calendar.works(date(2025, 10, 1))  # a year that was known is left alone altogether
