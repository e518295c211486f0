"""All metrics of a campaign in one area: figure, target, distance, and beside what was before.

Six statements at most, whatever the size, and one of the session. What an earlier turn of the same task reported stands
on the metric's own page alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select

from ..db import db
from ..models import Campaign, Metric, Task, TaskLine
from ..rules.organisation import Actor, Line
from ..rules.targets import Compares, Quota
from .board import Asked, Head, Row, head_of, heads, lines_of, way_to, windows_of
from .board_figures import Cell, Place, figures_of, stretches_of
from .metric_facts import COLUMNS, MetricFact, fact_of, former_since
from .quota_targets import quotas_in
from .rollup import rollup
from .rollup_compared import (
    AgainstBefore,
    LastYear,
    against_before,
    approved_then,
    befores_beside,
    known_by,
    same_day_last_year,
)
from .rollup_facts import RolledUp
from .rollup_since import rollup_since
from .stands import Stand, stand_of

# So many areas may be counted anew for a page: a province. The nation takes up to half a minute, which the export may.
MOST_ANEW = 120_000


@dataclass(frozen=True)
class Standing:
    """One metric with how it stands in the shown area, and against the baseline or last year."""

    metric: MetricFact
    stand: Stand
    against: AgainstBefore | None


@dataclass(frozen=True)
class FiguresPage:
    """The page. `columns`: the ids of the tasks; `rows`: what is asked of anybody here, in the order of the plan. `at`:
    the moment (UTC) as of which the figures stand, None for now, also where they were asked for and `too_wide` says
    that all below would have to be counted anew."""

    head: Head
    columns: tuple[int, ...]
    lines: tuple[Line, ...]
    above: tuple[Place, ...]
    total: Row
    rows: tuple[Standing, ...]
    at: datetime | None
    too_wide: bool


def figures_page(
    campaign_id: int, asked: Asked, *, actor: Actor, now: datetime, today: date, at: datetime | None = None,
    most: int | None = MOST_ANEW,
) -> FiguresPage:  # fmt: skip
    """The figures of a campaign for this reader. `at`: as they stood at that moment; where targets or milestones were
    other ones then, in an area of no more than `most` areas (None: of any). Last year and quotas for each person are
    told of now alone. Raises NotFound outside their scope."""
    head, metrics, tasks, known, sinces = _metrics(campaign_id, actor)
    windows = windows_of(head, actor)
    above, _below = way_to(head, asked.area_id, actor, windows)
    shown = above[-1]
    lines, chosen = lines_of(known or Line, asked.line, shown, windows)
    ids = [metric.id for metric in metrics]
    past = rollup_since(ids, shown, head.tree, at=at, lines=chosen, most=most) if at and ids else {}
    at = None if past is None else at
    told = {(id, shown.id): each for id, each in (past or {}).items()}
    rolled = _rolled(metrics, shown, chosen, today) if at is None else told
    whole = head.tree.holds((shown.lft, shown.rgt), head.lft)
    fixed = [metric.id for metric in metrics if metric.compares is Compares.BASELINE]
    last_year = _last_year(metrics, sinces, today) if at is None else None
    quotas = _quotas(metrics, rolled, shown, head, chosen) if at is None else []
    befores, beside = befores_beside(fixed, last_year, [shown], head.tree, quotas, lines=chosen)
    given = {row.what: row.value for row in beside if row.value is not None}
    rows = []
    for metric in metrics:
        if (metric.id, shown.id) in rolled:
            found, then = rolled[metric.id, shown.id], befores.get((metric.former or metric.id, shown.id))
            if metric.former and (last_year is None or metric.former not in last_year.turns):
                then = approved_then(rolled.get((metric.former, shown.id)))  # the whole of it
            against = against_before(found, then)
            rows.append(Standing(metric, stand_of(found, whole=whole, given=given.get(metric.id)), against))
    cells = figures_of(shown, [], tasks, chosen, now, head.tree).get(shown.id, {})
    return FiguresPage(
        head, tuple(tasks), lines, above, Row(shown, "total", cells, Cell.added(cells.values())),
        tuple(row for row in rows if row.stand.rolled.asked), at, past is None,
    )  # fmt: skip


def _last_year(metrics: Sequence[MetricFact], sinces: Mapping[int, datetime], today: date) -> LastYear:
    """The metrics of last year of which it is known how they stood on the same day."""
    day = same_day_last_year(today)
    former = [metric.former for metric in metrics if metric.former is not None]
    return LastYear({id: None for id in former if known_by(sinces.get(id), day)}, day)


def _rolled(
    metrics: Sequence[MetricFact], shown: Place, lines: Sequence[Line] | None, today: date
) -> Mapping[tuple[int, int], RolledUp]:
    """The metrics and those of last year in that area now."""
    former = [metric.former for metric in metrics if metric.former is not None]
    return rollup([*(metric.id for metric in metrics), *former], [shown.id], on=today, lines=lines)


def _quotas(
    metrics: Sequence[MetricFact], rolled: Mapping[tuple[int, int], RolledUp], shown: Place, head: Head,
    lines: Sequence[Line] | None,
) -> list[Select[Any]]:  # fmt: skip
    """What quotas for each person come to in that area: rows with the metric as `what`."""
    parts, where = [], stretches_of([shown], head.tree)
    for metric in metrics:
        if metric.quota is Quota.PER_PERSON and (metric.id, shown.id) in rolled:
            facts = rolled[metric.id, shown.id].metric
            turn = None if facts.every_turn else facts.last_period
            parts.append(quotas_in(metric.id, metric.task_id, turn, where, lines, what=metric.id))
    return parts


def _metrics(
    campaign_id: int, actor: Actor
) -> tuple[Head, list[MetricFact], list[int], set[Line], dict[int, datetime]]:
    """The campaign, its metrics, the tasks and their lines, and since when those of last year were asked; one
    statement. Raises NotFound outside the reader's scope."""
    rows = db.session.execute(
        heads(actor)
        .add_columns(*COLUMNS, Task.id.label("any_task_id"), former_since())
        .outerjoin(Task, Task.campaign_id == Campaign.id)
        .outerjoin(Metric, Metric.task_id == Task.id)
        .outerjoin(TaskLine, TaskLine.task_id == Task.id)
        .where(Campaign.id == campaign_id)
        .order_by(Task.position, Metric.position, Metric.id)
    ).all()
    head = head_of(rows[0] if rows else None, actor)
    metrics = {row.metric_id: fact_of(row) for row in rows if row.metric_id is not None}
    tasks = list(dict.fromkeys(row.any_task_id for row in rows if row.any_task_id is not None))
    sinces = {row.former_metric_id: row.former_since for row in rows if row.former_since is not None}
    return head, list(metrics.values()), tasks, {row.line for row in rows if row.line is not None}, sinces
