"""The tree of a target in the browser: level by level, with its versions, and as a table to keep."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ..documents.sheets import Cell, Column, Show
from ..errors import NotFound, say
from ..models.splits import Whole, whole_task
from ..queries.campaigns import Head, head_of
from ..queries.cascade import may_split, seen_whole
from ..queries.cascade_tree import Measured, everything, level_of, measured, task_node
from ..queries.cascade_versions import changes, versions_of
from ..rules.plans import CampaignStatus
from ..rules.splitting import Balance, is_split
from ..rules.targets import Quota
from .access import current_actor
from .downloads import table_answer
from .filters import figure_words
from .split_form import unit_words
from .words import word

bp = Blueprint("cascade_tree", __name__)
EXPORTS = ("xlsx", "csv")


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
    node = found.node if parent_id else task_node(task_id, metric)
    return render_template(
        "cascade/tree.html", head=head, task=task, metric=metric, found=found, node=node,
        parent_id=parent_id, grown=grown, splits=_splits(metric), unit=unit_words(metric), balance=Balance,
        figure=lambda value: figure_words(value, metric.kind, metric.unit_of_measure),
        link=lambda **more: url_for(".show", id=id, task_id=task_id, **({"metric": metric.id} | more)),
        exports={kind: url_for(".export", id=id, task_id=task_id, kind=kind, metric=metric.id) for kind in EXPORTS},
        may_split=head.issuer and head.status is CampaignStatus.ISSUED and parent_id is None,
        paged=bool(after),
    )  # fmt: skip


@bp.get("/campaigns/<int:id>/tasks/<int:task_id>/targets.<any(xlsx, csv):kind>")
def export(id: int, task_id: int, kind: str) -> Any:
    _head, task = _seen(id, task_id)
    if not task.metrics:
        abort(404)
    metric = _chosen(task.metrics)
    columns = [
        Column(_("Unit"), 28), Column(_("Level"), 12), Column(_("Received from"), 28), Column(_("State"), 12),
        Column(_("Target"), 14, Show.NUMBER), Column(_("Split by"), 16), Column(_("Split at"), 18, Show.MOMENT),
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
        return figure_words(value, metric.kind, metric.unit_of_measure)

    return render_template(
        "cascade/versions.html", whole=whole, found=found, chosen=chosen, former=former, metrics=metrics,
        changes=changes(chosen, former) if chosen else (), figure=figure, back=back, may_split=may,
    )  # fmt: skip


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
    for node in everything(task_id, metric, actor=current_actor()):
        sums, growth = node.sum, node.growth
        yield [
            node.unit, word(node.level), node.above or "", word(node.state) if node.state else "", node.target,
            node.who or "", node.at, word(node.method) if node.method else "", node.version or None,
            node.pieces or None, node.given, node.reserve, sums.gap if sums else None,
            None if growth is None else growth / 100, node.reason,
        ]  # fmt: skip
