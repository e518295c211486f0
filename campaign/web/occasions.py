"""The occasions of a campaign: add one, see what a new day would move, set it or move it, take it away."""

from datetime import date
from typing import Any
from uuid import uuid4

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField

from ..db import unit_of_work
from ..errors import Invalid, Problem, Refused, Stale, say
from ..operations.occasions import add_occasion, move_occasion, remove_occasion, wrong_day
from ..queries.campaigns import Head, head_of
from ..queries.occasions import OccasionFact, consequences, occasions_of
from ..rules.plans import CampaignStatus
from .access import current_actor, page_now
from .campaigns import SeenForm, seen_in, writable
from .dispatching import bp
from .language import speak
from .plan_forms import Typed


class OccasionForm(FlaskForm):
    """A new occasion, or a new day for one; an empty day is not known yet."""

    name = StringField()
    on = StringField()
    reason = TextAreaField()
    seen = StringField()
    client_action_id = StringField()


@bp.route("/campaigns/<int:id>/occasions/new", methods=["GET", "POST"])
def occasion_new(id: int) -> Any:
    head, form = writable(id), OccasionForm()
    if request.method == "GET":
        form.client_action_id.data = str(uuid4())
        return _draw_new(form, head)
    typed = Typed()
    on = typed.day("on", form.on)
    try:
        if typed.problems:
            raise Invalid(say("Something needs your attention."), typed.problems)
        with unit_of_work():
            add_occasion(
                id, form.name.data or "", on, actor=current_actor(), now=page_now(),
                client_action_id=form.client_action_id.data or None,
            )  # fmt: skip
    except Invalid as refused:
        return _draw_new(form, head, typed.errors(refused.problems)), 422
    flash(_("The occasion is added. The due dates of tasks can depend on it now."), "success")
    return _back(id)


@bp.route("/campaigns/<int:id>/occasions/<int:occasion_id>", methods=["GET", "POST"])
def occasion(id: int, occasion_id: int) -> Any:
    head, held, typed = *_held(id, occasion_id), Typed()
    form = OccasionForm() if request.method == "POST" else OccasionForm(request.args, meta={"csrf": False})
    on = typed.day("on", form.on)
    if request.method == "GET":
        if wrong := wrong_day(on):
            typed.problems.append(Problem("on", wrong))
        asked = "on" in request.args and not typed.problems
        return _draw(form, head, held, on, asked=asked, errors=typed.errors(typed.problems)), (
            422 if typed.problems else 200
        )
    try:
        if typed.problems:
            raise Invalid(say("Something needs your attention."), typed.problems)
        with unit_of_work():
            moved = move_occasion(
                occasion_id, on, form.reason.data or "", actor=current_actor(), now=page_now(), seen=seen_in(form),
                client_action_id=form.client_action_id.data or None,
            )  # fmt: skip
    except Invalid as refused:
        errors = typed.errors(refused.problems)
        return _draw(form, head, held, on, asked="on" not in errors, errors=errors), 422
    except (Stale, Refused) as refused:
        head, held = _held(id, occasion_id)
        return _draw(form, head, held, on, asked=True, told=speak(refused.sentence)), 409
    items = sum(each.items for each in moved)
    told = ngettext("The day is kept. %(num)s assignment has new dates; its unit is told.",
                    "The day is kept. %(num)s assignments have new dates; their units are told.", items)  # fmt: skip
    flash(told if items else _("The day is kept."), "success")
    return _back(id)


@bp.post("/campaigns/<int:id>/occasions/<int:occasion_id>/delete")
def occasion_delete(id: int, occasion_id: int) -> Any:
    writable(id)
    _held(id, occasion_id)
    form = SeenForm()
    if not form.validate():
        raise Refused(say("The form is damaged. Please open the page again."))
    with unit_of_work():
        remove_occasion(occasion_id, actor=current_actor(), now=page_now(), seen=form.seen.data)
    flash(_("The occasion is taken away."), "success")
    return _back(id)


def _held(campaign_id: int, occasion_id: int) -> tuple[Head, OccasionFact]:
    """The campaign and its occasion, for dispatchers of those who issue it; 404 for others."""
    head = head_of(campaign_id, current_actor())
    found = next((each for each in occasions_of(campaign_id) if each.id == occasion_id), None)
    if head is None or not head.issuer or found is None:
        abort(404)
    return head, found


def _back(campaign_id: int) -> Any:
    return redirect(url_for("campaigns.show", id=campaign_id, _anchor="h-occasions"), 303)


def _draw_new(form: OccasionForm, head: Head, errors: dict[str, list[str]] | None = None) -> Any:
    return render_template("campaigns/occasion_new.html", form=form, head=head, errors=errors or {}, form_page=True)


def _draw(
    form: OccasionForm, head: Head, held: OccasionFact, on: date | None, *, asked: bool,
    errors: dict[str, list[str]] | None = None, told: str = "",
) -> Any:  # fmt: skip
    """The occasion; `asked`: with what would move for that day. `told`: why nothing was done though all fields hold."""
    if "on" not in request.values:
        form.on.data = held.happens_on.isoformat() if held.happens_on else ""
    same, now = on == held.happens_on, page_now()
    found = consequences(held.id, on) if asked and not same else None
    late = any(move.due_at is not None and move.due_at < now for move in found.moves) if found else False
    return render_template(
        "campaigns/occasion.html", form=form, head=head, held=held, on=on, found=found, same=asked and same, late=late,
        errors=errors or {}, told=told, now=now, draft=head.status is CampaignStatus.DRAFT,
        action_id=form.client_action_id.data or str(uuid4()), form_page=True,
    )  # fmt: skip


__all__ = ["bp"]
