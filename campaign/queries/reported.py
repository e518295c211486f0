"""What was reported in a version or a check-in: its figures and its files, by what they belong to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, func, select, type_coerce
from sqlalchemy.orm import aliased

from ..db import Exact
from ..models import Assignment, Attachment, Evidence, EvidenceRule, Joint, Metric, MetricValue, Target, Unit
from ..models.goals import given_below, join_target, own_target
from ..rules.differences import Together
from ..rules.media import Kept
from ..rules.metrics import KINDS, Comparator, MetricKind, Value, meets

OF_VALUES = 12  # the columns of `values_of` before those of a value


@dataclass(frozen=True)
class Figure:
    """A metric that the task asks for. `target`: what this assignment must reach; None where it has none of its own.
    `step`, `plan`: the milestone in force and the target of the plan in the end, if there is such; `given`: what the
    units below must reach of the target, once it was split among them."""

    id: int
    name: str
    kind: MetricKind
    unit_of_measure: str
    comparator: Comparator
    target: Decimal | None
    numerator_name: str
    denominator_name: str
    money_places: int
    step: Decimal | None
    plan: Decimal | None
    given: Decimal

    @property
    def due(self) -> Decimal | None:
        """What must be reached by now, by the unit itself: the milestone in force, in proportion to the target, without
        what was given to the units below. The same as the roll-up weighs a unit by."""
        if self.target is None:
            return None
        own = max(self.target - self.given, Decimal(0)) if self.given else self.target
        return own if self.step is None or not self.plan else own * self.step / self.plan

    def share(self, value: Value | None) -> Decimal | None:
        """How much of what is due by now is reached, in percent; None where there is nothing to divide."""
        if value is None or not self.due or self.kind not in (MetricKind.COUNT, MetricKind.AMOUNT):
            return None
        figure = KINDS[self.kind].figure(value)
        upward = self.comparator in (Comparator.AT_LEAST, Comparator.MORE_THAN, Comparator.EQUAL)
        return figure / self.due * 100 if figure is not None and upward else None

    def met(self, value: Value | None) -> bool | None:
        """Whether what is due by now is met; None where there is nothing, or no figure."""
        figure = None if value is None else KINDS[self.kind].figure(value)
        comparator = self.comparator
        if comparator is Comparator.EQUAL and self.step is not None and self.plan is not None:
            comparator = Comparator.AT_LEAST if self.step <= self.plan else Comparator.AT_MOST  # on its way there
        return meets(figure, comparator, self.due)


@dataclass(frozen=True)
class File(Kept):
    """A piece of evidence, with the name of the rule it answers, or ''."""

    id: int
    name: str
    media_type: str
    size: int
    at: datetime
    rule_name: str


@dataclass(frozen=True)
class Values:
    """The metrics of a task, and by what they belong to the values and what of them was done with others."""

    figures: tuple[Figure, ...]
    by_owner: Mapping[int, Mapping[int, Value]]
    joint: Mapping[int, Mapping[int, list[Together]]]


def values_of(assignment_id: int, task_id: int, owner: Any, owners: Select[Any]) -> Select[Any]:
    """The metrics of an assignment, each with its values that belong to one of `owners` by their column `owner`."""
    partner = aliased(Unit)
    return (
        select(
            Metric.id, Metric.name, Metric.kind, Metric.unit_of_measure, Metric.comparator, own_target(),
            Metric.numerator_name, Metric.denominator_name, Metric.money_places, Metric.step_target, Metric.target,
            type_coerce(given_below(), Exact()),
            owner, MetricValue.number, MetricValue.numerator, MetricValue.denominator, MetricValue.text,
            partner.id, partner.name, Joint.number,
        )
        .select_from(Metric)
        .join(Assignment, and_(Assignment.id == assignment_id, Assignment.task_id == Metric.task_id))
        .outerjoin(Target, join_target())
        .outerjoin(MetricValue, and_(MetricValue.metric_id == Metric.id, owner.in_(owners)))
        .outerjoin(Joint, and_(Joint.submission_id == MetricValue.submission_id, Joint.metric_id == Metric.id))
        .outerjoin(partner, partner.id == Joint.partner_unit_id)
        .where(Metric.task_id == task_id)
        .order_by(Metric.position, Metric.id, partner.id)
    )  # fmt: skip


def read_values(rows: Iterable[Any]) -> Values:
    """The rows of `values_of`."""
    figures: dict[int, Figure] = {}
    values: dict[int, dict[int, Value]] = defaultdict(dict)
    joint: dict[int, dict[int, list[Together]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        figures.setdefault(row[0], Figure(*row[:OF_VALUES]))
        owner, number, numerator, denominator, text, *together = row[OF_VALUES:]
        if owner is not None:
            values[owner][row[0]] = Value(number, numerator, denominator, text)
        if together[0] is not None:
            joint[owner][row[0]].append(Together(*together))
    return Values(tuple(figures.values()), values, joint)


def files_of(owner: Any, owners: Select[Any]) -> Select[Any]:
    """The evidence attached to one of `owners`, each piece with the name of the rule it answers."""
    return (
        select(
            owner,
            Evidence.id,
            Evidence.name,
            Evidence.media_type,
            Evidence.size,
            Evidence.at,
            func.coalesce(EvidenceRule.name, ""),
        )
        .select_from(Attachment)
        .join(Evidence, Evidence.id == Attachment.evidence_id)
        .outerjoin(EvidenceRule, EvidenceRule.id == Attachment.rule_id)
        .where(owner.in_(owners))
        .order_by(EvidenceRule.position, Evidence.id)
    )


def read_files(rows: Iterable[Any]) -> dict[int, list[File]]:
    """The rows of `files_of`, by owner."""
    found: dict[int, list[File]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(File(*row[1:]))
    return found
