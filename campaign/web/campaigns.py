"""The dispatcher's campaigns: list, write, load from a file, one campaign with the steps of its loop, issue."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import FileField, HiddenField, IntegerField
from wtforms.validators import InputRequired, NumberRange

from ..db import unit_of_work
from ..documents.plans import LARGEST_FILE, read_plan_bytes
from ..documents.sheets import Column, Show
from ..errors import Forbidden, Invalid, Problem, Refused, Stale, say
from ..operations import issuing
from ..operations.planning import create_campaign, edit_campaign
from ..queries.board_figures import Place, figures_of
from ..queries.campaigns import Filters, Head, Shown, Sort, TaskFact, everything, head_of, listing
from ..queries.campaigns import show as shown_of
from ..queries.drafts import higher_campaigns, plan_of, sees_higher, units_by_id, units_in_sight
from ..queries.ladders import usable_by
from ..queries.occasions import occasions_of
from ..queries.requests import count as requests_waiting
from ..rules.dates import NOT_ASKED_LIGHTS, Light
from ..rules.organisation import Actor, Role
from ..rules.planned import FormerRef
from ..rules.planning import CampaignPlan, MetricPlan, TaskPlan, check_campaign, warn_task
from ..rules.plans import CampaignStatus
from .access import current_actor, page_now, require_role
from .downloads import table_answer
from .ladder_words import ladder_choices
from .language import speak
from .navigation import has_endpoint
from .plan_forms import CampaignForm, Typed, ids_in
from .words import word

bp = Blueprint("campaigns", __name__)

LONGEST_SEARCH = 60
HIGHEST_VERSION = 10**9
WRITE, PREVIEW = 0, 1  # places in the steps of the loop


class LoadForm(FlaskForm):
    file = FileField()
    client_action_id = HiddenField()


class SeenForm(FlaskForm):
    """A step that needs nothing but the version that was seen."""

    seen = IntegerField(validators=[InputRequired(), NumberRange(1, HIGHEST_VERSION)])
    client_action_id = HiddenField()


@bp.get("/campaigns")
def index() -> Any:
    actor, filters = current_actor(), _filters()
    page = listing(actor, filters, after=_edge("after"), before=_edge("before"))
    return render_template(
        "campaigns/index.html", page=page, filters=filters, keep=_keep(filters), sorts=list(Sort),
        statuses=list(CampaignStatus), may_write=actor.has_role(Role.DISPATCHER), own_posts=bool(actor.posts),
        badges={"requests.index": requests_waiting(actor, now=page_now())},
    )  # fmt: skip


@bp.get("/campaigns.<any(xlsx, csv):kind>")
def export(kind: str) -> Any:
    """The list as it is filtered and ordered, all of it."""
    columns = [
        Column(_("Campaign"), 50), Column(_("Document number"), 20), Column(_("Issued by"), 24),
        Column(_("Begins on"), 12, Show.DAY), Column(_("Ends on"), 12, Show.DAY), Column(_("Status"), 10),
        Column(_("Tasks"), 8, Show.WHOLE), Column(_("Tasks dispatched"), 10, Show.WHOLE),
        Column(_("Assignments"), 10, Show.WHOLE),
    ]  # fmt: skip
    rows = (
        (
            item.title, item.number, item.issuer, item.starts_on, item.ends_on, word(item.status), item.tasks,
            item.dispatched, item.items,
        )
        for item in everything(current_actor(), _filters())
    )  # fmt: skip
    return table_answer(kind, f"campaigns-{page_now():%Y%m%d}", _("Campaigns"), columns, rows)


@bp.route("/campaigns/new", methods=["GET", "POST"])
@require_role(Role.DISPATCHER)
def new() -> Any:
    form, actor = CampaignForm(), current_actor()
    if request.method == "GET":
        form.client_action_id.data = str(uuid4())
        return _draw(form, None)
    if form.redraws():
        return _draw(form, None)
    typed = Typed()
    plan = form.plan(typed)
    problems = _whole(typed, check_campaign(plan)) + _higher_unseen(plan)
    try:
        if problems:
            raise Invalid(say("Something needs your attention."), problems)
        with unit_of_work():
            campaign_id = create_campaign(
                plan, actor=actor, now=page_now(), client_action_id=form.client_action_id.data or None
            )
    except Invalid as refused:
        return _draw(form, None, typed.errors(refused.problems)), 422
    flash(_("The draft is saved. Now add its tasks."), "success")
    return redirect(url_for("campaigns.show", id=campaign_id), 303)


@bp.route("/campaigns/<int:id>/edit", methods=["GET", "POST"])
def edit(id: int) -> Any:
    head, form = writable(id), CampaignForm()
    if request.method == "GET":
        form.fill(plan_of(head))
        form.seen.data = str(head.version)
        return _draw(form, head)
    if form.redraws():
        return _draw(form, head)
    typed = Typed()
    plan = form.plan(typed)
    problems = _whole(typed, check_campaign(plan))
    if plan.higher_campaign_id != head.higher_id:
        problems += _higher_unseen(plan)
    try:
        if problems:
            raise Invalid(say("Something needs your attention."), problems)
        with unit_of_work():
            edit_campaign(id, plan, actor=current_actor(), now=page_now(), seen=seen_in(form))
    except Invalid as refused:
        return _draw(form, head, typed.errors(refused.problems)), 422
    except Stale as stale:
        form.seen.data = str(writable(id).version)
        return _draw(form, head, told=speak(stale.sentence)), 409
    flash(_("The draft is saved."), "success")
    return redirect(url_for("campaigns.show", id=id), 303)


@bp.route("/campaigns/load", methods=["GET", "POST"])
@require_role(Role.DISPATCHER)
def load() -> Any:
    form = LoadForm()
    if request.method == "GET":
        return render_template("campaigns/load.html", action_id=str(uuid4()), refused=None, problems=[])
    name, content = _given(form)
    status, sentence, problems = 422, "", []
    try:
        if not name:
            raise Invalid(say("Please choose a file."))
        plan = read_plan_bytes(content, name)
        if problems := plan.locate(_higher_unseen(plan)):
            raise Invalid(say("%(file)s cannot be loaded. Nothing was changed.", file=name), problems)
        with unit_of_work():
            campaign_id = create_campaign(
                plan, actor=current_actor(), now=page_now(), client_action_id=form.client_action_id.data or None
            )
    except Invalid as refused:
        status, sentence, problems = refused.status, speak(refused.sentence), refused.problems
    except Forbidden as refused:
        status, sentence = refused.status, speak(refused.sentence)
    else:
        flash(_("%(file)s is loaded as a draft.", file=name), "success")
        return redirect(url_for("campaigns.show", id=campaign_id), 303)
    page = render_template("campaigns/load.html", action_id=str(uuid4()), refused=sentence, problems=problems)
    return page, status


def _given(form: LoadForm) -> tuple[str, bytes]:
    """The name and the content of the file, as much of it as a plan may have; '' when none was chosen."""
    given = form.file.data
    if not getattr(given, "filename", ""):
        return "", b""
    with given.stream as stream:
        return given.filename.replace("\\", "/").rpartition("/")[2], stream.read(LARGEST_FILE + 1)


@bp.get("/campaigns/<int:id>")
def show(id: int) -> Any:
    actor = current_actor()
    shown = shown_of(id, actor)
    if shown is None:
        abort(404)
    head = shown.head
    mine = {head.issuing_unit_id, *(unit_id for unit_id, _name in head.co_issuers)} & set(actor.units())
    figures = _progress(shown, page_now()) if mine and shown.dispatched else None
    warnings = warnings_of(shown)
    return render_template(
        "campaigns/show.html", shown=shown, head=head, occasions=occasions_of(id), action_id=str(uuid4()),
        warnings=warnings, steps=steps_of(head, shown.tasks, WRITE, figures, len(warnings)),
        may_edit=head.writer and head.status is CampaignStatus.DRAFT,
    )  # fmt: skip


@bp.post("/campaigns/<int:id>/issue")
def issue(id: int) -> Any:
    _issued_by(id, current_actor())
    form = SeenForm()
    if not form.validate():
        raise Refused(say("The form is damaged. Please open the page again."))
    with unit_of_work():
        issuing.issue(
            id, actor=current_actor(), now=page_now(), seen=form.seen.data,
            client_action_id=form.client_action_id.data or None,
        )  # fmt: skip
    flash(_("The campaign is issued. Nothing has been sent yet: preview and dispatch its tasks."), "success")
    return redirect(url_for("campaigns.show", id=id), 303)


def writable(campaign_id: int) -> Head:
    """The draft that this reader may write. 404 outside the scope, Forbidden for others, Refused once issued."""
    head = head_of(campaign_id, current_actor())
    if head is None:
        abort(404)
    if not head.writer:
        raise Forbidden(say("Only dispatchers of the issuing unit may write its campaigns."))
    if head.status is not CampaignStatus.DRAFT:
        raise Refused(say("The campaign has been issued and can no longer be edited."))
    return head


def _issued_by(campaign_id: int, actor: Actor) -> Head:
    head = head_of(campaign_id, actor)
    if head is None:
        abort(404)
    return head


def seen_in(form: Any) -> int:
    """The version that the form was drawn from; 0, which nothing has, when it is damaged."""
    text = form.seen.data or ""
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _higher_unseen(plan: CampaignPlan) -> list[Problem]:
    """A campaign that its reader does not see cannot be carried out: its title would stand on the page."""
    if sees_higher(plan, current_actor()):
        return []
    return [Problem("higher_campaign", say("There is no such campaign above this one."))]


def _whole(typed: Typed, checked: list[Problem]) -> list[Problem]:
    """What could not be read first, then what does not hold; a field that could not be read is not told twice."""
    unread = {problem.where for problem in typed.problems}
    return [*typed.problems, *(problem for problem in checked if problem.where not in unread)]


def _draw(form: CampaignForm, head: Head | None, errors: dict[str, list[str]] | None = None, told: str = "") -> Any:
    """The form as it stands; `told`: why it was not saved though every field holds."""
    actor, now = current_actor(), page_now()
    units = [(post.unit_id, post.unit_name) for post in actor.posts if post.role is Role.DISPATCHER]
    issuer = form.issuing_unit.data or (str(units[0][0]) if units else "")
    form.issuing_unit.data = issuer
    chosen = ids_in(form.co_issuers)
    sought = (form.find.data or "").strip()[:LONGEST_SEARCH]
    own = next((unit_id for unit_id, _name in units if str(unit_id) == issuer), 0)
    found = units_in_sight(own, sought, now=now, leave_out=[*chosen, own]) if sought else []
    return render_template(
        "campaigns/form.html", form=form, head=head, errors=errors or {}, told=told, units=units,
        chosen=units_by_id(chosen, own), found=found, sought=sought,
        higher=higher_campaigns(actor, head.id if head else None), form_page=True,
        ladders=ladder_choices(usable_by(own) if own else (), _("the default ladder")),
    )  # fmt: skip


def warnings_of(shown: Shown) -> dict[int, list[str]]:
    """What should be looked at before the campaign is issued, by task."""
    if shown.head.status is not CampaignStatus.DRAFT:
        return {}
    found: dict[int, list[str]] = {}
    for task in shown.tasks:
        plan = TaskPlan(
            title=task.title, grade=task.grade, due_kind=task.due_kind, due_on=task.due_on,
            respond_days=task.respond_days, counts_from=task.counts_from,
            metrics=tuple(
                MetricPlan(each.name, each.kind, target=each.target, note=each.note, word=each.word,
                           measurable=each.measurable, relative=each.relative, change=each.change, base=each.base,
                           former=FormerRef(each.former_id) if each.former_id else None)
                for each in task.metrics
            ),
        )  # fmt: skip
        told = warn_task(plan, shown.head.starts_on, shown.head.ends_on, occasion_on=task.occasion_on)
        if told:
            found[task.id] = [speak(problem.sentence) for problem in told]
    return found


def steps_of(
    head: Head, tasks: tuple[TaskFact, ...], current: int, figures: dict[str, int] | None = None, warned: int = 0
) -> list[tuple[str, str, str, bool, bool]]:
    """The loop of the campaign: word, what is left to do there, address, done, current."""
    plan, board = url_for("campaigns.show", id=head.id), "#main"
    if has_endpoint("board.show") and head.status is not CampaignStatus.DRAFT:
        board = url_for("board.show", id=head.id)
    issued, sent = head.status is not CampaignStatus.DRAFT, sum(1 for task in tasks if task.batches)
    look = url_for("campaigns.preview", id=head.id) if head.issuer and tasks else plan
    count, to_check = (
        ngettext("%(num)s task", "%(num)s tasks", len(tasks)),
        _("%(number)s to be looked at", number=warned),
    )
    left = _("%(number)s of %(all)s tasks", number=sent, all=len(tasks)) if issued else _("not issued yet")
    told = figures or {}
    share = f"{told['done'] * 100 / told['all']:.1f}%" if told.get("all") else ""
    steps = [
        (_("Write"), count, plan, issued),
        (_("Preview"), to_check if warned and not issued else "", look, bool(tasks) and sent == len(tasks)),
        (_("Dispatch"), left, look, bool(tasks) and sent == len(tasks)),
        (_("Follow"), _("%(number)s overdue", number=told["late"]) if told else "", board, False),
        (_("Review"), _("%(number)s waiting", number=told["review"]) if told else "", board, False),
        (_("Roll-up"), _("%(share)s approved", share=share) if share else "", board, False),
    ]
    return [(*step, place == current) for place, step in enumerate(steps)]


def _progress(shown: Shown, now: datetime) -> dict[str, int]:
    """How many assignments are at work, late, in review and done, over all tasks; one statement."""
    head = shown.head
    place = Place(head.area_id, "", head.level, head.lft, head.rgt)
    tasks = [task.id for task in shown.tasks if task.batches]
    cells = figures_of(place, [], tasks, None, now, head.tree).get(head.area_id, {})
    lights: dict[Light, int] = {}
    for cell in cells.values():
        for light, n in cell.lights.items():
            lights[light] = lights.get(light, 0) + n
    return {
        "all": sum(n for light, n in lights.items() if light not in NOT_ASKED_LIGHTS),
        "late": lights.get(Light.OVERDUE, 0),
        "review": lights.get(Light.WAITING, 0),
        "done": lights.get(Light.DONE, 0),
    }


def _filters() -> Filters:
    asked = request.args
    status = next((each for each in CampaignStatus if each.name.lower() == asked.get("status")), None)
    sort = next((each for each in Sort if each == asked.get("sort")), Sort.NEWEST)
    text = asked.get("text", "").strip()[:LONGEST_SEARCH]
    return Filters(status=status, text=text, own=asked.get("own") == "1", sort=sort)


def _keep(filters: Filters, **changed: Any) -> dict[str, str]:
    """The filters as they stand in an address."""
    kept = {
        "status": filters.status.name.lower() if filters.status else "",
        "text": filters.text,
        "own": "1" if filters.own else "",
        "sort": "" if filters.sort is Sort.NEWEST else str(filters.sort),
    } | changed
    return {name: value for name, value in kept.items() if value}


def _edge(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else None
