"""Arming the clock: which rung of the ladder comes next for an assignment."""

from datetime import datetime

from sqlalchemy import func, select

from ..db import db, insert_new
from ..models import Firing, Task, Timer
from ..models.facts import Standing
from ..rules.ladder import LADDER, OVERTAKEN, Rung, planned
from ..rules.plans import Grade


def ladder_for(grade: Grade) -> tuple[Rung, ...]:
    """The rungs that apply: a task of best effort never escalates."""
    return tuple(rung for rung in LADDER if grade is Grade.BINDING or rung.levels_up == 0)


def arm(facts: Standing, *, now: datetime, not_before: datetime) -> None:
    """Arms the next rung that has not fired yet, to fire not before that instant; nothing when none is left.

    Of the rungs that passed while the work lay with the reviewers the latest will speak; the others are overtaken.
    """
    grade = db.session.execute(select(Task.grade).where(Task.id == facts.task_id)).scalar_one()
    fired = db.session.execute(select(func.max(Firing.rung)).where(Firing.assignment_id == facts.id)).scalar() or 0
    rungs = [pair for pair in planned(facts.respond_by, facts.due_at, after=fired) if pair[1] in ladder_for(grade)]
    passed = [pair for pair in rungs if pair[0] <= not_before]
    skipped = [
        {"assignment_id": facts.id, "rung": rung.number, "at": now, "run": 0, "skipped": OVERTAKEN}
        for _, rung in passed[:-1]
    ]
    if skipped:
        db.session.execute(insert_new(Firing), skipped)
    for when, rung in passed[-1:] or rungs[:1]:
        row = {"sweep": rung.sweep, "fires_at": max(when, not_before), "assignment_id": facts.id, "rung": rung.number}
        db.session.execute(insert_new(Timer).values(row))
