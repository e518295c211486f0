"""Assignments in the browser: the list, one of them on its page, signing for it, taking a report back, the receipt."""

from datetime import date, datetime
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ..db import unit_of_work
from ..documents.sheets import Column, Show, write_csv, write_xlsx
from ..errors import Invalid, NotFound, say
from ..operations.reporting import acknowledge as sign_for
from ..operations.reporting import withdraw as take_back
from ..queries import worklist
from ..queries.assignments import Whole, whole
from ..queries.worklist import Filters, Page, Row, Sort
from ..rules.dates import Light, light_of
from ..rules.organisation import Actor, Line, Role
from ..rules.standstill import BOSSES
from ..rules.states import WITH_OFFICER, Action, State
from ..rules.transitions import Facts, offers
from .access import current_actor, page_now
from .figure_form import change_words, distance_words, unit_words, value_of
from .filters import local
from .navigation import DESK_ROLES, back_address
from .questions import panel
from .report_form import first_fields, sheet_of
from .requests_panel import panel as requests_panel
from .words import word

bp = Blueprint("assignments", __name__)
MONEY_COOKIE = "money"  # the unit in which this person types amounts
LAST = int(worklist.FAR.timestamp()) * 1_000_000  # the place of what has no due date, in the order by due date
LIGHTS = {light.name.lower(): light for light in Light}  # addresses name a light: its number may change
TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


@bp.get("/assignments")
def index() -> Any:
    actor, now = current_actor(), page_now()
    filters, sort = wanted(actor)
    found = worklist.page(actor, filters, sort, now=now, after=_key())
    from_a_cell = back_address() and filters.task_id and filters.area_id and _key() is None
    if from_a_cell and len(found.rows) == 1 and found.next is None:
        return redirect(url_for("ledger.show", id=found.rows[0].id, back=back_address()), 303)
    return render_template(
        "officer/index.html",
        found=found,
        filters=filters,
        sort=sort,
        total=worklist.total(actor, filters, now=now),
        most=worklist.MOST_COUNTED,
        campaigns=worklist.campaigns(actor),
        lights=[light for light in Light if light is not Light.CANCELLED],
        states=list(State),
        posts=[post for post in actor.posts if post.role is Role.OFFICER],
        now=now,
        link=lambda **changes: url_for(".index", **_query(filters, sort, changes)),
        next_page=_next(found, filters, sort),
        exports={kind: url_for(".export", kind=kind, **_query(filters, sort, {})) for kind in TYPES},
        on_later_page=_key() is not None,
        narrowed=worklist.names(filters) if found.rows and (filters.task_id or filters.area_id) else [],
        back=back_address(),
        urge_address=_urging(actor, filters, sort),
        filtered=filters != worklist.Filters(),
    )


@bp.get("/assignments/export.<any(xlsx, csv):kind>")
def export(kind: str) -> Any:
    actor, now = current_actor(), page_now()
    filters, sort = wanted(actor)
    columns = [
        Column(_("Number"), 10, Show.WHOLE), Column(_("Unit"), 28), Column(_("Task"), 40), Column(_("Campaign"), 36),
        Column(_("Issued by"), 24), Column(_("State"), 12), Column(_("Light"), 12), Column(_("Clock"), 12),
        Column(_("Sign for by"), 14, Show.DAY), Column(_("Due"), 14, Show.DAY), Column(_("First due"), 14, Show.DAY),
        Column(_("Waits at"), 24),
    ]  # fmt: skip
    rows = (_cells(row) for row in worklist.everything(actor, filters, sort, now=now))
    zone = current_app.config["SETTINGS"].timezone
    if kind == "xlsx":
        content = write_xlsx(_("Tasks"), columns, rows, zone=zone)
    else:
        content = write_csv(columns, rows, zone=zone)
    answer = Response(content, mimetype=TYPES[kind])
    answer.headers.set("Content-Disposition", "attachment", filename=f"assignments-{now:%Y%m%d}.{kind}")
    return answer


def _cells(row: Row) -> tuple[Any, ...]:
    return (
        row.id, row.unit_name, row.title, row.campaign_title, row.issuer_name, word(row.state), word(row.light),
        _("awaiting an answer") if row.suspended else "", _last_day(row.respond_by), _last_day(row.due_at),
        _last_day(row.first_due_at), row.reviewer_name or "",
    )  # fmt: skip


def _last_day(until: datetime | None) -> date | None:
    """The day as the page shows it: its last moment, rounded by a spreadsheet, would be the next day."""
    return None if until is None else local(until).date()


@bp.get("/assignments/<int:id>")
def show(id: int) -> Any:
    found = visible(id)
    return draw(found)


@bp.post("/assignments/<int:id>/acknowledge")
def acknowledge(id: int) -> Any:
    visible(id)
    with unit_of_work():
        sign_for(id, actor=current_actor(), now=page_now(), seen=seen(), client_action_id=action_id())
    flash(_("Signed for. You can report now."), "success")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/assignments/<int:id>/withdraw")
def withdraw(id: int) -> Any:
    visible(id)
    with unit_of_work():
        take_back(id, actor=current_actor(), now=page_now(), seen=seen(), client_action_id=action_id())
    flash(_("Withdrawn. Your report is kept here; correct it and submit it again."), "success")
    return redirect(url_for(".show", id=id), 303)


