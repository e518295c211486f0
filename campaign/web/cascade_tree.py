"""The tree of a target in the browser: level by level, with its versions, and as a table to keep."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ..clock import local_today
from ..documents.sheets import Cell, Column, Show
from ..errors import NotFound, say
from ..models.splits import Whole, whole_task
from ..queries.campaigns import Head, head_of
from ..queries.cascade import may_split, seen_whole
from ..queries.cascade_actuals import Actual, Everything, actuals
from ..queries.cascade_tree import Measured, Node, Stage, everything, level_of, measured
from ..queries.cascade_versions import changes, versions_of
from ..rules.metrics import MetricKind
from ..rules.organisation import Actor, Line
from ..rules.plans import CampaignStatus
from ..rules.splitting import Balance, is_split
from ..rules.targets import Quota
from .access import current_actor, page_now
from .downloads import table_answer
from .filters import figure_words
from .split_form import unit_words
from .typed_figures import unit_beside
from .words import word

bp = Blueprint("cascade_tree", __name__)
EXPORTS = ("xlsx", "csv")
AT_ONCE = 2_000  # units of the export whose actuals are read together


@bp.get("/campaigns/<int:id>/tasks/<int:task_id>/targets")
def show(id: int, task_id: int) -> Any:
    head, task = _seen(id, task_id)
    if not task.metrics:
        return render_template("cascade/tree.html", head=head, task=task, metric=None)
    metric, actor = _chosen(task.metrics), current_actor()
    parent_id, grown = request.args.get("parent", type=int), request.args.get("grown") == "1"
    after = request.args.get("after", "")
    found = level_of(task_id, metric, actor=actor, parent_id=parent_id, grown=grown, after=after)
    if found is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    some_split = any(_splits(each) for each in task.metrics)
    counts = metric.kind is not MetricKind.TEXT
    dispatched = counts and any(row.id for row in found.rows)
    reached, whole = _reached(head, task, metric, found, parent_id is None) if dispatched else ({}, None)
    return render_template(
        "cascade/tree.html", head=head, task=task, metric=metric, found=found, node=found.node, heads=found.heads,
        parent_id=parent_id, grown=grown, splits=_splits(metric), counts=counts, reached=reached, whole=whole,
        by_head=metric.quota is Quota.PER_PERSON, unit=unit_words(metric), balance=Balance,
        figure=lambda value: figure_words(value, metric.kind, metric.unit_of_measure, metric.money_places),
        link=lambda **more: url_for(".show", id=id, task_id=task_id, **({"metric": metric.id} | more)),
        exports={kind: url_for(".export", id=id, task_id=task_id, kind=kind, metric=metric.id) for kind in EXPORTS},
        may_split=head.issuer and head.status is CampaignStatus.ISSUED and parent_id is None and some_split,
        paged=bool(after), now=page_now(),
    )  # fmt: skip


@bp.get("/campaigns/<int:id>/tasks/<int:task_id>/targets.<any(xlsx, csv):kind>")
def export(id: int, task_id: int, kind: str) -> Any:
    _head, task = _seen(id, task_id)
    if not task.metrics:
        abort(404)
    metric = _chosen(task.metrics)
    columns = [
        Column(_("Unit"), 28), Column(_("Level"), 12), Column(_("Received from"), 28), Column(_("State"), 12),
        Column(_("Unit of measure"), 10), Column(_("Target"), 14, Show.NUMBER), Column(_("Approved"), 14, Show.NUMBER),
        Column(_("Waiting for review"), 14, Show.NUMBER), Column(_("Of the target"), 10, Show.PERCENT),
        Column(_("Units that reach their target"), 12),
        Column(_("Split by"), 16), Column(_("Split at"), 18, Show.MOMENT),
        Column(_("How it was split"), 18), Column(_("Version"), 8), Column(_("Units below"), 10),
        Column(_("Given out"), 14, Show.NUMBER), Column(_("Held back"), 12, Show.NUMBER),
        Column(_("Not given out"), 12, Show.NUMBER), Column(_("Asked more below by"), 12, Show.PERCENT),
        Column(_("Reason"), 40),
    ]  # fmt: skip
    return table_answer(kind, f"targets-{task_id}-{metric.id}", f"{task.title} {metric.name}", columns,
                        _rows(task_id, metric))  # fmt: skip


@bp.get("/assignments/<int:id>/targets")
def below(id: int) -> Any:
    """What an assignment was split into: its place in the tree of the task's first figure that is split."""
    whole = _whole(id)
    task = measured(whole.task_id)
    metrics = task.metrics if task else ()
    first = next((metric for metric in metrics if _splits(metric)), metrics[0] if metrics else None)
    chosen = first.id if first else None
    return redirect(url_for(".show", id=whole.campaign_id, task_id=whole.task_id, parent=id, metric=chosen), 303)


