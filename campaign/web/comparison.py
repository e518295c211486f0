"""Comparison of units: the switch with its ground, and one outcome metric side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField

from ..clock import local_today
from ..db import unit_of_work
from ..documents.sheets import Cell, Column, Show
from ..errors import Invalid
from ..operations.comparing import LONGEST_GROUND, allow, stop
from ..queries.board import head_for
from ..queries.metric_facts import AskedMetric
from ..queries.metric_page import Branch, MetricPage, metric_page
from ..rules.distances import DOWNWARDS, LEAST_COVERED, Entry, comparable, compared
from ..rules.metrics import MetricKind
from ..rules.organisation import Level
from .access import current_actor, page_now
from .board_parts import LINES
from .downloads import table_answer
from .language import speak
from .navigation import back_address
from .stand_words import cover_cells, cover_columns, fraction, full
from .words import word

bp = Blueprint("comparison", __name__)


class GroundForm(FlaskForm):
    """Why units may be compared, and the id that makes repeating safe."""

    client_action_id = HiddenField()
    ground = TextAreaField()


@dataclass(frozen=True)
class Group:
    """The areas of one level: (place, row) in order, and those without a place."""

    level: Level
    placed: tuple[tuple[int, Branch], ...]
    apart: tuple[Branch, ...]


@bp.get("/campaigns/<int:id>/comparison")
def show(id: int) -> Any:
    return _switch_page(id, "", [])


@bp.post("/campaigns/<int:id>/comparison")
def switch(id: int) -> Any:
    actor, now, form = current_actor(), page_now(), GroundForm()
    head_for(id, actor)
    key = form.client_action_id.data or None
    try:
        with unit_of_work():
            if request.form.get("off"):
                stop(id, actor=actor, now=now, client_action_id=key)
            else:
                allow(id, form.ground.data or "", actor=actor, now=now, client_action_id=key)
    except Invalid as refused:
        return _switch_page(id, form.ground.data or "", [speak(each.sentence) for each in refused.problems]), 422
    flash(_("Units are no longer compared.") if request.form.get("off") else _("Units may be compared now."), "success")
    return redirect(url_for("comparison.show", id=id, back=back_address() or None), 303)


@bp.get("/metrics/<int:id>/comparison")
def of_metric(id: int) -> Any:
    shown = _found(id)
    return render_template(
        "metrics/comparison.html", shown=shown, metric=shown.metric, groups=_groups(shown), least=LEAST_COVERED * 100,
        line=_line(shown), back=back_address() or url_for("metrics.show", id=id, area=shown.total.place.id),
        scale=lambda row: _scale_words(row, shown), here=request.full_path.rstrip("?"), now=page_now(),
        may=_may(shown),
    )  # fmt: skip


@bp.get("/metrics/<int:id>/comparison.<any(xlsx, csv):kind>")
def export(id: int, kind: str) -> Any:
    shown = _found(id)
    columns = [
        Column(_("Place"), 8, Show.WHOLE), Column(_("Area"), 26), Column(_("Level"), 10),
        Column(_("Compared by"), 20), Column(_("Fraction"), 14), Column(_("Coverage share"), 10, Show.PERCENT),
        *cover_columns(),
    ]  # fmt: skip
    return table_answer(kind, f"comparison-{id}", shown.metric.name, columns, _rows(shown))


def _switch_page(id: int, typed: str, errors: list[str]) -> str:
    head = head_for(id, current_actor())
    return render_template(
        "metrics/switch.html", head=head, typed=typed or head.compared_ground, errors=errors, longest=LONGEST_GROUND,
        action_id=str(uuid4()), back=back_address() or url_for("board.figures", id=id), least=LEAST_COVERED * 100,
    )  # fmt: skip


def _found(id: int) -> MetricPage:
    """The metric with all areas right below, of one line: units of two lines are not alike."""
    given, now = request.args, page_now()
    asked = AskedMetric(given.get("area", type=int), LINES.get(given.get("line", "")), whole=True)
    return metric_page(id, asked, actor=current_actor(), now=now, today=local_today(now))


def _line(shown: MetricPage) -> Any:
    return shown.chosen[0] if shown.chosen and len(shown.chosen) == 1 else None


def _may(shown: MetricPage) -> bool:
    """Whether this metric may be compared here: the campaign allows it, it is an outcome, one line is looked at."""
    metric = shown.metric
    alike = len(shown.lines) == 1 or _line(shown) is not None
    return bool(shown.head.compared_ground) and alike and comparable(metric.kind, metric.comparator, metric.required)


def _groups(shown: MetricPage) -> list[Group]:
    """The areas below side by side, level by level; none where nothing may be compared."""
    if not _may(shown):
        return []
    downwards = shown.metric.comparator in DOWNWARDS
    found = []
    rows = [row for row in shown.rows if row.kind != "own" and row.stand.rolled.asked]
    for level in sorted({row.place.level for row in rows}):
        alike = {row.place.id: row for row in rows if row.place.level is level}
        order = compared([_entry(row, shown) for row in alike.values()], downwards=downwards)
        placed = tuple((place, alike[key]) for place, key in order.placed)
        found.append(Group(level, placed, tuple(alike[key] for key in order.apart)))
    return found


def _entry(row: Branch, shown: MetricPage) -> Entry:
    rolled = row.stand.rolled
    return Entry(row.place.id, _scale(row, shown), Decimal(rolled.approved) / rolled.asked)


def _scale(row: Branch, shown: MetricPage) -> Decimal | None:
    """What is compared: the rate itself, or how much of its own target a unit has reached; so size does not count."""
    metric = shown.metric
    if metric.kind is MetricKind.RATE or metric.comparator in DOWNWARDS:
        return row.stand.figure
    return row.stand.share


def _scale_words(row: Branch, shown: MetricPage) -> str:
    metric, scale = shown.metric, _scale(row, shown)
    if metric.kind is MetricKind.RATE or metric.comparator in DOWNWARDS:
        return full(scale, metric, False)
    return (
        _("%(share)s of its target", share=f"{scale:.1f}%") if scale is not None else _("without a target of its own")
    )


def _rows(shown: MetricPage) -> Iterator[list[Cell]]:
    for group in _groups(shown):
        for place, row in (*group.placed, *((None, row) for row in group.apart)):
            yield [
                place, row.place.name, word(row.place.level), _scale_words(row, shown), fraction(row.stand),
                row.stand.rolled.coverage, *cover_cells(row.stand),
            ]  # fmt: skip
