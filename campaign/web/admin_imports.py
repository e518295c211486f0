"""Imports by page: upload, a preview of every change or the list of bad rows, confirm.

The uploaded file waits between preview and confirmation, so that nobody uploads it twice.
"""

import json
from pathlib import Path, PurePath
from typing import IO, Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from ..clock import local_today
from ..db import unit_of_work
from ..documents.sheets import Column, Show
from ..documents.tables import Table, read_table
from ..documents.waiting import forget_table, keep_table, open_table
from ..errors import Invalid, Problem, say
from ..operations import area_rows, people_rows
from ..operations.areas import import_areas, preview_areas
from ..operations.people_import import FirstPassword, import_people, preview_people
from ..rules.organisation import LINE_NAMES, Line
from .access import current_actor, page_now
from .downloads import table_answer
from .language import speak

# The headings as they may be written, in both languages.
HEADINGS = {
    what: {name: f"{name} / {words[0]}" for name, words in columns.items()}
    for what, columns in (("areas", area_rows.COLUMNS), ("people", people_rows.COLUMNS))
}
SAMPLES: dict[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = {
    "areas": (
        ("code", "name", "level", "parent_code", "kind", "lines", "valid_from", "valid_to"),
        (
            ("990101000000", "示例县", "county", "", "", "党委;工会;妇联", "", ""),
            ("990101001000", "示例镇", "township", "990101000000", "", "党委;工会;妇联", "", ""),
            ("990101001001", "示例村", "village", "990101001000", "", "妇联", "", ""),
            ("QY-0001", "示例纺织厂", "organisation", "990101001000", "enterprise", "工会", "", ""),
        ),
    ),
    "people": (
        ("login", "name", "phone", "email", "unit", "line", "role", "valid_from", "valid_to"),
        (
            ("zhangsan", "张三", "13800000000", "", "示例村妇联", "", "officer", "2026-01-01", ""),
            ("lisi", "李四", "", "", "990101001000", LINE_NAMES[Line.WOMEN], "supervisor", "", ""),
        ),
    ),
}


def areas() -> Any:
    return _upload("areas") if request.method == "POST" else _step("areas")


def people() -> Any:
    return _upload("people") if request.method == "POST" else _step("people")


def _folder() -> Path:
    folder: Path = current_app.config["SETTINGS"].data_path / "imports"
    return folder


def _name(given: str) -> str:
    return PurePath(given.replace("\\", "/")).name[:120]


def _upload(what: str) -> Any:
    """Keeps the file and goes on to its preview."""
    given = request.files.get("file")
    if given is None or not given.filename:
        return _draw(what, errors=[_("Please choose a file.")]), 422
    token = keep_table(_folder(), given.stream, owner=current_actor().person_id, now=page_now())
    return redirect(url_for(f"admin.import_{what}", file=token, name=_name(given.filename)), 303)


def _step(what: str) -> Any:
    """The empty form, or the preview of the file that waits; with bad rows their list, and a 422."""
    if "file" not in request.args:
        return _draw(what)
    try:
        with _waiting(request.args["file"]) as stream:
            table = read_table(stream, _name(request.args.get("name", "")))
            preview = _preview(what, table)
    except Invalid as refused:
        return _draw(what, refused=refused), refused.status
    return _draw(what, preview=preview, source=table.source)


def _preview(what: str, table: Table) -> Any:
    if what == "areas":
        return preview_areas(table, actor=current_actor())
    return preview_people(table, actor=current_actor(), today=local_today(page_now()))


def _waiting(token: str) -> IO[bytes]:
    return open_table(_folder(), token, owner=current_actor().person_id)


def _draw(what: str, **more: Any) -> Any:
    refused: Invalid | None = more.pop("refused", None)
    given = {"preview": None, "errors": [], "source": ""} | more
    return render_template(
        f"admin/import_{what}.html",
        file=request.args.get("file", ""),
        name=_name(request.args.get("name", "")),
        headings=HEADINGS[what],
        refused=speak(refused.sentence) if refused else "",
        problems=[_line(problem) for problem in refused.problems] if refused else [],
        **given,
    )


def _line(problem: Problem) -> tuple[str, str]:
    """The place as it is read in a table: the line alone, or the file when the whole of it is meant."""
    place, mark, line = problem.where.rpartition(":")
    return (line if mark and line.isdigit() else place or problem.where), speak(problem.sentence)


def areas_confirm() -> Any:
    token, name = request.form.get("file", ""), _name(request.form.get("name", ""))
    with _waiting(token) as stream, unit_of_work():
        done = import_areas(read_table(stream, name), actor=current_actor(), now=page_now())
    forget_table(_folder(), token, owner=current_actor().person_id)
    flash(
        _("Imported: %(added)s areas added, %(changed)s changed, %(units)s units added.",
          added=done.added, changed=done.changed, units=done.units),
        "success",
    )  # fmt: skip
    return redirect(url_for("admin.areas"), 303)


def people_confirm() -> Any:
    token, name = request.form.get("file", ""), _name(request.form.get("name", ""))
    now = page_now()
    with _waiting(token) as stream, unit_of_work():
        table = read_table(stream, name)
        done = import_people(table, actor=current_actor(), now=now, today=local_today(now))
    forget_table(_folder(), token, owner=current_actor().person_id)
    told = _(
        "Imported: %(added)s people added, %(changed)s changed; %(posts)s posts added, %(ended)s last days changed.",
        added=done.added, changed=done.changed, posts=done.posts, ended=done.ended,
    )  # fmt: skip
    if not done.passwords:
        flash(told, "success")
        return redirect(url_for("admin.people"), 303)
    # The passwords are in this answer and nowhere else, so there is no page to redirect to.
    listed = [[first.login, first.name, first.unit, first.password] for first in done.passwords]
    return render_template(
        "admin/passwords.html",
        told=told,
        passwords=done.passwords,
        listed=json.dumps(listed, ensure_ascii=False),
        heading=ngettext("%(num)s first password", "%(num)s first passwords", len(listed)),
    )


def passwords() -> Any:
    """The list of first passwords as a file, made of what the page itself sends back: the server keeps none."""
    try:
        listed = json.loads(request.form.get("list", ""))
        json.dumps(listed, ensure_ascii=False).encode()  # half a sign, which no file can hold, is a ValueError too
        rows = [FirstPassword(*map(str, row)) for row in listed]
    except (TypeError, ValueError):
        raise Invalid(say("The form is damaged. Please open the page again.")) from None
    columns = [Column(_("Login name"), 20, Show.TEXT), Column(_("Name"), 16), Column(_("Unit"), 28),
               Column(_("First password"), 26, Show.TEXT)]  # fmt: skip
    cells = ((row.login, row.name, row.unit, row.password) for row in rows)
    return table_answer("xlsx", f"first-passwords-{page_now():%Y%m%d}", _("First passwords"), columns, cells)


def sample(what: str) -> Any:
    """A small table with the headings and a few rows to write over; every cell is text, so that codes stay whole."""
    headings, rows = SAMPLES[what]
    return table_answer("xlsx", f"sample-{what}", what, [Column(name, 18, Show.TEXT) for name in headings], rows)
