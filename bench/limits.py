"""The limits: the fewest plain set-based statements that leave the same rows in the same tables.

They decide nothing, guard nothing and compute no digest; whatever the product needs beyond them is its own price.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaign.db import micros
from campaign.rules.calendars import PLAIN
from campaign.rules.ladder import DEFAULT, Rung, moment_of

from .country import LINE
from .stages import Raw

FIRST, SECOND = (rung for rung in DEFAULT.rungs if rung.number in (4, 5))  # the reminders before the due date
TAG = FIRST.tag
DIGEST = "0" * 64
DATA = '{"batch":1,"digest":"' + DIGEST + '","due_at":"2026-12-20 15:59:59.999999+00:00","items":600000,"task":1}'

BATCH = """
INSERT INTO batch (task_id, dispatched_at, due_at, items, digest, folded)
VALUES (:task, :now, :due, :items, :digest, false) RETURNING id
"""
ASSIGN = f"""
INSERT INTO assignment (task_id, unit_id, batch_id, period, state, version, due_at, review_step)
SELECT :task, id, :batch, 0, 1, 1, :due, 0 FROM unit
WHERE line = {LINE} AND level = 5 AND lft BETWEEN :lft AND :rgt
"""
TIMERS = """
INSERT INTO timer (sweep, fires_at, assignment_id, rung, after)
SELECT 1, :fires, id, 4, :now FROM assignment WHERE batch_id = :batch
"""
EVENT = """
INSERT INTO event (at, tag, subject, subject_id, person_id, post_id, from_state, to_state, reason, data)
VALUES (:now, :tag, :subject, :id, :person, :post, :before, :after, :reason, :data) RETURNING id
"""
BATCH_NOTICE = "INSERT INTO notice (tag, event_id, batch_id, created_at) VALUES (:tag, :event, :batch, :now)"

FIRINGS = """
INSERT INTO firing (assignment_id, rung, anchor_at, at, run, skipped)
SELECT t.assignment_id, t.rung, a.due_at, :now, 1, '' FROM timer AS t JOIN assignment AS a ON a.id = t.assignment_id
WHERE t.sweep = 1 AND t.fires_at <= :now AND a.state IN (1, 2, 4)
"""
FIRING_EVENTS = """
INSERT INTO event (at, tag, subject, subject_id, person_id, reason, data)
SELECT :now, :tag, 'assignment', assignment_id, 1, '', '{"rung":4}' FROM timer WHERE sweep = 1 AND fires_at <= :now
"""
FIRING_NOTICES = """
INSERT INTO notice (tag, event_id, person_id, assignment_id, created_at)
SELECT :tag, e.id, p.person_id, a.id, :now
FROM timer AS t JOIN assignment AS a ON a.id = t.assignment_id
JOIN event AS e ON e.subject = 'assignment' AND e.subject_id = a.id AND e.at = :now
JOIN post AS p ON p.unit_id = a.unit_id AND p.role = 1
WHERE t.sweep = 1 AND t.fires_at <= :now
"""
NEXT_TIMERS = """
INSERT INTO timer (sweep, fires_at, assignment_id, rung, after)
SELECT 1, :next, a.id, 5, :now FROM timer AS t JOIN assignment AS a ON a.id = t.assignment_id
WHERE t.sweep = 1 AND t.fires_at <= :now
"""
CLAIM = "DELETE FROM timer WHERE sweep = 1 AND fires_at <= :now"

MOVE = """
UPDATE assignment SET state = 6, version = version + 1, reviewer_unit_id = NULL, review_step = 0, review_due_at = NULL,
                      not_before = NULL, since = :now
WHERE id = :id AND state = 1 AND version = 1 RETURNING task_id, unit_id, due_at
"""
NOTICE = """
INSERT INTO notice (tag, event_id, person_id, assignment_id, created_at) VALUES (:tag, :event, :person, :id, :now)
"""
DELTA = """
INSERT INTO tally_delta (task_id, unit_id, from_state, from_due, from_behind, to_state, to_due, to_behind)
VALUES (:task, :unit, 1, :due, 0, 6, :due, 0)
"""


@dataclass(frozen=True)
class Stretch:
    """The villages of a task: those between two places of the tree."""

    task: int
    lft: int
    rgt: int
    items: int


def dispatch(raw: Raw, stretch: Stretch, *, now: datetime, due: datetime) -> int:
    """Batch, assignments, timers, event and notice in one transaction; the batch's id."""
    raw.begin()
    moment, until = micros(now), micros(due)
    batch = raw.run(
        BATCH, task=stretch.task, now=moment, due=until, items=stretch.items, digest=DIGEST
    ).fetchone()[0]  # fmt: skip
    raw.run(ASSIGN, task=stretch.task, batch=batch, due=until, lft=stretch.lft, rgt=stretch.rgt)
    raw.run(TIMERS, fires=micros(time_of(FIRST, due)), batch=batch, now=moment)
    event = raw.run(
        EVENT, now=moment, tag="assignment:dispatch:issue", subject="batch", id=batch, person=11, post=1,
        before=None, after="issued", reason="", data=DATA,
    ).fetchone()[0]  # fmt: skip
    raw.run(BATCH_NOTICE, tag="assignment:dispatch:issue", event=event, batch=batch, now=moment)
    raw.commit()
    return int(batch)


def lead_by_timers(raw: Raw) -> None:
    """On PostgreSQL: the few due timers lead to the rest, whatever its statistics say of how many are due."""
    if raw.postgres:
        raw.run("SET enable_hashjoin = off")
        raw.run("SET enable_mergejoin = off")


def fire(raw: Raw, *, now: datetime, due: datetime) -> None:
    """Everything due becomes a firing, an event, a notice to each officer and the next timer."""
    raw.begin()
    moment = {"now": micros(now)}
    raw.run(FIRINGS, **moment)
    raw.run(FIRING_EVENTS, tag=TAG, **moment)
    raw.run(FIRING_NOTICES, tag=TAG, **moment)
    raw.run(NEXT_TIMERS, next=micros(time_of(SECOND, due)), **moment)
    raw.run(CLAIM, **moment)
    raw.commit()


def look_for_due(raw: Raw, *, now: datetime) -> None:
    """A claim that finds nothing."""
    raw.begin()
    raw.run(CLAIM, now=micros(now))
    raw.commit()


def cancel(raw: Raw, assignment: int, officer: int, *, now: datetime) -> None:
    """One guarded change with its event, its notice and its delta."""
    raw.begin()
    moment = micros(now)
    task, unit, due = raw.run(MOVE, id=assignment, now=moment).fetchone()
    event: Any = raw.run(
        EVENT, now=moment, tag="assignment:issuer:cancel", subject="assignment", id=assignment, person=11, post=1,
        before="issued", after="cancelled", reason="重复下达", data="{}",
    ).fetchone()[0]  # fmt: skip
    raw.run(NOTICE, tag="assignment:issuer:cancel", event=event, person=officer, id=assignment, now=moment)
    raw.run(DELTA, task=task, unit=unit, due=due)
    raw.commit()


def time_of(rung: Rung, due: datetime) -> datetime:
    """When that rung speaks of that due date; the bench has no holidays."""
    return moment_of(rung, due, PLAIN, "Asia/Shanghai")
