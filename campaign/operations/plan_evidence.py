"""Writing the evidence rules of a draft: their rows, and which item of a checklist each proves."""

from collections.abc import Iterable

from sqlalchemy import select, update

from ..db import db
from ..models import ChecklistItem, EvidenceRule, Metric, Task
from ..rules.planned import EvidencePlan, TaskPlan


def evidence_row(rule: EvidencePlan, position: int) -> EvidenceRule:
    """The row alone; what it proves follows with `tie_proofs`, once the items have their ids."""
    return EvidenceRule(
        position=position,
        name=rule.name,
        kind=rule.kind,
        min_count=rule.min_count,
        ground=rule.ground,
        in_time=rule.in_time,
    )


def tie_proofs(tasks: Iterable[tuple[Task, TaskPlan]]) -> None:
    """Ties each rule that is the proof of an item to that item; the items are written."""
    proofs = {row.id: plan for row, plan in tasks if any(rule.item for rule in plan.evidence)}
    if not proofs:
        return
    named = select(Metric.task_id, ChecklistItem.name, ChecklistItem.id).join(
        Metric, Metric.id == ChecklistItem.metric_id
    )
    items = {(row[0], row[1]): row[2] for row in db.session.execute(named.where(Metric.task_id.in_(proofs)))}
    for task_id, plan in proofs.items():
        for position, rule in enumerate(plan.evidence, start=1):
            if rule.item:
                db.session.execute(
                    update(EvidenceRule)
                    .where(EvidenceRule.task_id == task_id, EvidenceRule.position == position)
                    .values(item_id=items[task_id, rule.item])
                )


def loosen_proofs(task_id: int) -> None:
    """Unties the rules from the items that are about to be replaced."""
    tied = update(EvidenceRule).where(EvidenceRule.task_id == task_id, EvidenceRule.item_id.is_not(None))
    db.session.execute(tied.values(item_id=None))
