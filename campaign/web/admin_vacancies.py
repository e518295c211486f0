"""Where nobody is: the list of gaps with what to do about each, and what waits at a vacant level moved up by hand."""

from typing import Any
from uuid import UUID, uuid4, uuid5

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from ..clock import local_today
from ..db import unit_of_work
from ..documents.sheets import Column
from ..errors import Forbidden, NotFound, Stale, say
from ..models.facts import facts_of
from ..operations.passing_over import pass_over
from ..queries import vacancies
from ..queries.vacancies import MOST_COUNTED, READERS, Filters, Gap, Row, Waiting
from ..rules.accounts import may_administer
from ..rules.organisation import Actor, Line, Role
from ..rules.standstill import BOSSES
from ..rules.transitions import Party, post_for
from .access import current_actor, page_now, require_role
from .downloads import table_answer
from .words import word

bp = Blueprint("vacancies", __name__)
KIND = "<any(xlsx, csv):kind>"
LONGEST_SEARCH = 60
MOST_AT_ONCE = 100
GAPS = {
    Gap.NO_OFFICER: _l("Work without an officer"),
    Gap.NO_SUPERVISOR: _l("Reviews without a supervisor"),
    Gap.UNDECIDED: _l("Asked, nobody to answer"),
    Gap.ENDING: _l("Posts that end soon"),
    Gap.AWAY: _l("Away without a stand-in"),
}


@bp.get("/vacancies")
@require_role(*READERS)
def index() -> Any:
    """The gaps of one kind, and how many there are of each."""
    actor, filters, today = current_actor(), _asked(), local_today(page_now())
    page = vacancies.page(actor, filters, on=today, after=_place(request.args.get("after", "")))
    query = _query(filters)
    numbers = vacancies.counts(actor, filters, on=today)
    return render_template(
        "vacancies/index.html",
        page=page,
        filters=filters,
        gaps=GAPS,
        numbers=numbers,
        most=MOST_COUNTED,
        chips=[(GAPS[gap], numbers[gap], url_for(".index", **(query | {"gap": int(gap)})), gap is filters.gap)
               for gap in GAPS],
        lines=list(Line),
        filtered=bool(filters.text or filters.line),
        later="after" in request.args,
        first_page=url_for(".index", **query),
        next_page=url_for(".index", after=f"{page.next[0]}-{page.next[1]}", **query) if page.next else "",
        exports={kind: url_for(".export", kind=kind, **query) for kind in ("xlsx", "csv")},
        administers={row.key for row in page.rows if may_administer(actor, row.line, row.lft)},
        moves_up=actor.has_role(*BOSSES),
        mine=set(actor.units(*BOSSES)),
        oversees=actor.has_role(Role.ADMINISTRATOR, Role.AUDITOR),
        now=page_now(),
    )  # fmt: skip


@bp.get(f"/vacancies.{KIND}")
@require_role(*READERS)
def export(kind: str) -> Any:
    """The gaps of one kind, as the list shows them."""
    filters, today = _asked(), local_today(page_now())
    columns = [
        Column(_("Unit"), 28), Column(_("Line"), 12), Column(_("Role"), 12), Column(_("Name"), 16),
        Column(_("Until"), 12), Column(_("Open items"), 10), Column(_("Earliest date"), 18),
    ]  # fmt: skip
    if filters.gap is Gap.UNDECIDED:
        columns += [Column(_("Of these questions"), 10), Column(_("Now with"), 28)]
    found = vacancies.everything(current_actor(), filters, on=today)
    rows = (_cells(row, filters.gap) for row in found)
    return table_answer(kind, f"vacancies-{today:%Y%m%d}", str(GAPS[filters.gap]), columns, rows)


def _cells(row: Row, gap: Gap) -> tuple[Any, ...]:
    both = _("Supervisor or dispatcher")
    role, more = (both, (row.questions, row.charge)) if gap is Gap.UNDECIDED else (word(row.role), ())
    return row.unit_name, word(row.line), role, row.person_name, row.until, row.items, row.earliest, *more