@bp.get("/assignments/<int:id>/split/versions")
def versions(id: int) -> Any:
    whole = _whole(id)
    return _versions(whole, url_for(".below", id=id), may_split(whole, current_actor()))


@bp.get("/campaigns/<int:id>/tasks/<int:task_id>/split/versions")
def task_versions(id: int, task_id: int) -> Any:
    _seen(id, task_id)
    whole = whole_task(task_id)
    if whole is None:
        abort(404)
    return _versions(whole, url_for(".show", id=id, task_id=task_id), False)


def _versions(whole: Whole, back: str, may: bool) -> Any:
    found, task = versions_of(whole), measured(whole.task_id)
    metrics = {metric.id: metric for metric in (task.metrics if task else ())}
    asked = request.args.get("version", type=int)
    chosen = next((each for each in found if each.version == asked), found[0] if found else None)
    former = next((each for each in found if chosen and each.version == chosen.version - 1), None)

    def figure(metric_id: int, value: Any) -> str:
        metric = metrics[metric_id]
        return figure_words(value, metric.kind, metric.unit_of_measure, metric.money_places)

    return render_template(
        "cascade/versions.html", whole=whole, found=found, chosen=chosen, former=former, metrics=metrics,
        changes=changes(chosen, former) if chosen else (), figure=figure, back=back, may_split=may,
    )  # fmt: skip


def _reached(
    head: Head, task: Measured, metric: Any, found: Stage, root: bool
) -> tuple[dict[int, Actual], Actual | None]:
    """What the units of the page have reached, by unit, and what the node itself has with all below it; of the task
    only for those who see all of it."""
    today = local_today(page_now())
    if not root:
        nodes = [*found.rows, *([found.node] if found.node else [])]
        reached, _none = actuals(metric.id, nodes, on=today)
        return reached, reached.get(found.node.unit_id) if found.node else None
    whole = None
    if _sees_all(head, current_actor()):
        total = metric.target if metric.quota is Quota.TOTAL else None
        whole = Everything(head.area_id, task.lines, found.heads.total if found.heads else total)
    return actuals(metric.id, found.rows, on=today, whole=whole)


def _sees_all(head: Head, actor: Actor) -> bool:
    """Whether the reader works where the whole of the campaign lies."""
    lines = (head.line, Line.PARTY)
    return any(post.lft <= head.lft and head.rgt <= post.rgt and post.line in lines for post in actor.posts)


def _seen(id: int, task_id: int) -> tuple[Head, Measured]:
    """The campaign and its task with the task's figures, for those who see the campaign; else 404."""
    head = head_of(id, current_actor())
    task = measured(task_id) if head else None
    if head is None or task is None or task.campaign_id != id:
        abort(404)
    return head, task


def _whole(id: int) -> Whole:
    whole = seen_whole(id, current_actor())
    if whole is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    return whole


def _chosen(metrics: tuple[Any, ...]) -> Any:
    """The figure that the address names; else the first that is split; else the first."""
    asked = request.args.get("metric", type=int)
    if asked is not None:
        return next((metric for metric in metrics if metric.id == asked), None) or abort(404)
    return next((metric for metric in metrics if _splits(metric)), metrics[0])


def _splits(metric: Any) -> bool:
    return metric.quota is Quota.TOTAL and is_split(metric.aggregation, metric.comparator)


def _rows(task_id: int, metric: Any) -> Iterator[list[Cell]]:
    today = local_today(page_now())
    every = everything(task_id, metric, actor=current_actor())
    unit = unit_beside(metric.kind, metric.unit_of_measure, 0)  # amounts stand there in 元
    while nodes := list(islice(every, AT_ONCE)):
        reached, _none = actuals(metric.id, nodes, on=today)
        yield from (_row(node, reached[node.unit_id], unit) for node in nodes)


def _row(node: Node, reached: Actual, unit: str) -> list[Cell]:
    sums, growth, share = node.sum, node.growth, reached.share
    return [
        node.unit, word(node.level), node.above or "", word(node.state) if node.state else "", unit, node.target,
        reached.figure, reached.waiting, None if share is None else share / 100, reached.met,
        node.who or "", node.at, word(node.method) if node.method else "", node.version or None,
        node.pieces or None, node.given, node.reserve if sums else None, sums.gap if sums else None,
        None if growth is None else growth / 100, node.reason,
    ]  # fmt: skip
