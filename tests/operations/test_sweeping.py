"""Firing rungs: each once, the right people told, the next one armed, nothing lost after downtime."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text, update

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Delegation, Event, Firing, LadderVersion, Notice, Person, Timer
from campaign.models.ladders import written
from campaign.operations.issuing import dispatch
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.reviewing import return_for_changes
from campaign.operations.sweep_statements import ANYTHING_DUE
from campaign.operations.sweeping import due_ids, fire
from campaign.rules.ladder import DEFAULT, OVERTAKEN, Anchor, How, Rung, Sweep, Teller
from campaign.rules.organisation import Level, Role
from campaign.rules.plans import Grade
from campaign.rules.states import ReturnReason, State
from tests import make

pytestmark = pytest.mark.usefixtures("app")
PLACE = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    """That local time of 2026, as '11-25 09:00'."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=PLACE).astimezone(make.UTC)


class Clock:
    """Six assignments of the 妇联 villages, dispatched on Friday 20 November 2026 at ten in the morning, to be signed
    for by Sunday the 22nd and due on Monday the 30th."""

    def __init__(self, now, **task):
        self.now = self.start = now
        self.tree = make.small_tree()
        self.campaign = make.campaign(self.tree.unit(self.tree.county))
        self.task = make.task(self.campaign, **task)
        with unit_of_work():
            dispatch(self.task.id, actor=self.tree.actor(self.tree.county, Role.DISPATCHER), now=now)

    def sweep(self, text):
        """Both sweeps at that local time, until nothing is due: the numbers of the rungs that spoke, each once."""
        moment = self.now = at(text)
        before = set(self.spoken())
        for sweep in Sweep:
            while True:
                with unit_of_work():
                    if not fire(sweep, now=moment, limit=4).claimed:
                        break
        return sorted(rung for _, rung in set(self.spoken()) - before)

    def spoken(self):
        """What fired and was not skipped, as (assignment, rung)."""
        rows = select(Firing.assignment_id, Firing.rung).where(Firing.skipped == "")
        return [tuple(row) for row in db.session.execute(rows)]

    def skipped(self):
        """The numbers of the rungs that were overtaken."""
        rows = db.session.execute(select(Firing.rung).where(Firing.skipped == OVERTAKEN).distinct()).scalars()
        return sorted(rows)

    def told(self, tag):
        """The people who got a notice of that tag, one entry for each."""
        return list(db.session.execute(select(Notice.person_id).where(Notice.tag == tag)).scalars())

    def holder(self, area, role):
        return self.tree.holder(area, role).id

    def of(self, village):
        """The assignment of that village."""
        unit_id = self.tree.unit(village).id
        return db.session.execute(select(Assignment.id).where(Assignment.unit_id == unit_id)).scalar_one()


@pytest.fixture
def clock(now):
    return Clock(now)


def rows(noun):
    return db.session.execute(select(func.count()).select_from(noun)).scalar()


def test_nothing_fires_before_its_time(clock):
    assert clock.sweep("11-23 08:59") == []
    assert rows(Timer) == 6


def test_each_rung_fires_once_at_its_time(clock):
    assert clock.sweep("11-23 09:00") == [2] * 6  # not signed for by Sunday: the next working day
    assert clock.sweep("11-23 09:00") == []
    assert clock.sweep("11-25 09:00") == [4] * 6
    assert clock.sweep("11-27 09:00") == [5] * 6
    assert clock.sweep("12-01 08:59") == []
    assert clock.sweep("12-01 09:00") == [6] * 6
    assert clock.sweep("12-04 09:00") == [7] * 6
    assert clock.sweep("12-30 09:00") == []
    assert (rows(Firing), rows(Timer), clock.skipped()) == (30, 0, [])


def test_the_head_hears_of_what_is_not_signed_for(clock):
    clock.sweep("11-23 09:00")
    told = clock.told("assignment:clock:remind-sign-for")
    village = clock.tree.villages[0]
    assert told.count(clock.holder(village, Role.OFFICER)) == 1
    assert len(told) == len(set(told)) == rows(Notice) - 1  # the one that is left is the batch's


def test_an_escalation_tells_the_unit_above_and_later_the_one_above_that(clock):
    township = clock.holder(clock.tree.townships[0], Role.SUPERVISOR)
    county = {clock.holder(clock.tree.county, role) for role in (Role.SUPERVISOR, Role.DISPATCHER)}
    officer = clock.holder(clock.tree.villages[0], Role.OFFICER)
    clock.sweep("12-01 09:00")
    told = clock.told("assignment:clock:escalate")
    assert (told.count(township), told.count(officer), county & set(told)) == (3, 1, set())
    clock.sweep("12-04 09:00")
    told = clock.told("assignment:clock:escalate-further")
    assert (told.count(township), told.count(officer)) == (0, 1)
    assert all(told.count(person) == 6 for person in county)


