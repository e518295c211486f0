"""Keeping what was done together with units of other lines, with the submission that reports it."""

from collections.abc import Collection, Mapping
from decimal import Decimal

from sqlalchemy import and_, insert, or_, select
from sqlalchemy.orm import aliased

from ..db import db, listed
from ..errors import Invalid, Problem, say
from ..models import Assignment, Joint, Metric, Unit
from ..models.facts import Standing
from ..models.partners import beside, credit, same_turn
from ..rules.joining import LEADS, Partner, joint_problem
from ..rules.metrics import Value
from ..rules.organisation import Line

Shares = Mapping[int, Mapping[int, Decimal]]  # metric -> partner unit -> how much


def check_joint(facts: Standing, values: Mapping[int, Value], joint: Shares) -> None:
    """Raises Invalid with a problem for each part that cannot be, at 'joint-<metric>-<unit>'. Three statements, none
    without any part.

    The assignments of both are held, in their order, until this is committed: of two who report the same activity in
    one instant the second finds what the first said.
    """
    named = {metric: shares for metric, shares in joint.items() if shares}
    if not named:
        return
    asked = db.session.execute(select(Metric.id, Metric.aggregation).where(Metric.task_id == facts.task_id)).all()
    aggregations = {row.id: row.aggregation for row in asked}
    units = {unit for shares in named.values() for unit in shares}
    _hold(facts, units)
    own, partners = _partners(facts, units, list(named))
    problems = []
    for metric, shares in named.items():
        aggregation = aggregations.get(metric)
        if aggregation is None:
            problems.append(Problem(f"metric-{metric}", say("This figure is not asked here.")))
            continue
        known = {unit: partner for (of, unit), partner in partners.items() if of == metric}
        for unit, number in shares.items():
            if wrong := joint_problem(values.get(metric), aggregation, {unit: number}, known, own):
                problems.append(Problem(f"joint-{metric}-{unit}", wrong))
    if problems:
        raise Invalid(say("What was done together cannot be kept like this."), problems)


def _hold(facts: Standing, units: Collection[int]) -> None:
    """The assignment and those of its partners, in the order of their ids."""
    ours = aliased(Assignment)
    theirs = and_(same_turn(ours, Assignment), Assignment.unit_id.in_(listed(units)))
    same = and_(Assignment.task_id == ours.task_id, or_(Assignment.id == ours.id, theirs))
    held = select(Assignment.id).join(ours, same).where(ours.id == facts.id).order_by(Assignment.id)
    db.session.execute(held.with_for_update(key_share=True, of=Assignment))


def _partners(
    facts: Standing, units: Collection[int], metrics: Collection[int]
) -> tuple[Line, dict[tuple[int, int], Partner]]:
    """The own line, and who was named, by metric and unit. What other units report in their present versions as done
    with this one stands there as `credits_us`."""
    own, ours, theirs = aliased(Unit), aliased(Assignment), aliased(Assignment)
    rows = db.session.execute(
        select(
            own.line.label("own"), Unit.id, Unit.name, Unit.line, Metric.id.label("metric_id"),
            beside(own, Unit).label("near"), theirs.id.label("work"),
            credit(theirs, Metric.id, own.id).label("credits"),
        )
        .select_from(ours)
        .join(own, own.id == ours.unit_id)
        .join(Unit, Unit.id.in_(listed(units)))
        .join(Metric, Metric.id.in_(listed(metrics)))
        .outerjoin(theirs, and_(same_turn(ours, theirs), theirs.unit_id == Unit.id))
        .where(ours.id == facts.id)
    ).all()  # fmt: skip
    found = {}
    for row in rows:
        asked = bool(row.near) and row.work is not None
        found[row.metric_id, row.id] = Partner(row.id, row.name, row.line, row.credits or Decimal(0), asked)
    return rows[0].own if rows else LEADS, found


def keep_joint(submission_id: int, joint: Shares) -> None:
    """Writes it down with the version."""
    rows = [
        {"submission_id": submission_id, "metric_id": metric, "partner_unit_id": unit, "number": number}
        for metric, shares in joint.items()
        for unit, number in shares.items()
    ]
    if rows:
        db.session.execute(insert(Joint), rows)
