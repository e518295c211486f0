"""The baselines of a figure: frozen from last year's campaign, or pasted from a sheet; each unit's once and for all."""

from typing import Any
from uuid import uuid4

from flask import Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField, TextAreaField

from ..db import unit_of_work
from ..documents.sheets import Column, Show, write_xlsx
from ..errors import Invalid
from ..operations.baselines import Frozen, freeze_former, paste_baselines
from ..queries.baselines import PAGE, Compared, baselines_of, compared, plain_parts
from ..queries.campaigns import Head, head_of
from ..rules.metrics import KINDS
from ..rules.plans import CampaignStatus
from .access import current_actor, page_now
from .filters import value_words
from .language import speak
from .occasions import bp as bp
from .typed_figures import unit_beside

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class PasteForm(FlaskForm):
    """A unit to a line: name or code, then the figure."""

    lines = TextAreaField()
    source = StringField()
    above = BooleanField()
    client_action_id = StringField()


@bp.route("/campaigns/<int:id>/metrics/<int:metric_id>/baseline", methods=["GET", "POST"])
def baseline(id: int, metric_id: int) -> Any:
    head, metric = _held(id, metric_id)
    form = PasteForm()
    if request.method == "GET":
        return _draw(form, head, metric)
    actor, now = current_actor(), page_now()
    if request.form.get("op") == "former":
        with unit_of_work():
            units = freeze_former(metric_id, actor=actor, now=now, client_action_id=form.client_action_id.data or None)
        return _done(id, metric_id, units)
    try:
        with unit_of_work():
            frozen = paste_baselines(
                metric_id, form.lines.data or "", form.source.data or "", actor=actor, now=now, above=form.above.data
            )  # fmt: skip
    except Invalid as refused:
        return _draw(form, head, metric, {"source": [speak(refused.sentence)]}), 422
    if frozen.pasted.bad:
        form.lines.data = frozen.pasted.rest
        return _draw(form, *_held(id, metric_id), frozen=frozen), 422
    return _done(id, metric_id, frozen.units)


@bp.get("/campaigns/<int:id>/metrics/<int:metric_id>/baseline.xlsx")
def baseline_export(id: int, metric_id: int) -> Any:
    _head, metric = _held(id, metric_id)
    names = [_("Part"), _("Whole")] if len(KINDS[metric.kind].parts) > 1 else [metric.name]
    columns = [Column(_("Unit"), 28), *(Column(name, 16, Show.NUMBER) for name in names), Column(_("Source"), 32),
               Column(_("Frozen"), 18, Show.MOMENT)]  # fmt: skip
    rows = ([row.unit_name, *plain_parts(row.value), row.source, row.at] for row in baselines_of(metric_id, most=None))
    answer = Response(
        write_xlsx(metric.name, columns, rows, zone=current_app.config["SETTINGS"].timezone), mimetype=XLSX
    )
    answer.headers.set("Content-Disposition", "attachment", filename=f"baseline-{metric_id}.xlsx")
    return answer


def _held(campaign_id: int, metric_id: int) -> tuple[Head, Compared]:
    """The campaign and its metric, for dispatchers of those who issue it, once it is issued; 404 for others."""
    head = head_of(campaign_id, current_actor())
    metric = compared(metric_id, campaign_id) if head and head.issuer else None
    if head is None or metric is None or head.status is CampaignStatus.DRAFT:
        abort(404)
    return head, metric


def _done(id: int, metric_id: int, units: int) -> Any:
    told = ngettext("The baseline of %(num)s unit is frozen.", "The baselines of %(num)s units are frozen.", units)
    flash(told if units else _("Nothing was new: all of these units have their baseline."), "success")
    return redirect(url_for("campaigns.baseline", id=id, metric_id=metric_id), 303)


def _draw(
    form: PasteForm, head: Head, metric: Compared, errors: dict[str, list[str]] | None = None,
    frozen: Frozen | None = None,
) -> Any:  # fmt: skip
    rows = baselines_of(metric.id, after=_after())
    shown, more = rows[:PAGE], len(rows) > PAGE
    return render_template(
        "campaigns/baseline.html", form=form, head=head, metric=metric, errors=errors or {}, frozen=frozen, rows=shown,
        next_page=f"{shown[-1].lft}.{shown[-1].unit_id}" if more else "", later=_after() is not None,
        parts=len(KINDS[metric.kind].parts), action_id=uuid4(),
        unit=unit_beside(metric.kind, metric.unit_of_measure, metric.money_places),
        said=lambda value: value_words(value, metric.kind, metric.unit_of_measure, metric.money_places),
    )  # fmt: skip


def _after() -> tuple[int, int] | None:
    """The place in the list after which the page begins."""
    first, _dot, second = request.args.get("after", "").partition(".")
    digits = all(part.isdecimal() and len(part) < 19 for part in (first, second))
    return (int(first), int(second)) if digits else None