def test_an_escalation_passes_over_a_vacant_post(clock):
    vacant = clock.holder(clock.tree.townships[0], Role.SUPERVISOR)
    with unit_of_work() as session:
        session.execute(make.Post.__table__.update().where(make.Post.person_id == vacant).values(disabled_at=clock.now))
    clock.sweep("12-01 09:00")
    told = clock.told("assignment:clock:escalate")
    assert vacant not in told
    assert told.count(clock.holder(clock.tree.county, Role.SUPERVISOR)) == 3


def test_a_closed_account_is_a_vacant_post_and_a_stand_in_fills_it(clock):
    away = clock.holder(clock.tree.townships[0], Role.SUPERVISOR)
    closed = clock.holder(clock.tree.townships[1], Role.SUPERVISOR)
    instead = make.person("代某")
    post = clock.tree.actor(clock.tree.townships[0], Role.SUPERVISOR).posts[0]
    with unit_of_work() as session:
        session.execute(update(Person).where(Person.id == closed).values(disabled_at=clock.now))
        session.execute(update(Person).where(Person.id == away).values(disabled_at=clock.now))
        session.add(
            Delegation(
                post_id=post.id, delegator_id=away, delegate_id=instead.id, valid_from=at("11-20 09:00").date(),
                valid_to=at("12-30 09:00").date(), reason="", at=clock.now,
            )
        )  # fmt: skip
    clock.sweep("12-01 09:00")
    told = clock.told("assignment:clock:escalate")
    assert told.count(instead.id) == 3
    assert told.count(clock.holder(clock.tree.county, Role.SUPERVISOR)) == 3


def ladder(rungs, stop_level=None):
    """Another version of the default ladder."""
    with unit_of_work() as session:
        session.add(
            LadderVersion(
                key="default", version=2, name="", stop_level=stop_level, rungs=written(rungs), person_id=1, at=make.NOW
            )
        )


def test_an_escalation_stops_at_the_level_that_the_ladder_names(now):
    ladder(DEFAULT.rungs, Level.TOWNSHIP)
    clock = Clock(now)
    clock.sweep("12-01 09:00")
    assert clock.holder(clock.tree.townships[0], Role.SUPERVISOR) in clock.told("assignment:clock:escalate")
    clock.sweep("12-04 09:00")
    county = {clock.holder(clock.tree.county, role) for role in (Role.SUPERVISOR, Role.DISPATCHER)}
    assert county.isdisjoint(clock.told("assignment:clock:escalate-further"))


def test_a_ladder_is_pinned_at_dispatch(clock):
    ladder((Rung(12, Anchor.DUE, -5, (Teller.OFFICER,)),))
    assert clock.sweep("11-23 09:00") == [2] * 6
    assert clock.sweep("11-25 09:00") == [4] * 6


def test_a_new_dispatch_takes_the_newest_ladder(now):
    ladder((Rung(12, Anchor.DUE, -1, (Teller.OFFICER,), how=How.AT_ONCE),))
    clock = Clock(now)
    assert (clock.sweep("11-25 09:00"), clock.sweep("11-27 09:00"), rows(Timer)) == ([], [12] * 6, 0)
    assert db.session.execute(
        select(Notice.urgent).where(Notice.person_id.is_not(None)).distinct()
    ).scalars().all() == [True]


def test_after_three_days_of_standstill_only_the_latest_speaks_and_the_rest_are_marked(clock):
    assert clock.sweep("12-04 09:00") == [7] * 6
    assert clock.skipped() == [2, 4, 5, 6]
    assert rows(Firing) == 30


def test_what_is_signed_for_is_not_reminded_to_sign_but_of_its_due_date(clock):
    village = clock.tree.villages[0]
    with unit_of_work():
        acknowledge(clock.of(village), actor=clock.tree.actor(village, Role.OFFICER), now=clock.now, seen=1)
    assert clock.sweep("11-23 09:00") == [2] * 5
    assert clock.sweep("11-25 09:00") == [4] * 6


def test_the_reviewer_is_under_the_clock_and_a_return_wakes_the_officers_clock_again(clock):
    village, township = clock.tree.villages[0], clock.tree.townships[0]
    officer, mine = clock.tree.actor(village, Role.OFFICER), clock.of(village)
    with unit_of_work():
        acknowledge(mine, actor=officer, now=clock.now, seen=1)
        submit(mine, Report(words="办完了"), actor=officer, now=clock.now, seen=2)
    assert clock.sweep("11-25 09:00") == [4] * 5 + [10]  # three working days to review end on Wednesday
    supervisor = clock.holder(township, Role.SUPERVISOR)
    assert clock.told("assignment:clock:review-due") == [supervisor]
    clock.sweep("11-26 09:00")
    county = {clock.holder(clock.tree.county, role) for role in (Role.SUPERVISOR, Role.DISPATCHER)}
    assert set(clock.told("assignment:clock:review-overdue")) == {supervisor, *county}
    clock.sweep("12-04 09:00")
    assert mine not in due_ids(Sweep.ESCALATE, now=at("12-30 09:00"))
    with unit_of_work():
        return_for_changes(
            mine, actor=clock.tree.actor(township, Role.SUPERVISOR), now=at("12-05 10:00"), seen=3,
            reason=ReturnReason.OTHER, words="补充",
        )  # fmt: skip
    assert clock.sweep("12-06 09:59") == []
    assert clock.sweep("12-06 10:00") == [7]  # what passed while it lay above: the latest, a day after the return
    assert clock.sweep("12-08 09:00") == [9]  # returned and untouched for two working days
    fired = db.session.execute(select(Firing.rung, Firing.skipped).where(Firing.assignment_id == mine)).tuples()
    assert dict(fired.all()) == {**dict.fromkeys((4, 5, 6), OVERTAKEN), **dict.fromkeys((7, 9, 10, 11), "")}