@bp.get("/assignments/<int:id>/receipt")
def receipt(id: int) -> Any:
    found = visible(id)
    if found.latest is None:
        raise NotFound(say("Nothing has been submitted here yet."))
    return render_template(
        "officer/receipt.html",
        whole=found,
        ask=found.ask,
        version=found.latest,
        number=receipt_number(found),
        may=offered(found, current_actor()),
        action_id=uuid4(),
        now=page_now(),
    )


def draw(found: Whole, errors: dict[str, tuple[str, ...]] | None = None, fields: dict[str, Any] | None = None) -> Any:
    """The page of the assignment: as it stands, or with what was just typed and what is wrong with it (422)."""
    actor, now, ask = current_actor(), page_now(), found.ask
    may = offered(found, actor)
    late = ask.cut_off_at is not None and now > ask.cut_off_at
    may -= {Action.WITHDRAW} if late else set()
    asked = panel(ask.id if ask.was_asked_about else None)
    requested = requests_panel(ask.id if ask.was_requested_for else None)
    waits = asked["pending"] or requested["pending"]
    reports = ask.state in WITH_OFFICER and actor.post_in(ask.unit_id, Role.OFFICER) is not None
    given = first_fields(found, request.cookies.get(MONEY_COOKIE, "")) if fields is None else fields
    sheet = sheet_of(given, found, errors, today=local(now).date())
    page = render_template(
        "officer/assignment.html",
        whole=found,
        ask=ask,
        sheet=sheet,
        may=may,
        reporting=Action.SUBMIT in may and not late,
        waits=waits is not None,
        asked=asked,
        requested=requested,
        may_ask=reports and waits is None,
        urged=found.urged,
        too_late=Action.SUBMIT in may and late,
        light=light_of(ask.state, ask.due_at, ask.behind_at, now, ask.suspended_at is not None),
        now=now,
        action_id=uuid4(),
        check_in_id=uuid4(),
        distance=distance_words,
        unit_words=unit_words,
        value_of=value_of,
        change_words=change_words,
        at_desk=actor.has_role(*DESK_ROLES),
        reviewing=actor.post_in(ask.reviewer_unit_id, Role.SUPERVISOR) is not None,
        receipt_number=receipt_number(found),
    )
    return (page, 422) if errors else page


def visible(id: int) -> Whole:
    """The assignment, when this person may see it; NotFound otherwise."""
    found = whole(id, current_actor())
    if found is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    return found


def offered(found: Whole, actor: Actor) -> set[Action]:
    """What this person may do here as the one who reports."""
    ask = found.ask
    facts = Facts(ask.id, ask.state, ask.version, ask.unit_id, (), reviewers_so_far=(0,) * ask.review_step)
    return {offer.action for offer in offers(facts, actor) if offer.refusal is None}


def receipt_number(found: Whole) -> str:
    """What the officer may quote: year, task, assignment, version."""
    version = found.latest
    if version is None:
        return ""
    return f"{version.at.year}-{found.ask.task_id:04d}-{found.ask.id:04d}-{version.number}"


def seen() -> int:
    """The version of the assignment that the reader saw."""
    try:
        return int(request.form["seen"])
    except (KeyError, ValueError):
        raise Invalid(say("The form is damaged. Please open the page again.")) from None


def action_id(name: str = "client_action_id") -> str | None:
    """The id that the form gave this act, or None."""
    return request.form.get(name) or None


def wanted(actor: Actor) -> tuple[Filters, Sort]:
    """The filters and the order that the address names; what it does not know is left aside."""
    args = request.args
    state, line = args.get("state", type=int), args.get("line", type=int)
    sort = next((member for member in Sort if member.value == args.get("sort")), None)
    filters = Filters(
        state=State(state) if state in list(State) else None,
        light=LIGHTS.get(args.get("light", "")),
        campaign_id=args.get("campaign", type=int),
        unit_id=args.get("unit", type=int),
        text=args.get("text", "").strip()[:100],
        task_id=args.get("task", type=int),
        area_id=args.get("area", type=int),
        line=Line(line) if line in list(Line) else None,
    )
    return filters, sort or (Sort.NEWEST if actor.has_role(*DESK_ROLES) else Sort.DUE)


def _query(filters: Filters, sort: Sort, changes: dict[str, Any]) -> dict[str, Any]:
    """The address of the same list with some things changed; a change starts at the first page."""
    given = {
        "state": filters.state and int(filters.state),
        "light": filters.light and filters.light.name.lower(),
        "campaign": filters.campaign_id,
        "unit": filters.unit_id,
        "text": filters.text,
        "task": filters.task_id,
        "area": filters.area_id,
        "line": filters.line and int(filters.line),
        "sort": sort.value,
        "back": back_address(),
    }
    return {name: value for name, value in (given | changes).items() if value not in (None, "")}


def _urging(actor: Actor, filters: Filters, sort: Sort) -> str:
    """Where all that the list shows can be urged; '' for those who urge nobody."""
    if not actor.has_role(*BOSSES):
        return ""
    return url_for("urging.show", **_query(filters, sort, {"back": request.full_path.rstrip("?")}))


def _key() -> tuple[int, int] | None:
    """The place in the list after which the page begins."""
    first, _dot, second = request.args.get("after", "").partition(".")
    digits = first.isdecimal() and second.isdecimal() and len(first) < 19 and len(second) < 19
    return (int(first), int(second)) if digits and int(first) <= LAST else None


def _next(found: Page, filters: Filters, sort: Sort) -> str:
    if found.next is None:
        return ""
    key = f"{found.next[0]}.{found.next[1]}"
    return url_for(".index", **_query(filters, sort, {"after": key}))
