"""The sweeps as jobs: chunks, and bad assignments among many."""

from datetime import timedelta

from sqlalchemy import func, select, text

from campaign.db import db, unit_of_work
from campaign.models import Event, Firing, Timer
from campaign.operations.issuing import dispatch
from campaign.rules.dates import DueKind
from campaign.rules.organisation import Line, Role
from jobs.runner import run_slot
from jobs.timetable import JOBS, SECOND
from tests import make
from tests.counting import statements


def overdue(now, tasks=1):
    """Tasks whose due date has passed at `now`, dispatched ten days earlier to six villages on three lines."""
    tree = make.small_tree()
    campaign = make.campaign(tree.unit(tree.county, Line.PARTY))
    actor = tree.actor(tree.county, Role.DISPATCHER, Line.PARTY)
    for _ in range(tasks):
        task = make.task(
            campaign,
            lines=[Line.WOMEN, Line.UNION, Line.PARTY],
            due_kind=DueKind.RELATIVE,
            due_on=None,
            due_days=5,
            respond_days=None,
        )
        with unit_of_work():
            dispatch(task.id, actor=actor, now=now - timedelta(days=10))


def count(noun, *where):
    return db.session.execute(select(func.count()).select_from(noun).where(*where)).scalar()


def test_the_job_escalates_all_that_is_overdue(app, now):
    overdue(now)
    counts = [run_slot(app, JOBS[name], now) for name in ("remind", "escalate")]
    assert [each.failed for each in counts] == [0, 0]
    assert sum(each.done for each in counts) == 18  # the reminders of those days are overtaken
    assert count(Timer, Timer.fires_at <= now) == 0
    assert count(Event, Event.tag.startswith("assignment:clock:escalate")) == 18


def poison(assignment_ids):
    """The database refuses the firings of these assignments, whatever else is in the statement."""
    bad = f"NEW.assignment_id IN ({', '.join(map(str, assignment_ids))})"
    if db.engine.dialect.name == "postgresql":
        refusing = [
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$",
            f"CREATE TRIGGER poison BEFORE INSERT ON firing FOR EACH ROW WHEN ({bad}) EXECUTE FUNCTION refuse()",
        ]
    else:
        refusing = [
            f"CREATE TRIGGER poison BEFORE INSERT ON firing WHEN {bad} BEGIN SELECT RAISE(ABORT, 'poison'); END"
        ]
    with unit_of_work() as session:
        for statement in refusing:
            session.execute(text(statement))


def by_age():
    """The assignments as their timers are due."""
    return list(db.session.scalars(select(Timer.assignment_id).order_by(Timer.fires_at, Timer.assignment_id)))


def still_armed(now):
    db.session.rollback()
    return set(db.session.scalars(select(Timer.assignment_id).where(Timer.fires_at <= now)))


def test_one_bad_assignment_of_a_thousand_holds_up_nobody(app, now):
    """All others hear in the same slot, by a few transactions more; the bad one stays armed, and its error is said."""
    overdue(now, tasks=56)
    bad = by_age()[500]
    poison([bad])
    with statements() as ran:
        counts = [run_slot(app, JOBS[name], now) for name in ("remind", "escalate")]
    db.session.expire_all()
    assert sum(each.done for each in counts) == 18 * 56 - 1 == count(Firing, Firing.skipped == "")
    assert still_armed(now) == {bad}
    assert len(ran) < 600, "it was paid for by trying one after the other"
    again = [run_slot(app, JOBS[name], now + SECOND) for name in ("remind", "escalate")]
    for each in (counts, again):
        assert [
            (one.failed, f"assignment {bad}" in one.error, "poison" in one.error) for one in each if one.failed
        ] == [(1, True, True)]
    assert "poison" in run_error()
    assert still_armed(now + SECOND) == {bad}


def test_more_bad_assignments_than_a_chunk_hold_up_nobody_behind_them(app, now, monkeypatch):
    """A task whose ladder cannot be read is bad in thousands, and its timers are due first again and again."""
    overdue(now)
    first = by_age()[:12]
    poison(first)
    monkeypatch.setattr("jobs.sweep.CHUNK", 5)
    for place in range(2):
        for name in ("remind", "escalate"):
            run_slot(app, JOBS[name], now + place * SECOND)
        assert still_armed(now) == set(first)
    assert count(Firing, Firing.skipped == "") == 6


def run_error():
    return db.session.execute(text("SELECT error FROM job_run WHERE failed > 0 ORDER BY id LIMIT 1")).scalar() or ""
