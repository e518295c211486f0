"""Occasions and decisions move dates: with one entry, one notice for each batch, and only what follows them."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from campaign.db import db, unit_of_work
from campaign.errors import Forbidden, Invalid, Refused, Stale
from campaign.models import Assignment, Batch, Event, Firing, Notice, Occasion, Timer
from campaign.operations.extending import extend
from campaign.operations.folding import differences
from campaign.operations.issuing import cancel, dispatch
from campaign.operations.occasions import add_occasion, move_occasion, remove_occasion
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.sweeping import fire
from campaign.queries.outlook import line_of
from campaign.rules.calendars import DayKind, Roll
from campaign.rules.dates import CountsFrom, DueKind, end_of_day
from campaign.rules.ladder import Sweep
from campaign.rules.organisation import Role
from campaign.rules.plans import CampaignStatus
from campaign.rules.states import State
from tests import make
from tests.counting import statements

CONGRESS, LATER = date(2027, 3, 15), date(2027, 4, 20)


def end(day):
    return end_of_day(day, make.ZONE)


@pytest.fixture
def tree(app):
    return make.small_tree()


@pytest.fixture
def issuer(tree):
    return tree.actor(tree.county, Role.DISPATCHER)


@make.kept
def occasion_of(plan, on=CONGRESS, position=1):
    made = Occasion(campaign_id=plan.id, position=position, name=f"党代会{position}", happens_on=on)
    db.session.add(made)
    db.session.flush()
    return made


def before_it(tree, occasion_plan=None, **fields):
    """A task due the day before the congress, and its occasion."""
    plan = make.campaign(tree.unit(tree.county))
    occasion = occasion_of(plan, fields.pop("on", CONGRESS))
    given = {"due_kind": DueKind.OCCASION, "due_on": None, "due_days": -1, "occasion_id": occasion.id, "grace_days": 5}
    return make.task(plan, **(given | fields)), occasion


def sent(task, actor, now):
    with unit_of_work():
        return dispatch(task.id, actor=actor, now=now)


def moved(occasion, on, actor, now, reason="省里通知", **more):
    seen = db.session.execute(select(Occasion.version).where(Occasion.id == occasion.id)).scalar_one()
    with unit_of_work():
        return move_occasion(occasion.id, on, reason, actor=actor, now=now, **({"seen": seen} | more))


def due_dates():
    return set(db.session.scalars(select(Assignment.due_at)))


def run_clock(now):
    for sweep in (*Sweep, *Sweep):
        with unit_of_work():
            fire(sweep, now=now)


def test_one_entry_and_one_notice_for_each_batch_say_that_it_moved(tree, issuer, now):
    task, occasion = before_it(tree)
    batch = sent(task, issuer, now).batch_id
    moved(occasion, LATER, issuer, now)
    entry = db.session.execute(select(Event).where(Event.tag == "assignment:occasion:move")).scalar_one()
    assert (entry.subject, entry.subject_id, entry.reason) == ("occasion", occasion.id, "省里通知")
    for said in ('"old":"2027-03-15"', '"new":"2027-04-20"', f'"batches":[{batch}]', '"items":6', '"digest":"'):
        assert said in entry.data
    notice = db.session.execute(select(Notice).where(Notice.event_id == entry.id)).scalar_one()
    assert (notice.batch_id, notice.urgent) == (batch, False)


def test_a_day_not_known_yet_gives_no_date_and_no_light_until_it_is_set(tree, issuer, now):
    task, occasion = before_it(tree, on=None)
    sent(task, issuer, now)
    assert due_dates() == {None}
    moved(occasion, CONGRESS, issuer, now)
    assert due_dates() == {end(date(2027, 3, 14))}
    assert set(db.session.scalars(select(Assignment.first_due_at))) == {None}  # this is the first date
    run_clock(now + timedelta(days=119))
    assert db.session.scalar(select(func.count()).select_from(Firing)) > 0  # the clock speaks of the new date
    moved(occasion, None, issuer, now)
    assert due_dates() == {None}
    assert differences() == []


def test_a_rung_that_spoke_of_the_old_date_speaks_again_of_the_new_one_and_not_again_when_it_comes_back(
    tree, issuer, now
):
    task, occasion = before_it(tree, on=date(2026, 12, 15), respond_days=None)
    sent(task, issuer, now)

    def spoken():
        return db.session.scalar(select(func.count()).select_from(Firing).where(Firing.skipped == ""))

    run_clock(end(date(2026, 12, 10)))
    before = end(date(2026, 12, 13))
    run_clock(before)
    first = spoken()
    assert first == 12  # three days before and one day before, six units
    moved(occasion, date(2027, 1, 15), issuer, before)
    run_clock(end(date(2027, 1, 12)))
    run_clock(end(date(2027, 1, 13)))
    assert spoken() == 2 * first
    moved(occasion, date(2026, 12, 15), issuer, before)
    run_clock(before + timedelta(seconds=1))
    assert spoken() == 2 * first


def test_an_occasion_that_is_over_makes_everything_overdue_and_the_clock_says_so_once(tree, issuer, now):
    task, occasion = before_it(tree)
    sent(task, issuer, now)
    moved(occasion, date(2026, 11, 9), issuer, now)
    run_clock(now + timedelta(minutes=1))
    tags = db.session.execute(select(Event.tag, func.count()).where(Event.tag.like("%escalate%")).group_by(Event.tag))
    assert dict(tags.tuples().all()) == {"assignment:clock:escalate-further": 6}


def test_what_is_closed_or_was_moved_by_decision_stays(tree, issuer, now):
    task, occasion = before_it(tree)
    sent(task, issuer, now)
    closed, own, *_ = db.session.scalars(select(Assignment.id).order_by(Assignment.id))
    with unit_of_work():
        cancel(closed, actor=issuer, now=now, seen=1, reason="不涉及")
        extend(own, date(2027, 5, 1), "汛期", actor=issuer, now=now, seen=1)
    done = moved(occasion, LATER, issuer, now)
    assert [each.items for each in done] == [4]
    found = dict(db.session.execute(select(Assignment.id, Assignment.due_at)).tuples().all())
    assert (found.pop(closed), found.pop(own)) == (end(date(2027, 3, 14)), end(date(2027, 5, 1)))
    assert set(found.values()) == {end(date(2027, 4, 19))}
    assert differences() == []


def test_two_tasks_that_change_places_are_still_counted_right(tree, issuer, now):
    plan = make.campaign(tree.unit(tree.county))
    occasion = occasion_of(plan)
    given = {"due_kind": DueKind.OCCASION, "due_on": None, "occasion_id": occasion.id}
    for days in (-1, -37):
        sent(make.task(plan, due_days=days, **given), issuer, now)
    moved(occasion, CONGRESS + timedelta(days=36), issuer, now)
    assert due_dates() == {end(date(2027, 4, 19)), end(date(2027, 3, 14))}
    assert differences() == []


def test_a_second_batch_of_the_task_moves_too(tree, issuer, now):
    task, occasion = before_it(tree, lines=(make.Line.WOMEN,))
    sent(task, issuer, now)
    village = make.area("柳林南村", make.Level.VILLAGE, tree.townships[0])
    make.unit(village)
    sent(task, issuer, now + timedelta(days=1))
    assert [each.items for each in moved(occasion, LATER, issuer, now)] == [6, 1]
    assert db.session.scalar(select(func.count()).select_from(Batch)) == 2
    assert differences() == []


def test_it_is_refused_to_strangers_for_no_reason_for_nothing_and_to_who_looked_too_long_ago(tree, issuer, now):
    task, occasion = before_it(tree)
    sent(task, issuer, now)
    with pytest.raises(Forbidden):
        moved(occasion, LATER, tree.actor(tree.villages[0], Role.OFFICER), now)
    with pytest.raises(Invalid):
        moved(occasion, LATER, issuer, now, reason=" ")
    with pytest.raises(Invalid):
        moved(occasion, date(1911, 1, 1), issuer, now)
    with pytest.raises(Refused):
        moved(occasion, CONGRESS, issuer, now)
    moved(occasion, LATER, issuer, now)
    with pytest.raises(Stale):
        moved(occasion, CONGRESS, issuer, now, seen=1)
    assert due_dates() == {end(date(2027, 4, 19))}


def test_the_same_move_sent_twice_happens_once(tree, issuer, now):
    task, occasion = before_it(tree)
    sent(task, issuer, now)
    key = str(uuid4())
    for _ in range(2):
        moved(occasion, LATER, issuer, now, seen=1, client_action_id=key)
    assert db.session.scalar(select(func.count()).where(Event.tag == "assignment:occasion:move")) == 1


def test_a_move_for_sixty_asks_no_more_than_one_for_six(tree, issuer, now):
    counts = []
    for more in (0, 54):
        for number in range(more):
            make.unit(make.area(f"新{number}村", make.Level.VILLAGE, tree.townships[0]))
        task, occasion = before_it(tree)
        sent(task, issuer, now)
        with statements() as ran:
            (done,) = moved(occasion, LATER, issuer, now)
        counts.append((done.items, len(ran)))
    (few, before), (many, after) = counts
    assert (few, many) == (6, 60)
    assert after == before


def test_occasions_belong_to_the_draft_and_leave_it_only_unused(tree, issuer, now):
    plan = make.campaign(tree.unit(tree.county), status=CampaignStatus.DRAFT)
    with unit_of_work():
        one = add_occasion(plan.id, " 县  党代会 ", None, actor=issuer, now=now)
        two = add_occasion(plan.id, "人代会", CONGRESS, actor=issuer, now=now)
    assert db.session.get(Occasion, one).name == "县 党代会"
    with pytest.raises(Invalid), unit_of_work():
        add_occasion(plan.id, "人代会", None, actor=issuer, now=now)
    with unit_of_work():
        move_occasion(one, LATER, "", actor=issuer, now=now, seen=1)  # a draft needs no reason
        remove_occasion(two, actor=issuer, now=now, seen=1)
    make.task(plan, due_kind=DueKind.OCCASION, due_on=None, due_days=-1, occasion_id=one)
    with pytest.raises(Refused), unit_of_work():
        remove_occasion(one, actor=issuer, now=now, seen=2)


def test_days_from_the_sign_for_begin_there(tree, issuer, now):
    fields = {"due_kind": DueKind.RELATIVE, "due_on": None, "due_days": 20, "days": DayKind.WORKING, "grace_days": 5,
              "counts_from": CountsFrom.SIGN_FOR, "respond_days": 3, "roll": Roll.NEXT}  # fmt: skip
    task = make.task(make.campaign(tree.unit(tree.county)), **fields)
    make.metric(task, target=10)
    sent(task, issuer, now)
    assert due_dates() == {None}
    id, unit = db.session.execute(select(Assignment.id, Assignment.unit_id).order_by(Assignment.id)).first()
    officer = next(make.actor(person) for (held, _), person in tree.people.items() if held == unit)
    monday = now + timedelta(days=3)
    with unit_of_work():
        acknowledge(id, actor=officer, now=monday, seen=1)
    found = db.session.get(Assignment, id, populate_existing=True)
    assert (found.due_at, found.cut_off_at) == (end(date(2026, 12, 21)), end(date(2026, 12, 28)))
    assert found.behind_at is not None and found.first_due_at is None
    timers = select(Timer.fires_at).where(Timer.assignment_id == id, Timer.fires_at > monday)
    assert min(db.session.scalars(timers)) <= found.behind_at + timedelta(days=1)
    assert differences() == []


def test_a_decision_moves_one_date_and_its_cut_off_by_as_many_days(tree, issuer, now):
    task = make.task(make.campaign(tree.unit(tree.county)), grace_days=5)
    sent(task, issuer, now)
    id, other, *_ = db.session.scalars(select(Assignment.id).order_by(Assignment.id))
    with unit_of_work():
        extend(id, date(2026, 12, 10), "大雪封山", actor=issuer, now=now, seen=1)
    found = db.session.get(Assignment, id, populate_existing=True)
    assert (found.due_at, found.cut_off_at) == (end(date(2026, 12, 10)), end(date(2026, 12, 15)))
    assert (found.first_due_at, found.own_dates, found.version) == (end(date(2026, 11, 30)), True, 2)
    with unit_of_work():
        extend(id, date(2026, 12, 20), "再延", actor=issuer, now=now, seen=2)
    assert db.session.get(Assignment, id, populate_existing=True).first_due_at == end(date(2026, 11, 30))
    assert db.session.get(Assignment, other).own_dates is False
    assert db.session.scalar(select(func.count()).where(Notice.tag == "assignment:issuer:extend")) == 2
    assert differences() == []


def test_a_decision_opens_again_what_the_cut_off_had_closed(tree, issuer, now):
    task = make.task(make.campaign(tree.unit(tree.county)), grace_days=0)
    sent(task, issuer, now)
    id, unit = db.session.execute(select(Assignment.id, Assignment.unit_id).order_by(Assignment.id)).first()
    officer = next(make.actor(person) for (held, _), person in tree.people.items() if held == unit)
    late = now + timedelta(days=12)
    with unit_of_work():
        acknowledge(id, actor=officer, now=late, seen=1)
    with pytest.raises(Refused), unit_of_work():
        submit(id, Report(words="好了"), actor=officer, now=late, seen=2)
    with unit_of_work():
        extend(id, date(2026, 12, 10), "核实后同意", actor=issuer, now=late, seen=2)
        submit(id, Report(words="好了"), actor=officer, now=late, seen=3)
    assert db.session.get(Assignment, id, populate_existing=True).state is State.SUBMITTED


@pytest.mark.parametrize(
    ("day", "reason", "seen", "refusal"),
    [
        (date(2026, 12, 10), "", 1, Invalid),
        (date(2026, 11, 19), "迟了", 1, Invalid),
        (date(2026, 11, 30), "同一天", 1, Invalid),
        (date(2200, 1, 1), "太远", 1, Invalid),
        (date(2026, 12, 10), "过期页面", 7, Stale),
    ],
)
def test_a_decision_that_does_not_hold(tree, issuer, now, day, reason, seen, refusal):
    sent(make.task(make.campaign(tree.unit(tree.county))), issuer, now)
    id = db.session.scalars(select(Assignment.id)).first()
    with pytest.raises(refusal), unit_of_work():
        extend(id, day, reason, actor=issuer, now=now, seen=seen)
    with pytest.raises(Forbidden), unit_of_work():
        extend(id, date(2026, 12, 10), "自己延", actor=tree.actor(tree.villages[0], Role.OFFICER), now=now, seen=1)


@pytest.mark.parametrize("on", [date(2026, 11, 27), date(2026, 12, 4), date(2026, 12, 11), date(2027, 2, 1)])
def test_what_the_time_line_promises_after_a_move_is_what_the_clock_sends(tree, issuer, now, on):
    """Also of rungs whose time the move has put into the past, and with the timers of the old date still there."""
    task, occasion = before_it(tree, on=date(2027, 1, 12))
    sent(task, issuer, now)
    first = db.session.execute(select(Assignment).order_by(Assignment.id)).scalars().first()
    with unit_of_work():
        acknowledge(first.id, actor=tree.actor(tree.villages[0], Role.OFFICER), now=now, seen=1)
    moment = now + timedelta(days=4)
    run_until(moment)
    moved(occasion, on, issuer, moment)
    with unit_of_work():
        extend(first.id + 2, on + timedelta(days=2), "省里通知", actor=issuer, now=moment, seen=1)
    for id in (first.id, first.id + 1, first.id + 2):
        coming = line_of(id, now=moment).coming
        promised = [(each.at, each.rung.number) for each in coming if not each.overtaken]
        run_until(moment + timedelta(days=120), only=id)
        spoken = select(Firing.at, Firing.rung).where(
            Firing.assignment_id == id, Firing.at >= moment, Firing.skipped == ""
        )
        assert sorted(db.session.execute(spoken).tuples()) == sorted(promised)


def run_until(last, only=None):
    """Lets the clock fire at the instant of each timer."""
    while True:
        mine = Timer.fires_at <= last if only is None else (Timer.fires_at <= last) & (Timer.assignment_id == only)
        at = db.session.scalar(select(func.min(Timer.fires_at)).where(mine))
        if at is None:
            return
        for sweep in Sweep:
            with unit_of_work():
                fire(sweep, now=at, only=None if only is None else [only])
