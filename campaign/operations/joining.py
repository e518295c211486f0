"""Keeping what was done together with units of other lines, with the submission that reports it."""

from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import and_, func, insert, select
from sqlalchemy.orm import aliased

from ..db import db
from ..errors import Invalid, Problem, say
from ..models import Assignment, Joint, Metric, Submission, Unit
from ..models.contributions import REPORTED
from ..models.facts import Standing
from ..rules.joining import Partner, joint_problem
from ..rules.metrics import Value

Shares = Mapping[int, Mapping[int, Decimal]]  # metric -> partner unit -> how much


def check_joint(facts: Standing, values: Mapping[int, Value], joint: Shares) -> None:
    """Raises Invalid with a problem for each part that cannot be, at 'joint-<metric>-<unit>'. Three statements, none
    without any part."""
    named = {metric: shares for metric, shares in joint.items() if shares}
    if not named:
        return
    asked = db.session.execute(select(Metric.id, Metric.aggregation).where(Metric.task_id == facts.task_id)).all()
    aggregations = {row.id: row.aggregation for row in asked}
    units = {facts.unit_id, *(unit for shares in named.values() for unit in shares)}
    lines = {row.id: row for row in db.session.execute(select(Unit.id, Unit.name, Unit.line).where(Unit.id.in_(units)))}
    credits = _credits_to(facts)
    problems = []
    for metric, shares in named.items():
        partners = {
            id: Partner(id, row.name, row.line, credits.get((metric, id), Decimal(0))) for id, row in lines.items()
        }
        own, aggregation = lines[facts.unit_id].line, aggregations.get(metric)
        if aggregation is None:
            problems.append(Problem(f"metric-{metric}", say("This figure is not asked here.")))
            continue
        for unit, number in shares.items():
            if wrong := joint_problem(values.get(metric), aggregation, {unit: number}, partners, own):
                problems.append(Problem(f"joint-{metric}-{unit}", wrong))
    if problems:
        raise Invalid(say("What was done together cannot be kept like this."), problems)


def _credits_to(facts: Standing) -> dict[tuple[int, int], Decimal]:
    """What other units report in their present versions as done with this one: (metric, their unit) -> how much."""
    ours, theirs, version = aliased(Assignment), aliased(Assignment), aliased(Submission)
    newest = (
        select(func.max(version.number)).where(version.assignment_id == theirs.id).correlate(theirs).scalar_subquery()
    )
    rows = db.session.execute(
        select(Joint.metric_id, theirs.unit_id, Joint.number)
        .join(Submission, Submission.id == Joint.submission_id)
        .join(theirs, and_(theirs.id == Submission.assignment_id, theirs.state.in_(REPORTED)))
        .join(ours, and_(ours.task_id == theirs.task_id, ours.period == theirs.period, ours.id == facts.id))
        .where(Joint.partner_unit_id == facts.unit_id, Submission.number == newest)
    )
    return {(row.metric_id, row.unit_id): row.number for row in rows}


def keep_joint(submission_id: int, joint: Shares) -> None:
    """Writes it down with the version."""
    rows = [
        {"submission_id": submission_id, "metric_id": metric, "partner_unit_id": unit, "number": number}
        for metric, shares in joint.items()
        for unit, number in shares.items()
    ]
    if rows:
        db.session.execute(insert(Joint), rows)
