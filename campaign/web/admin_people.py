"""People for administrators: the list with filters, search and paging, and the same list as a table."""

from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ..clock import local_today
from ..documents.sheets import Column, Show
from ..queries import accounts
from ..queries.accounts import Filters, PersonRow, Standing
from ..rules.organisation import Line, Role
from .access import current_actor, page_now
from .downloads import table_answer
from .words import word

LONGEST_SEARCH = 60
STANDINGS = {
    Standing.OPEN: _l("Open"),
    Standing.DISABLED: _l("Disabled"),
    Standing.NO_POST: _l("Without a post"),
    Standing.FIRST_PASSWORD: _l("Not signed in yet"),
}


def people() -> Any:
    actor, today, filters = current_actor(), local_today(page_now()), _asked()
    after = request.args.get("after", "")[:64]
    page = accounts.people(actor, filters, on=today, after=after)
    query = _query(filters)
    unit = accounts.unit_name(filters.unit_id, actor) if filters.unit_id is not None else None
    return render_template(
        "admin/people.html",
        page=page,
        filters=filters,
        unit=unit,
        total=accounts.count_people(actor, filters, on=today),
        most=accounts.MOST_COUNTED,
        roles=list(Role),
        lines=list(Line),
        standings=STANDINGS,
        standing_of=standing_of,
        filtered=bool(query),
        later=bool(after),
        first_page=url_for("admin.people", **query),
        next_page=url_for("admin.people", after=page.next, **query) if page.next else "",
        exports={kind: url_for("admin.people_export", kind=kind, **query) for kind in ("xlsx", "csv")},
    )


def export(kind: str) -> Any:
    """One row a post, as an import takes it; people without a post have one row too."""
    columns = [
        Column(_("Login name"), 18, Show.TEXT), Column(_("Name"), 16), Column(_("Telephone"), 16, Show.TEXT),
        Column(_("E-mail"), 26), Column(_("Unit"), 28), Column(_("Line"), 12), Column(_("Role"), 12),
        Column(_("From"), 12), Column(_("Until"), 12), Column(_("Account"), 16),
    ]  # fmt: skip
    found = accounts.everybody(current_actor(), _asked(), on=local_today(page_now()))
    return table_answer(kind, f"people-{page_now():%Y%m%d}", _("People"), columns, _cells(found))


def _cells(found: Any) -> Any:
    for person in found:
        known = (person.login, person.name, person.phone, person.email)
        for post in person.posts:
            place = (post.unit_name, word(post.line), word(post.role), post.valid_from, post.valid_to)
            yield (*known, *place, standing_of(person))
        if not person.posts:
            yield (*known, None, None, None, None, None, standing_of(person))


def standing_of(person: PersonRow) -> str:
    """How the account stands, in a word."""
    if person.disabled_at is not None:
        return str(STANDINGS[Standing.DISABLED])
    if not any(post.living for post in person.posts):
        return str(STANDINGS[Standing.NO_POST])
    return str(STANDINGS[Standing.FIRST_PASSWORD if person.must_change_password else Standing.OPEN])


def _asked() -> Filters:
    args = request.args
    role, line = args.get("role", type=int), args.get("line", type=int)
    return Filters(
        text=args.get("text", "").strip()[:LONGEST_SEARCH],
        role=Role(role) if role in list(Role) else None,
        line=Line(line) if line in list(Line) else None,
        standing=next((member for member in Standing if member.value == args.get("standing")), None),
        unit_id=args.get("unit", type=int),
    )


def _query(filters: Filters) -> dict[str, Any]:
    given = {
        "text": filters.text,
        "role": filters.role and int(filters.role),
        "line": filters.line and int(filters.line),
        "standing": filters.standing and filters.standing.value,
        "unit": filters.unit_id,
    }
    return {name: value for name, value in given.items() if value not in (None, "")}