def test_a_timer_that_comes_before_its_time_is_armed_again(clock):
    """A date that was moved later leaves timers behind that are too early."""
    later = at("12-07 00:00") - timedelta(microseconds=1)
    with unit_of_work() as session:
        session.execute(update(Assignment).values(due_at=later, state=State.ACKNOWLEDGED))
        session.execute(update(Timer).values(fires_at=at("11-21 09:00")))
    assert (clock.sweep("11-24 09:00"), rows(Timer)) == ([], 6)
    assert (clock.sweep("12-02 09:00"), clock.skipped()) == ([4] * 6, [])


def test_a_rung_speaks_again_of_a_date_that_was_moved_but_never_twice_of_one_date(clock):
    assert clock.sweep("11-25 09:00") == [4] * 6
    later = at("12-08 00:00") - timedelta(microseconds=1)
    with unit_of_work() as session:
        session.execute(update(Assignment).values(due_at=later, state=State.ACKNOWLEDGED))
    clock.sweep("12-02 09:00")
    spoken = db.session.execute(select(Firing.anchor_at).where(Firing.rung == 4)).scalars().all()
    assert sorted(set(spoken)) == [at("12-01 00:00") - timedelta(microseconds=1), later]
    with unit_of_work() as session:
        session.execute(update(Timer).values(fires_at=clock.now, after=clock.start))  # as if nothing had been decided
    clock.sweep("12-02 09:00")
    assert rows(Notice) == 1 + 2 * 6  # of the batch, and of each date to each officer


def test_what_is_suspended_hears_nothing(clock):
    with unit_of_work() as session:
        session.execute(update(Assignment).values(suspended_at=clock.now))
    assert (clock.sweep("12-04 09:00"), rows(Timer), rows(Firing)) == ([], 0, 0)


def test_best_effort_is_reminded_but_never_escalated(now):
    clock = Clock(now, grade=Grade.BEST_EFFORT)
    assert clock.sweep("11-23 09:00") == [2] * 6
    assert clock.sweep("12-30 09:00") == [5] * 6
    assert (rows(Timer), clock.sweep("12-31 09:00")) == (0, [])
    assert {rung for _, rung in clock.spoken()} <= {2, 4, 5}


def test_the_person_in_charge_is_told_where_one_is_named(clock):
    village = clock.tree.villages[0]
    named = make.person("周某")
    with unit_of_work() as session:
        session.execute(update(Assignment).where(Assignment.id == clock.of(village)).values(in_charge_id=named.id))
    clock.sweep("11-25 09:00")
    clock.sweep("11-27 09:00")
    last = select(Notice.person_id).join(Event, Event.id == Notice.event_id).where(Event.data == '{"rung":5}')
    told = list(db.session.execute(last).scalars())
    assert named.id in told and clock.holder(village, Role.OFFICER) not in told
    assert clock.holder(clock.tree.villages[1], Role.OFFICER) in told


def test_every_firing_has_its_event_and_the_event_its_state_change_none(clock):
    clock.sweep("11-23 09:00")
    events = db.session.execute(select(Event.tag, Event.person_id, Event.to_state).where(Event.subject == "assignment"))
    assert [tuple(row) for row in events] == [("assignment:clock:remind-sign-for", 1, None)] * 6
    assert db.session.execute(select(Assignment.state).distinct()).scalars().all() == [State.ISSUED]


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_the_look_for_what_is_due_stays_with_its_index_once_it_is_planned_for_any_moment():
    asked = str(ANYTHING_DUE).replace(":sweep", "$1").replace(":now", "$2")
    with unit_of_work() as session:
        session.execute(text("INSERT INTO timer SELECT 1, at, at, 4, 0 FROM generate_series(1, 5000) AS at"))
        session.execute(text("ANALYZE timer"))
        session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        session.execute(text(f"PREPARE look (int, bigint) AS {asked}"))
        plan = session.execute(text("EXPLAIN EXECUTE look (1, 0)")).scalars().all()
        session.execute(text("DEALLOCATE look"))
    assert "pk_timer" in "".join(plan), plan
