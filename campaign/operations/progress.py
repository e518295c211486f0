"""Following the expected curve: what is reported moves the moment from which an assignment lags behind."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, update

from ..db import db, run
from ..models import Assignment
from ..models.courses import course_of, courses
from ..models.facts import Standing
from ..models.reaches import reach_of
from ..rules.curves import Reach
from ..rules.metrics import Value
from .move import count, counted

NOTHING = Reach(Decimal(0))
_ROWS: Any = Assignment.__table__
_FOLLOW = update(_ROWS).where(_ROWS.c.id == bindparam("reported")).values(behind_at=bindparam("behind"))


def follow_curve(facts: Standing, values: Mapping[int, Value]) -> bool:
    """Moves the moment from which the assignment lags behind to what it is with these values, by metric, reported now;
    leaves the roll-up's delta, and says whether the moment is another one.

    Nothing happens without a figure that grows towards a target. At most four statements. The row is held before
    anything is written that refers to it: two who report at once wait for each other, and the later one counts.
    """
    if not values:
        return False
    held = courses().where(Assignment.id == facts.id).with_for_update(key_share=True, of=Assignment)
    course = course_of(db.session.execute(held).one())
    if course.expected([NOTHING]) is None:
        return False
    figures = reach_of(facts.id, values)
    if not figures:
        return False
    behind = course.expected(figures)
    if behind == course.behind_at:
        return False
    run(_FOLLOW, {"reported": facts.id, "behind": behind})
    stands = replace(facts, state=course.state)
    count(stands, counted(course.due_at, course.behind_at), course.state, counted(course.due_at, behind))
    return True