@bp.get("/vacancies/<int:unit_id>")
@require_role(*READERS)
def show(unit_id: int) -> Any:
    """What waits for a review at a unit where nobody can review."""
    return _draw(unit_id)


@bp.post("/vacancies/<int:unit_id>")
@require_role(*READERS)
def move_up(unit_id: int) -> Any:
    """Passes over the vacant level for the items that were ticked; each may have its own next level."""
    name, _manned = _unit(unit_id)
    reason, chosen = request.form.get("reason", "").strip()[:400], request.form.getlist("item")[:MOST_AT_ONCE]
    seen = dict(part for text in chosen if (part := _item(text)) is not None)
    waiting = {item.id: item for item in vacancies.waiting_at(unit_id, most=MOST_AT_ONCE)}
    problems = []
    if not reason:
        problems.append(("reason", _("Please say why, in a few words.")))
    if not seen:
        problems.append(("items", _("Please tick at least one item.")))
    if problems:
        return _draw(unit_id, problems, reason, set(seen)), 422
    if not set(seen) <= set(waiting):
        raise Stale(say("Something of this was decided meanwhile. Nothing was moved; please look again."))
    key = _key()
    with unit_of_work():
        for id, version in sorted(seen.items()):
            pass_over(
                id, actor=current_actor(), now=page_now(), seen=version, reason=reason,
                client_action_id=str(uuid5(key, str(id))) if key else None,
            )  # fmt: skip
    flash(ngettext("%(num)s item was moved up from %(unit)s.", "%(num)s items were moved up from %(unit)s.",
                   len(seen), unit=name), "success")  # fmt: skip
    return redirect(url_for(".index", gap=int(Gap.NO_SUPERVISOR)), 303)


def _draw(unit_id: int, problems: Any = (), reason: str = "", ticked: set[int] | None = None) -> str:
    name, manned = _unit(unit_id)
    actor = current_actor()
    items = vacancies.waiting_at(unit_id, most=MOST_AT_ONCE)
    mine = [item for item in items if not manned and _may_pass(item, actor)]
    return render_template(
        "vacancies/show.html",
        unit_id=unit_id,
        name=name,
        manned=manned,
        items=items,
        mine={item.id for item in mine},
        ticked={item.id for item in mine} if ticked is None else ticked,
        problems=problems,
        reason=reason,
        action_id=str(uuid4()),
        now=page_now(),
    )


def _may_pass(item: Waiting, actor: Actor) -> bool:
    facts = facts_of(item.id)
    return facts is not None and post_for(Party.ABOVE, facts, actor) is not None


def _unit(unit_id: int) -> tuple[str, bool]:
    found = vacancies.unit_in_scope(unit_id, current_actor(), on=local_today(page_now()))
    if found is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    if request.method == "POST" and not current_actor().has_role(Role.SUPERVISOR, Role.DISPATCHER):
        raise Forbidden(say("Supervisors and dispatchers of a level above move this up."))
    return found


def _key() -> UUID | None:
    try:
        return UUID(request.form.get("client_action_id", ""))
    except ValueError:
        return None


def _item(text: str) -> tuple[int, int] | None:
    """An item as the form names it: its id and the version that was seen."""
    id, _dot, version = text.partition(".")
    fits = all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (id, version))
    return (int(id), int(version)) if fits else None


def _place(text: str) -> tuple[int, int] | None:
    lft, _dash, key = text.partition("-")
    fits = all(part.isascii() and part.isdecimal() and len(part) < 10 for part in (lft, key))
    return (int(lft), int(key)) if fits else None


def _asked() -> Filters:
    args = request.args
    gap, line = args.get("gap", type=int), args.get("line", type=int)
    return Filters(
        gap=Gap(gap) if gap in list(Gap) else Gap.NO_OFFICER,
        text=args.get("text", "").strip()[:LONGEST_SEARCH],
        line=Line(line) if line in list(Line) else None,
    )


def _query(filters: Filters) -> dict[str, Any]:
    given = {"gap": int(filters.gap), "text": filters.text, "line": filters.line and int(filters.line)}
    return {name: value for name, value in given.items() if value}
