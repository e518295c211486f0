"""All metrics of a campaign in one area: figure, target, distance. Six statements, whatever the size."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from ..db import db
from ..models import Metric, Task, TaskLine
from ..rules.organisation import Actor, Line
from .board import Asked, Head, Row, head_for, lines_of, way_to, windows_of
from .board_figures import Cell, Place, figures_of
from .metric_page import COLUMNS, MetricFact, fact_of
from .rollup import rollup
from .stands import Stand, stand_of


@dataclass(frozen=True)
class Standing:
    """One metric with how it stands in the shown area."""

    metric: MetricFact
    stand: Stand


@dataclass(frozen=True)
class FiguresPage:
    """The page. `columns`: the ids of the tasks; `rows`: what is asked of anybody here, in the order of the plan."""

    head: Head
    columns: tuple[int, ...]
    lines: tuple[Line, ...]
    above: tuple[Place, ...]
    total: Row
    rows: tuple[Standing, ...]


def figures_page(campaign_id: int, asked: Asked, *, actor: Actor, now: datetime, today: date) -> FiguresPage:
    """The figures of a campaign for this reader. Raises NotFound outside their scope."""
    head = head_for(campaign_id, actor)
    metrics, tasks, known = _metrics(campaign_id)
    windows = windows_of(head, actor)
    above, _below = way_to(head, asked.area_id, actor, windows)
    shown = above[-1]
    lines, chosen = lines_of(known or Line, asked.line, shown, windows)
    rolled = rollup([metric.id for metric in metrics], [shown.id], on=today, lines=chosen)
    whole = head.tree.holds((shown.lft, shown.rgt), head.lft)
    rows = [
        Standing(metric, stand_of(rolled[metric.id, shown.id], whole=whole))
        for metric in metrics
        if (metric.id, shown.id) in rolled
    ]
    cells = figures_of(shown, [], tasks, chosen, now, head.tree).get(shown.id, {})
    return FiguresPage(
        head, tuple(tasks), lines, above, Row(shown, "total", cells, Cell.added(cells.values())),
        tuple(row for row in rows if row.stand.rolled.asked),
    )  # fmt: skip


def _metrics(campaign_id: int) -> tuple[list[MetricFact], list[int], set[Line]]:
    """The metrics, the tasks and their lines; one statement."""
    rows = db.session.execute(
        select(*COLUMNS, Task.id.label("any_task_id"))
        .select_from(Task)
        .outerjoin(Metric, Metric.task_id == Task.id)
        .outerjoin(TaskLine, TaskLine.task_id == Task.id)
        .where(Task.campaign_id == campaign_id)
        .order_by(Task.position, Metric.position, Metric.id)
    ).all()
    metrics = {row.metric_id: fact_of(row) for row in rows if row.metric_id is not None}
    tasks = list(dict.fromkeys(row.any_task_id for row in rows))
    return list(metrics.values()), tasks, {row.line for row in rows if row.line is not None}
