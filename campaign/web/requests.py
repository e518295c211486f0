"""Requests in the browser: ask for more time, dispute, say that it does not apply; see what waits; decide."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, StringField, TextAreaField

from ..db import unit_of_work
from ..documents.sheets import Cell, Column, Show
from ..errors import Busy, CampaignError, Invalid, NoSpace, Problem, Refused, Stale, say
from ..models.goals import goals_of
from ..models.requesting import deciders_of, frame_of
from ..operations import deciding
from ..operations import requests as asking
from ..operations.deciding import Ruling
from ..operations.requests import NUMBERS, Wish
from ..queries import requests as queries
from ..queries.assignments import Ask, Whole, whole
from ..queries.assignments import Asked as Measure
from ..queries.consequences import consequences_of
from ..queries.evidence import evidence_named
from ..queries.requests import Asked, Filters, View
from ..rules.metrics import BadValue, MetricKind
from ..rules.organisation import Actor, Role
from ..rules.requests import Decision, RequestKind
from ..rules.standstill import BOSSES, MOST_GIVEN_BACK
from ..rules.states import WITH_OFFICER, State
from .access import current_actor, page_now
from .downloads import TYPES, table_answer
from .filters import figure_words, local
from .language import speak
from .plan_forms import Typed
from .typed_figures import read_figure, typed_figure, unit_beside
from .uploads import keep_file
from .words import word

bp = Blueprint("requests", __name__)
KINDS = {
    "extension": RequestKind.EXTENSION,
    "dispute": RequestKind.DISPUTE,
    "not-applicable": RequestKind.NOT_APPLICABLE,
}
Errors = dict[str, list[str]]


class AskForm(FlaskForm):
    """What every request holds; targets have names of their own."""

    client_action_id = HiddenField()
    seen = HiddenField()
    reason = TextAreaField()
    due_on = StringField()
    sure = BooleanField()


class DecideForm(FlaskForm):
    """The decision, the words that the unit reads, another day than the one asked for, and the consent."""

    client_action_id = HiddenField()
    words = TextAreaField()
    due_on = StringField()
    sure = BooleanField()
    consents = BooleanField()


@bp.get("/requests")
def index() -> Any:
    actor, now = current_actor(), page_now()
    view, filters = _wanted(actor)
    after = request.args.get("after", "")
    found = queries.page(
        actor, view, filters, now=now, after=int(after) if after.isdecimal() and len(after) < 19 else 0
    )
    return render_template(
        "requests/index.html", found=found, view=view, views=_views(actor), filters=filters, kinds=KINDS, now=now,
        empty_posts=queries.nobody_at([each.decider_id for each in found.rows if each.pending], now=now),
        later=bool(after), filtered=filters != Filters(), link=lambda **more: _address(view, filters, **more),
        exports={kind: _address(view, filters, "requests.export", kind=kind) for kind in TYPES},
        badges={"requests.index": found.total} if view is View.TO_DECIDE and filters == Filters() else {},
    )  # fmt: skip


@bp.get("/requests/export.<any(xlsx, csv):kind>")
def export(kind: str) -> Any:
    actor, now = current_actor(), page_now()
    view, filters = _wanted(actor)
    columns = [
        Column(_("Number"), 10, Show.WHOLE), Column(_("Kind"), 16), Column(_("Unit"), 28), Column(_("Task"), 40),
        Column(_("Requested by"), 14), Column(_("Requested at"), 18), Column(_("Due then"), 14, Show.DAY),
        Column(_("Asked for"), 14, Show.DAY), Column(_("Reason"), 50), Column(_("Decided by unit"), 28),
        Column(_("Decide by"), 14, Show.DAY), Column(_("How it was decided"), 16), Column(_("Words"), 50),
    ]  # fmt: skip
    rows = (_cells(each) for each in queries.everything(actor, view, filters, now=now))
    return table_answer(kind, f"requests-{now:%Y%m%d}", _("Requests"), columns, rows)


def _cells(each: Asked) -> tuple[Cell, ...]:
    due_then, asked_for, until = (
        None if moment is None else local(moment).date()
        for moment in (each.was_due_at, each.asked_due_at, each.decide_by)
    )
    return (
        each.id, word(each.kind), each.unit_name, each.task_title, each.person_name, each.at, due_then, asked_for,
        each.reason, each.decider_name, until, word(each.decision), each.words,
    )  # fmt: skip


def _views(actor: Actor) -> list[View]:
    """The lists that make sense for this person."""
    found = [View.TO_DECIDE, View.DECIDED] if actor.has_role(*BOSSES) else []
    return [*found, View.MINE] if actor.has_role(Role.OFFICER) or not found else found


def _wanted(actor: Actor) -> tuple[View, Filters]:
    args, views = request.args, _views(actor)
    view = next((view for view in views if view.value == args.get("view")), views[0])
    filters = Filters(KINDS.get(args.get("kind", "")), args.get("late") == "1", args.get("text", "").strip()[:100])
    return view, filters


def _address(view: View, filters: Filters, endpoint: str = "requests.index", **more: Any) -> str:
    named = next((name for name, kind in KINDS.items() if kind is filters.kind), None)
    given = {"view": view.value, "text": filters.text or None, "late": 1 if filters.late else None}
    if endpoint == "requests.index":
        given |= {"kind": named}
    return url_for(endpoint, **(given | more))


@bp.route("/assignments/<int:id>/request/<wish>", methods=["GET", "POST"])
def ask(id: int, wish: str) -> Any:
    """`wish`: extension, dispute or not-applicable."""
    found, actor, form = whole(id, current_actor()), current_actor(), AskForm()
    if found is None or wish not in KINDS or actor.post_in(found.ask.unit_id, Role.OFFICER) is None:
        abort(404)
    kind, errors, files = KINDS[wish], Errors(), []
    if request.method == "POST":
        files = [*_kept(id), *_received(id, found, errors)]
        typed = Typed()
        due_on = typed.day("due_on", form.due_on)
        targets = _targets(found, kind, errors)
        try:
            if typed.problems or errors:
                also = asking.wrong_reason(form.reason.data or "")
                raise Invalid(say("Something needs your attention."), [*typed.problems, *also])
            asked = Wish(kind, form.reason.data or "", due_on, targets, tuple(files), bool(form.sure.data))
            with unit_of_work():
                made = asking.ask(
                    id, asked, actor=actor, now=page_now(), seen=_seen(form),
                    client_action_id=form.client_action_id.data or None,
                )  # fmt: skip
        except Invalid as refused:
            _note(refused, errors)
        else:
            return _asked(id, made)
    return _ask_page(found, wish, form, errors, files), (422 if errors else 200)


def _note(refused: Invalid, errors: Errors) -> None:
    """Adds what was refused to what could not be read."""
    for problem in refused.problems or ([] if errors else [Problem("", refused.sentence)]):
        errors.setdefault(problem.where, []).append(speak(problem.sentence))


def _in_order(errors: Errors) -> Errors:
    """As the forms show their fields: figures and days in the order of the form, then the words, then the files."""
    last = {"reason": 1, "words": 1, "consents": 2, "files": 2}
    return {field: errors[field] for field in sorted(errors, key=lambda field: last.get(field, 0))}


def _asked(assignment_id: int, request_id: int) -> Any:
    made = queries.request_of(request_id, current_actor(), now=page_now())
    if made is not None and made.decision is Decision.GRANTED_BY_RULE:
        flash(_("Granted at once by the rule of the campaign. The new due date stands."), "success")
    else:
        flash(_("Your request is on its way. The clock of this task stands still until it is decided."), "success")
    return redirect(url_for("assignments.show", id=assignment_id), 303)


def _ask_page(found: Whole, what: str, form: AskForm, errors: Errors, files: list[int]) -> str:
    ask, kind = found.ask, KINDS[what]
    may = ask.state in WITH_OFFICER and ask.suspended_at is None
    may = may and (kind is not RequestKind.DISPUTE or ask.state is State.ISSUED)
    may = may and (kind is not RequestKind.EXTENSION or ask.due_at is not None)
    return render_template(
        "requests/ask.html", ask=ask, what=what, kind=kind, may=may or bool(errors), errors=_in_order(errors),
        sure=bool(form.sure.data),
        reason=form.reason.data or "", due_on=form.due_on.data or "", metrics=disputable(found, kind),
        typed=request.form, files=evidence_named(ask.id, files) if files else (), most_days=MOST_GIVEN_BACK,
        unit_beside=unit_beside, typed_figure=typed_figure,
        rule_days=rule_days(ask) if kind is RequestKind.EXTENSION and may else 0, today=local(page_now()).date(),
        action_id=form.client_action_id.data or str(uuid4()), seen=form.seen.data or ask.version, form_page=True,
    )  # fmt: skip


def rule_days(ask: Ask) -> int:
    """How many days later the campaign still grants this assignment by rule: none once it is late or was granted as
    often as may be, and never past the date of what it was split from."""
    frame = frame_of(ask.id)
    if ask.due_at is None or page_now() > ask.due_at or frame.granted >= frame.most_times:
        return 0
    within = frame.most_days if frame.parent_due_at is None else (frame.parent_due_at - ask.due_at).days
    return max(0, min(frame.most_days, within))


def disputable(found: Whole, kind: RequestKind) -> list[Measure]:
    """The metrics whose target a unit may dispute, each with the target that it has for this unit."""
    if kind is not RequestKind.DISPUTE:
        return []
    goals = goals_of([found.ask.id]).get(found.ask.id, {})
    own = ((metric, goals[metric.id].target) for metric in found.metrics if metric.id in goals)
    return [replace(metric, target=was) for metric, was in own if was is not None and metric.kind in NUMBERS]


def _targets(found: Whole, kind: RequestKind, errors: Errors) -> dict[int, Decimal]:
    """The targets that were typed; empty fields propose nothing."""
    targets: dict[int, Decimal] = {}
    for metric in disputable(found, kind):
        name = f"target-{metric.id}"
        figure = _figure(name, metric.kind, metric.money_places, errors)
        if figure is not None:
            targets[metric.id] = figure
    return targets


def _figure(name: str, kind: MetricKind, money_places: int, errors: Errors) -> Decimal | None:
    """The target in that field, if there is one that can be read."""
    text = request.form.get(name, "").strip()
    if not text:
        return None
    try:
        return read_figure(text.removesuffix("%").removesuffix("％"), kind, money_places)
    except BadValue as bad:
        errors.setdefault(name, []).append(speak(bad.sentence))
        return None


def _kept(assignment_id: int) -> list[int]:
    """The files that came with the form before and are named in it again."""
    named = [int(text) for text in request.form.getlist("kept") if text.isdecimal() and len(text) < 19]
    return [file.id for file in evidence_named(assignment_id, named)] if named else []


def _received(assignment_id: int, found: Whole, errors: Errors) -> list[int]:
    kept: list[int] = []
    if found.ask.state not in WITH_OFFICER:
        return kept
    for sent in request.files.getlist("files"):
        if not sent.filename:
            continue
        try:
            kept.append(keep_file(assignment_id, sent))
        except (Invalid, Busy, NoSpace) as refused:
            said = _("%(name)s: %(what)s", name=sent.filename[:100], what=speak(refused.sentence))
            errors.setdefault("files", []).append(said)
    return kept


def _seen(form: AskForm) -> int:
    text = form.seen.data or ""
    if not text.isdecimal() or len(text) > 9:
        raise Invalid(say("The form is damaged. Please open the page again."), [])
    return int(text)


@bp.get("/requests/<int:id>")
def show(id: int) -> Any:
    return _page_of(_mine(id), DecideForm(), {})


@bp.post("/requests/<int:id>/decide")
def decide(id: int) -> Any:
    found, form, typed = _mine(id), DecideForm(), Typed()
    due_on, targets, errors = _ruled(found, form, typed)
    try:
        if typed.problems or errors:
            raise Invalid(say("Something needs your attention."), typed.problems)
        decision = request.form.get("decision")
        if decision not in ("grant", "refuse"):
            raise Invalid(say("Please grant the request or refuse it."))
        granted, words = decision == "grant", form.words.data or ""
        ruling = Ruling(granted, words, due_on, targets, bool(form.consents.data), bool(form.sure.data))
        with unit_of_work():
            deciding.decide(
                id, ruling, actor=current_actor(), now=page_now(), client_action_id=form.client_action_id.data or None
            )
    except Invalid as refused:
        _note(refused, errors)
        return _page_of(found, form, errors), 422
    except (Refused, Stale) as late:
        return _too_late(id, form, late)
    flash(_("Granted. The unit is told.") if granted else _("Refused. The unit is told why."), "success")
    return redirect(url_for("requests.index"), 303)


def _too_late(request_id: int, form: DecideForm, late: CampaignError) -> Any:
    """What became of the request meanwhile, and the words that were not sent. Where it still waits, it was refused for
    another reason, which is told as everywhere."""
    found = _mine(request_id)
    if found.pending:
        raise late
    return _page_of(found, form, {}, late=True), 409


def _ruled(found: Asked, form: DecideForm, typed: Typed) -> tuple[date | None, dict[int, Decimal], Errors]:
    """The day and the targets that the decider puts in the place of those that were asked for."""
    due_on = typed.day("due_on", form.due_on) if found.asked_due_at is not None else None
    targets: dict[int, Decimal] = {}
    errors = Errors()
    for proposed in queries.proposals_of(found.id) if found.kind is RequestKind.DISPUTE else ():
        figure = _figure(f"target-{proposed.metric_id}", proposed.kind, proposed.money_places, errors)
        if figure is not None:
            targets[proposed.metric_id] = figure
    return due_on, targets, errors


@bp.post("/requests/<int:id>/consent")
def consent(id: int) -> Any:
    _mine(id)
    try:
        with unit_of_work():
            deciding.consent(
                id, actor=current_actor(), now=page_now(), client_action_id=request.form.get("client_action_id") or None
            )
    except (Refused, Stale) as late:
        return _too_late(id, DecideForm(formdata=None), late)
    flash(_("You agreed to the later date. It can be granted now."), "success")
    return redirect(url_for("requests.show", id=id), 303)


@bp.post("/requests/<int:id>/withdraw")
def withdraw(id: int) -> Any:
    found = _mine(id)
    try:
        with unit_of_work():
            asking.withdraw(
                id, actor=current_actor(), now=page_now(), client_action_id=request.form.get("client_action_id") or None
            )
    except (Refused, Stale) as late:
        return _too_late(id, DecideForm(formdata=None), late)
    flash(_("The request is taken back. The clock goes on."), "success")
    return redirect(url_for("assignments.show", id=found.assignment_id), 303)


def _mine(request_id: int) -> Asked:
    found = queries.request_of(request_id, current_actor(), now=page_now())
    return found if found is not None else abort(404)


def _page_of(found: Asked, form: DecideForm, errors: Errors, late: bool = False) -> str:
    actor, now = current_actor(), page_now()
    who = deciders_of([found.decider_id], on=local(now).date())[found.decider_id]
    decides, agrees = found.decides(actor, who.units), found.agrees(actor)
    return render_template(
        "requests/show.html", found=found, form=form, errors=_in_order(errors), now=now, decides=decides, too_late=late,
        vacant=found.pending and who.vacant, agrees=agrees, takes_back=found.takes_back(actor), action_id=str(uuid4()),
        proposals=queries.proposals_of(found.id) if found.kind is RequestKind.DISPUTE else (), typed=request.form,
        files=queries.evidence_of(found.id), follows=consequences_of(found, now=now) if decides or agrees else None,
        may_agree=found.needs_consent and actor.post_in(found.parent_unit_id, Role.DISPATCHER) is not None,
        form_page=decides, figure_words=figure_words, typed_figure=typed_figure, unit_beside=unit_beside,
    )  # fmt: skip
