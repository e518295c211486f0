"""The figures counted again in plain Python, one assignment after the other: what every roll-up must equal.

Shares nothing with the product but the nouns and the law of standings: no statement, no tree walk, no comparison.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import select

from campaign.db import db
from campaign.models import (
    Area,
    Assignment,
    Campaign,
    Joint,
    Metric,
    MetricValue,
    Milestone,
    Placement,
    Submission,
    Target,
    Task,
    Unit,
)
from campaign.rules.figures import STANDING_OF, Standing
from campaign.rules.metrics import KINDS, Aggregation, Comparator, MetricKind, Value, meets
from campaign.rules.states import State
from campaign.rules.targets import Quota
from tests.make import TODAY

Key = tuple[int, int, int, int, int]  # metric, area, line, period, standing
GONE = (State.CANCELLED, State.NOT_APPLICABLE)
ADDED = (Aggregation.SUM, Aggregation.RATIO)


def recount(on: date = TODAY) -> dict[Key, list]:
    """n, met, number, numerator, denominator, credited for every key of every area, leaves included. `on`: the day
    whose milestones are in force."""
    db.session.expire_all()
    areas = {area.id: area for area in db.session.scalars(select(Area))}
    units = {unit.id: unit for unit in db.session.scalars(select(Unit))}
    metrics = list(db.session.scalars(select(Metric)))
    assignments = list(db.session.scalars(select(Assignment)))
    issued = dict(
        db.session.execute(select(Task.id, Campaign.issued_at).join(Campaign, Campaign.id == Task.campaign_id)).all()
    )
    children = defaultdict(list)
    for each in assignments:
        children[each.parent_id].append(each)
    found: dict[Key, list] = defaultdict(lambda: [0, 0, Decimal(0), Decimal(0), Decimal(0), Decimal(0)])
    for each in assignments:
        for metric in (metric for metric in metrics if metric.task_id == each.task_id):
            for unit_id, standing, sums in _of(each, metric, children[each.id], on):
                unit = units[unit_id]
                for area in _way(areas, unit.area_id, issued[each.task_id]):
                    row = found[metric.id, area, int(unit.line), each.period, int(standing)]
                    for place, part in enumerate(sums):
                        row[place] += part
    return {key: row for key, row in found.items() if any(row)}


def _way(areas, area_id, at):
    """The area and those above it, as the tree was at that moment."""
    while area_id is not None:
        yield area_id
        former = db.session.scalars(
            select(Placement).where(Placement.area_id == area_id, Placement.until > at).order_by(Placement.until)
        ).first()
        area_id = former.parent_id if former else areas[area_id].parent_id


def _target(assignment, metric):
    row = db.session.get(Target, (assignment.id, metric.id))
    if row is not None:
        return row.value
    each = metric.aggregation is not Aggregation.SUM or metric.quota is Quota.PER_UNIT
    return metric.target if each else None


def _now(metric, target, comparator, on):
    """What must be reached by the milestone in force on that day, and how it is compared."""
    steps = [
        (step.due_on, step.target)
        for step in db.session.scalars(select(Milestone).where(Milestone.metric_id == metric.id))
        if step.due_on >= on
    ]
    if not steps or target is None:
        return target, comparator
    step = min(steps)[1]
    if comparator is Comparator.EQUAL:
        comparator = {1: Comparator.AT_MOST, -1: Comparator.AT_LEAST}.get(
            (step > metric.target) - (step < metric.target), comparator
        )
    each = metric.aggregation is not Aggregation.SUM or metric.quota is not Quota.TOTAL
    if not metric.target:
        return (target + step, comparator) if each else (target, comparator)
    return Fraction(target) * Fraction(step) / Fraction(metric.target), comparator


def _of(assignment, metric, below, on):
    """What one assignment counts for: its own row and what it credits to partners."""
    zero = Decimal(0)
    if assignment.state in GONE or (below and metric.aggregation not in ADDED):
        return
    standing = STANDING_OF[assignment.state]
    versions = db.session.scalars(select(Submission).where(Submission.assignment_id == assignment.id)).all()
    latest = max(versions, key=lambda version: version.number, default=None)
    row = None
    if latest is not None and standing is not Standing.MISSING:
        row = db.session.scalars(
            select(MetricValue).where(MetricValue.submission_id == latest.id, MetricValue.metric_id == metric.id)
        ).first()
    if row is None:
        yield assignment.unit_id, Standing.MISSING, (1, 0, zero, zero, zero, zero)
        return
    value = Value(row.number, row.numerator, row.denominator, row.text)
    figure, target = KINDS[metric.kind].figure(value), _target(assignment, metric)
    if metric.aggregation is Aggregation.SUM and target is not None:
        rows = [db.session.get(Target, (child.id, metric.id)) for child in below if child.state not in GONE]
        target -= sum((row.value for row in rows if row is not None), zero)
    by_now, comparator = _now(metric, target, metric.comparator, on)
    met = meets(None if figure is None else Fraction(figure), comparator, by_now)
    if metric.comparator is Comparator.NONE or target is None:
        met = metric.kind in (MetricKind.BOOLEAN, MetricKind.CHECKLIST) and figure == 1
    parts = (row.number or zero, zero, zero) if metric.aggregation is Aggregation.SUM else (zero, zero, zero)
    if metric.aggregation is Aggregation.RATIO:
        parts = (zero, row.numerator or zero, row.denominator or zero)
    yield assignment.unit_id, standing, (1, int(bool(met)), *parts, zero)
    if metric.aggregation is Aggregation.SUM:
        for joint in db.session.scalars(
            select(Joint).where(Joint.submission_id == latest.id, Joint.metric_id == metric.id)
        ):
            yield joint.partner_unit_id, standing, (0, 0, zero, zero, zero, joint.number)
