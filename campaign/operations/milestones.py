"""The day of a milestone: from the next one on, what units must reach by now is another figure, though nobody acts."""

from datetime import datetime

from sqlalchemy import and_, select, update

from ..clock import local_today
from ..db import db, insert, listed
from ..models import Assignment, Contribution, FigureTouch, Metric, Milestone
from ..models.contributions import reported

UNSEEN = {"synchronize_session": False}  # no loaded object is looked at


def bring_milestones(*, now: datetime) -> int:
    """Notes the milestone in force today at every metric that has any, and names to the next fold whoever met the
    former one and not this, or the other way round; how many metrics it was another one for. One statement where none
    was."""
    due = Milestone.due_on >= local_today(now)
    next_one = select(Milestone.target).where(Milestone.metric_id == Metric.id, due).order_by(Milestone.due_on).limit(1)
    step = next_one.correlate(Metric).scalar_subquery()
    staged = Metric.id.in_(select(Milestone.metric_id))
    found = db.session.execute(
        select(Metric.id, Metric.task_id).where(staged, Metric.step_target.is_distinct_from(step)).with_for_update()
    ).all()
    if not found:
        return 0
    ids = [row.id for row in found]
    change = update(Metric).where(Metric.id.in_(listed(ids))).values(step_target=step)
    db.session.execute(change, execution_options=UNSEEN)
    chosen = Assignment.task_id.in_(listed({row.task_id for row in found}))
    rows = reported(chosen, Metric.id.in_(listed(ids))).subquery()
    same = and_(*(getattr(Contribution, name) == rows.c[name] for name in ("assignment_id", "metric_id", "unit_id")))
    moved = select(rows.c.assignment_id).distinct().join(Contribution, same).where(Contribution.met != rows.c.met)
    db.session.execute(insert(FigureTouch).from_select(["assignment_id"], moved.order_by(rows.c.assignment_id)))
    return len(ids)
