"""What was reported in a version or a check-in: its figures and its files, by what they belong to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import aliased

from ..models import Attachment, Evidence, EvidenceRule, Joint, Metric, MetricValue, Target, Unit
from ..models.goals import own_target
from ..rules.differences import Together
from ..rules.media import Kept
from ..rules.metrics import KINDS, Comparator, MetricKind, Value, meets


@dataclass(frozen=True)
class Figure:
    """A metric that the task asks for. `target`: what this assignment must reach; None where it has none of its own."""

    id: int
    name: str
    kind: MetricKind
    unit_of_measure: str
    comparator: Comparator
    target: Decimal | None
    numerator_name: str
    denominator_name: str
    money_places: int

    def share(self, value: Value | None) -> Decimal | None:
        """How much of the target is reached, in percent; None where there is nothing to divide."""
        if value is None or not self.target or self.kind not in (MetricKind.COUNT, MetricKind.AMOUNT):
            return None
        figure = KINDS[self.kind].figure(value)
        upward = self.comparator in (Comparator.AT_LEAST, Comparator.MORE_THAN, Comparator.EQUAL)
        return figure / self.target * 100 if figure is not None and upward else None

    def met(self, value: Value | None) -> bool | None:
        """Whether the target is met; None where there is none, or no figure."""
        figure = None if value is None else KINDS[self.kind].figure(value)
        return meets(figure, self.comparator, self.target)


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
            Metric.numerator_name, Metric.denominator_name, Metric.money_places,
            owner, MetricValue.number, MetricValue.numerator, MetricValue.denominator, MetricValue.text,
            partner.id, partner.name, Joint.number,
        )
        .select_from(Metric)
        .outerjoin(Target, and_(Target.assignment_id == assignment_id, Target.metric_id == Metric.id))
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
        figures.setdefault(row[0], Figure(*row[:9]))
        if row[9] is not None:
            values[row[9]][row[0]] = Value(*row[10:14])
        if row[14] is not None:
            joint[row[9]][row[0]].append(Together(*row[14:]))
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
