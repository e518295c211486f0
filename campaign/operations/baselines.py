"""Baselines: the figures of units that a metric is compared with. Set once for a unit, they never change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from ..db import Instant, db, insert_new
from ..errors import Invalid, NotFound, Problem, Refused, Sentence, say
from ..models import Area, Assignment, Baseline, Campaign, Metric, MetricValue, Submission, Task, TaskLine, Unit
from ..models.naming import units_called
from ..rules.metrics import KINDS, MetricKind, read_number, read_worded
from ..rules.organisation import Actor
from ..rules.pasting import Pasted, called_in, read_pasted
from ..rules.plans import CampaignStatus
from ..rules.states import State
from ..rules.targets import Compares
from .issuing import acting_for
from .log import record
from .repeating import once, remember

LONGEST_SOURCE = 120


@dataclass(frozen=True)
class Frozen:
    """What was set: how many units, and the lines that could not be used."""

    units: int
    pasted: Pasted


def freeze_former(metric_id: int, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> int:
    """Freezes what was approved last of the metric that this one was last year, unit by unit; how many were new.

    Forbidden for others than dispatchers of those who issue; Refused for a draft, and where there is no such metric.
    """
    held = once(client_action_id, actor=actor, subject=f"baseline:former:{metric_id}", content={}, now=now)
    if held is not None:
        return int(held)
    metric, post_id = _compared(metric_id, actor)
    if metric.former_metric_id is None:
        raise Refused(say("The plan does not say what this figure was last year. Please paste the figures."))
    source = db.session.execute(
        select(Campaign.title)
        .join(Task, Task.campaign_id == Campaign.id)
        .join(Metric, Metric.task_id == Task.id)
        .where(Metric.id == metric.former_metric_id)
    ).scalar_one()[:LONGEST_SOURCE]
    columns = ("metric_id", "unit_id", "number", "numerator", "denominator", "source", "at")
    later, newer = aliased(Assignment), aliased(Submission)
    found = (
        select(
            literal(metric_id), Assignment.unit_id, MetricValue.number, MetricValue.numerator, MetricValue.denominator,
            literal(source), literal(now, Instant),
        )
        .join(Submission, Submission.id == MetricValue.submission_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .where(
            MetricValue.metric_id == metric.former_metric_id,
            Assignment.state == State.APPROVED,
            ~exists().where(newer.assignment_id == Submission.assignment_id, newer.number > Submission.number),
            ~exists().where(
                later.task_id == Assignment.task_id, later.unit_id == Assignment.unit_id,
                later.state == State.APPROVED, later.period > Assignment.period,
            ),
        )
    )  # fmt: skip
    statement = insert_new(Baseline).from_select(columns, found)
    done: Any = db.session.execute(statement.execution_options(preserve_rowcount=True))
    units = int(done.rowcount)
    if units:
        _log(metric, units, source, actor, post_id, now)
    remember(client_action_id, str(units))
    return units


def paste_baselines(
    metric_id: int, text: str, source: str, *, actor: Actor, now: datetime, above: bool = False
) -> Frozen:  # fmt: skip
    """Freezes figures that were pasted, a unit to a line: its name or code, the figure (of a rate part and whole).

    Lines that cannot be used are told, the others are kept; a unit that has a baseline keeps it. `above`: rates above
    100 % are meant so; else they are told as well, since what is frozen cannot be mended. Raises as `freeze_former`,
    and Invalid without a source.
    """
    metric, post_id = _compared(metric_id, actor)
    source = " ".join(source.split())
    if not source or len(source) > LONGEST_SOURCE:
        sentence = say("Please say where these figures are from, in at most %(most)s characters.", most=LONGEST_SOURCE)
        raise Invalid(sentence, [Problem("source", sentence)])
    parts = KINDS[metric.kind].parts
    pasted = read_pasted(text, _units(metric, text), [lambda typed: _number(metric, typed)] * len(parts), {})
    for unit_id, figures in list(pasted.figures.items()):
        if why := _wrong(metric, figures, above):
            pasted.refuse(unit_id, why)
    rows = [
        {"metric_id": metric.id, "unit_id": unit_id, "source": source, "at": now, **_parts(metric, figures)}
        for unit_id, figures in pasted.figures.items()
    ]
    units = 0
    if rows:
        kept = db.session.execute(insert_new(Baseline).values(rows).returning(Baseline.unit_id)).scalars().all()
        units = len(kept)
    if units:
        _log(metric, units, source, actor, post_id, now)
    return Frozen(units, pasted)


def _compared(metric_id: int, actor: Actor) -> tuple[Metric, int | None]:
    metric = db.session.get(Metric, metric_id)
    if metric is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    campaign_id = db.session.execute(select(Task.campaign_id).where(Task.id == metric.task_id)).scalar_one()
    post_id, status = acting_for(campaign_id, actor=actor)
    if status is CampaignStatus.DRAFT:
        raise Refused(say("Baselines are frozen once the campaign is issued; a draft may still change its figures."))
    if metric.compares is not Compares.BASELINE:
        raise Refused(say("The plan does not compare this figure with a baseline."))
    return metric, post_id


def _number(metric: Metric, typed: str) -> Decimal:
    if metric.kind is not MetricKind.AMOUNT:
        return read_number(typed)
    return read_worded(typed, metric.kind, unit=metric.unit_of_measure, money_places=metric.money_places, decimals=4)


def _wrong(metric: Metric, figures: Sequence[str], above: bool) -> Sentence | None:
    """What speaks against freezing these figures of a unit."""
    if not all(figures):
        return say("Please give the part and the whole.") if metric.kind is MetricKind.RATE else say("No figure yet.")
    if metric.kind is not MetricKind.RATE:
        return None
    part, whole = (_number(metric, figure) for figure in figures)
    if not whole:
        return say("The whole is 0, so there is no rate.")
    if part > whole and not above:
        return say("The part, %(part)s, is larger than the whole, %(whole)s.", part=figures[0], whole=figures[1])
    return None


def _parts(metric: Metric, figures: Iterable[str]) -> dict[str, Decimal]:
    names = [part if part != "value" else "number" for part in KINDS[metric.kind].parts]
    return {name: _number(metric, figure) for name, figure in zip(names, figures, strict=True)}


def _units(metric: Metric, text: str) -> dict[str, list[int]]:
    """The units that the lines may mean: in the area of the issuing unit, of a line that is asked, or asked already."""
    area = db.session.execute(
        select(Area.lft, Area.rgt)
        .join(Unit, Unit.area_id == Area.id)
        .join(Campaign, Campaign.issuing_unit_id == Unit.id)
        .join(Task, Task.campaign_id == Campaign.id)
        .where(Task.id == metric.task_id)
    ).one()
    asked = select(Assignment.unit_id).where(Assignment.task_id == metric.task_id)
    lines = select(TaskLine.line).where(TaskLine.task_id == metric.task_id)
    within = and_(Unit.lft.between(area.lft, area.rgt), or_(Unit.line.in_(lines), Unit.id.in_(asked)))
    return units_called(called_in(text), within)


def _log(metric: Metric, units: int, source: str, actor: Actor, post_id: int | None, now: datetime) -> None:
    campaign_id = db.session.execute(select(Task.campaign_id).where(Task.id == metric.task_id)).scalar_one()
    kept = db.session.execute(select(func.count()).where(Baseline.metric_id == metric.id)).scalar_one()
    data = {"metric": metric.id, "units": units, "all": kept, "source": source}
    record(
        tag="campaign:baseline:freeze", subject="campaign", subject_id=campaign_id, actor=actor, post_id=post_id,
        now=now, data=data,
    )  # fmt: skip
