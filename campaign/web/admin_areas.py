"""Areas and units for administrators: the tree level by level, search by name and code, out as an import takes it."""

from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _

from ..clock import local_today
from ..documents.sheets import Column, Show
from ..errors import NotFound, say
from ..queries import organisation
from ..rules.organisation import LINE_NAMES, Level
from .access import current_actor, page_now
from .downloads import table_answer

LONGEST_SEARCH = 60


def areas() -> Any:
    actor = current_actor()
    text, level, area_id = _asked()
    after = request.args.get("after", type=int)
    fact = organisation.area(area_id, actor, on=local_today(page_now())) if area_id is not None else None
    if area_id is not None and fact is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    searching = bool(text or level is not None)
    total = None
    if searching:
        page, total = organisation.found(text, level, actor, after=after), organisation.count_found(text, level, actor)
    elif fact is not None:
        page = organisation.children(fact.id, actor, after=after)
    else:
        page = organisation.tops(actor)
    query = _query(text, level, area_id)
    return render_template(
        "admin/areas.html",
        page=page,
        fact=fact,
        total=total,
        most=organisation.MOST_COUNTED,
        text=text,
        level=level,
        levels=list(Level),
        searching=searching,
        later=after is not None,
        first_page=url_for("admin.areas", **query),
        next_page=url_for("admin.areas", after=page.next, **query) if page.next is not None else "",
        exports={kind: url_for("admin.areas_export", kind=kind, **query) for kind in ("xlsx", "csv")},
    )


def export(kind: str) -> Any:
    """What matches, or the opened area with its subtree, in the columns that an import takes."""
    text, level, area_id = _asked()
    rows = organisation.exported(current_actor(), text=text, level=level, below=None if text or level else area_id)
    columns = [Column(name, width, Show.TEXT) for name, width in (
        ("code", 16), ("name", 28), ("level", 14), ("parent_code", 16), ("kind", 12), ("lines", 24),
    )] + [Column("valid_from", 12), Column("valid_to", 12)]  # fmt: skip
    cells = (
        (row.code, row.name, row.level.name.lower(), row.parent_code, row.kind.name.lower() if row.kind else None,
         ";".join(LINE_NAMES[line] for line in row.lines), row.valid_from, row.valid_to)
        for row in rows
    )  # fmt: skip
    return table_answer(kind, f"areas-{page_now():%Y%m%d}", _("Areas"), columns, cells)


def _asked() -> tuple[str, Level | None, int | None]:
    level = request.args.get("level", type=int)
    return (
        request.args.get("text", "").strip()[:LONGEST_SEARCH],
        Level(level) if level in list(Level) else None,
        request.args.get("area", type=int),
    )


def _query(text: str, level: Level | None, area_id: int | None) -> dict[str, Any]:
    given = {"text": text, "level": None if level is None else int(level), "area": area_id}
    return {name: value for name, value in given.items() if value not in (None, "")}
