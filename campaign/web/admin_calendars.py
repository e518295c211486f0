"""Calendars for administrators: the year at a glance, corrections of a day or from a table, one's own, the export.

Every correction is shown first, with what it would move, and made with a reason.
"""

from calendar import Calendar as Months
from calendar import month_name
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path, PurePath
from typing import Any
from uuid import uuid4

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import Form, SelectField, StringField
from wtforms.validators import Optional

from ..clock import local_today
from ..db import unit_of_work
from ..documents.calendars import COLUMNS, KINDS
from ..documents.sheets import Column, Show
from ..documents.tables import read_table
from ..documents.waiting import forget_table, keep_table, open_table
from ..errors import Forbidden, Invalid, Problem, say
from ..operations.calendar_rows import FIRST_YEAR, LAST_YEAR, WantedDay
from ..operations.calendars import (
    Correction,
    Wish,
    correct,
    create_own,
    preview_correction,
    wish_of_table,
    wish_of_the_project,
)
from ..queries import calendars
from ..queries.calendars import Sort
from ..rules.calendars import Mark, festival
from .access import current_actor, page_now
from .assignments import action_id, seen
from .downloads import table_answer
from .filters import WEEKDAYS, WEEKDAYS_ZH, chinese
from .form_reading import DayField, at_most
from .language import speak

NAMES: dict[str, Any] = {
    "New Year's Day": _l("New Year's Day"),
    "Spring Festival": _l("Spring Festival"),
    "Tomb-Sweeping Day": _l("Tomb-Sweeping Day"),
    "Labour Day": _l("Labour Day"),
    "Dragon Boat Festival": _l("Dragon Boat Festival"),
    "Mid-Autumn Festival": _l("Mid-Autumn Festival"),
    "National Day": _l("National Day"),
}
LONGEST_NAME = 80
OURS = "statutory"  # stands for the project's own table where a file is asked for


@dataclass(frozen=True)
class Cell:
    """A day in a month's table; `rests`: nobody works, whether for the weekend or a holiday."""

    day: date
    mark: Mark
    rests: bool
    name: str
    is_today: bool


@dataclass(frozen=True)
class Month:
    """A month: weeks of seven cells, None outside the month; how many of its days are worked."""

    title: str
    weeks: tuple[tuple[Cell | None, ...], ...]
    worked: int


def name_of(name: str) -> str:
    """The name of a day in the reader's language; one that somebody gave stays as it is."""
    return str(NAMES.get(name, name))


class DayForm(Form):
    """A day as it should be, or how far the calendar is known. It only asks for a preview, so it needs no token."""

    day = DayField(_l("Day"), [Optional()])
    kind = SelectField(_l("It is"))
    name = StringField(_l("Name of the day"), [at_most(LONGEST_NAME)])
    known_until = DayField(_l("Known until"), [Optional()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [
            ("rest", _("a holiday, not worked")),
            ("work", _("a make-up day, worked")),
            ("plain", _("as its weekday says")),
        ]


def listing() -> Any:
    return _list()


def _list(area: str = "", errors: list[str] | None = None) -> str:
    """The list as the address asks for it, with the form for one of its own below."""
    (text, sort), after = _asked(), _after(request.args.get("after", ""))
    query: dict[str, Any] = {"text": text or None, "sort": None if sort is Sort.TREE else sort.value}
    found = calendars.page(current_actor(), text, sort, after=after)
    return render_template(
        "admin/calendars.html", found=found, text=text, sort=sort, area=area, errors=errors or [],
        first_page=url_for("admin.calendars", **query) if after else "",
        next_page=url_for("admin.calendars", after=f"{found.next[0]}.{found.next[1]}", **query) if found.next else "",
        exports={kind: url_for("admin.calendars_export", kind=kind, **query) for kind in ("xlsx", "csv")},
    )  # fmt: skip


def listing_export(kind: str) -> Any:
    """The list as it is filtered and ordered, all of it."""
    columns = [
        Column(_("Calendar"), 40), Column(_("Known until"), 14, Show.DAY), Column(_("Days listed"), 10, Show.WHOLE),
        Column(_("Version"), 8, Show.WHOLE), Column(_("You may correct it"), 12),
    ]  # fmt: skip
    rows = (
        (_title(row), row.known_until, row.days, row.version, _("yes") if row.may_correct else _("no"))
        for row in calendars.everything(current_actor(), *_asked())
    )
    return table_answer(kind, f"calendars-{local_today(page_now()):%Y%m%d}", _("Calendars"), columns, rows)


def _title(row: calendars.CalendarRow) -> str:
    return _("Calendar of %(area)s", area=row.area_name) if row.area_name else _("Everybody's calendar")


def _asked() -> tuple[str, Sort]:
    sort = next((each for each in Sort if each.value == request.args.get("sort")), Sort.TREE)
    return request.args.get("text", "").strip()[:LONGEST_NAME], sort


def _after(text: str) -> tuple[int, int] | None:
    """The place in the list after which the page begins."""
    key, _dot, id = text.partition(".")
    fits = all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (key, id))
    return (int(key), int(id)) if fits and 0 < int(key) <= date.max.toordinal() else None


def own() -> Any:
    """A calendar of its own for the area that was named."""
    actor, text = current_actor(), request.form.get("area", "").strip()[:120]
    found = calendars.areas_named(text, actor)
    if len(found) != 1:
        error = _("Several areas have this name; please give the code.") if found else _(
            "No area for which you may keep a calendar has this name or code."
        )  # fmt: skip
        return _list(text, [error]), 422
    with unit_of_work():
        made = create_own(found[0][0], actor=actor, now=page_now())
    flash(_("%(area)s has a calendar of its own now, as it stood here on this day.", area=found[0][1]), "success")
    return redirect(url_for("admin.calendar", id=made), 303)


def calendar(id: int) -> Any:
    today = local_today(page_now())
    year = request.args.get("year", today.year, type=int)
    year = min(max(year, FIRST_YEAR), LAST_YEAR)
    page = calendars.one(id, year, current_actor())
    newer = wish_of_the_project(id).known_until if page.row.may_correct else None
    return render_template(
        "admin/calendar.html",
        page=page,
        year=year,
        years=sorted({*page.years, today.year, today.year + 1, year}),
        months=list(_months(page, year, today)),
        weekdays=list(WEEKDAYS_ZH) if chinese() else WEEKDAYS,
        runs=[(name, list(days)) for name, days in groupby(page.days, key=lambda row: row.name)],
        name_of=name_of,
        form=DayForm(),
        ours=OURS,
        newer=newer,
        exports={kind: url_for("admin.calendar_export", id=id, kind=kind) for kind in ("xlsx", "csv")},
    )


def _months(page: calendars.CalendarPage, year: int, today: date) -> Iterator[Month]:
    names = {row.day: name_of(row.name) for row in page.days}
    for number in range(1, 13):
        weeks = tuple(
            tuple(
                Cell(day, page.calendar.mark(day), not page.calendar.works(day), names.get(day, ""), day == today)
                if day.month == number
                else None
                for day in week
            )
            for week in Months().monthdatescalendar(year, number)
        )
        title = f"{year}年{number}月" if chinese() else f"{month_name[number]} {year}"
        yield Month(title, weeks, sum(cell is not None and not cell.rests for week in weeks for cell in week))


def export(id: int, kind: str) -> Any:
    """Every day that the calendar holds, in the columns and words that an import takes."""
    page = calendars.one(id, FIRST_YEAR, current_actor())
    headings = [words[0] if chinese() else name for name, words in COLUMNS.items()]
    columns = [Column(headings[0], 12, Show.DAY), Column(headings[1], 10), Column(headings[2], 24)]
    rows = ((row.day, KINDS[row.mark][1 if chinese() else 0], name_of(row.name)) for row in calendars.all_days(id))
    return table_answer(kind, f"calendar-{page.row.id}-v{page.row.version}", _("Working days"), columns, rows)


# -- corrections -----------------------------------------------------------------------------------------------------


def change(id: int) -> Any:
    """What was asked for, and what it would change; confirmed with a reason it is done."""
    _kept(id)
    if request.method == "POST":
        return _confirm(id)
    try:
        wish = _wish(id, request.args)
        found = preview_correction(id, wish, actor=current_actor()) if wish else None
    except Invalid as refused:
        return _draw(id, refused=refused), refused.status
    return _draw(id, found=found)


def _confirm(id: int) -> Any:
    actor, now, token = current_actor(), page_now(), request.form.get("file", "")
    try:
        wish = _wish(id, request.form)
        if wish is None:
            raise Invalid(say("The form is damaged. Please open the page again."))
        with unit_of_work():
            done = correct(
                id, wish, actor=actor, now=now, seen=seen(), reason=request.form.get("reason", ""),
                client_action_id=action_id(),
            )  # fmt: skip
    except Invalid as refused:
        if any(problem.where != "reason" for problem in refused.problems):
            return _draw(id, refused=refused), refused.status
        found = preview_correction(id, wish, actor=actor) if wish else None
        return _draw(id, found=found, reason_error=speak(refused.sentence)), refused.status
    if token and token != OURS:
        forget_table(_folder(), token, owner=actor.person_id)
    flash(_told(done), "success")
    year = done.changes[0].day.year if done and done.changes else local_today(now).year
    return redirect(url_for("admin.calendar", id=id, year=year), 303)


def _told(done: Correction | None) -> str:
    if done is None:
        return _("This was done already.")
    days = ngettext("%(num)s day corrected", "%(num)s days corrected", len(done.changes))
    moved = ngettext("the dates of %(num)s assignment moved", "the dates of %(num)s assignments moved", done.moves)
    moved = moved if done.moves else _("no assignment has other dates")
    if not done.reviews:
        return _("%(days)s; %(moved)s.", days=days, moved=moved)
    reviews = ngettext("%(num)s review has another date", "%(num)s reviews have another date", done.reviews)
    return _("%(days)s; %(moved)s; %(reviews)s.", days=days, moved=moved, reviews=reviews)


def _wish(id: int, given: Any) -> Wish | None:
    """What was asked for: a day, how far it is known, a table that waits, or the project's own; None: nothing yet."""
    form = DayForm(given)
    if not _holds(form):
        problems = list(_unreadable(form))
        raise Invalid(problems[0].sentence, problems)
    if not (form.day.data or form.known_until.data or given.get("file")):
        if where := next((name for name in ("day", "known_until") if name in given), ""):
            sentence = say("Please give a day, or until when the days are known.")
            raise Invalid(sentence, [Problem(where, sentence)])
        return None
    if given.get("file") == OURS:
        return wish_of_the_project(id)
    if given.get("file"):
        with open_table(_folder(), given["file"], owner=current_actor().person_id) as stream:
            return wish_of_table(read_table(stream, _name(given.get("file_name", ""))), form.known_until.data)
    if form.day.data is None:
        return Wish({}, form.known_until.data)
    mark = Mark[(form.kind.data or "plain").upper()]
    name = "" if mark is Mark.PLAIN else festival((form.name.data or "").strip())
    return Wish({form.day.data: WantedDay(mark, name)}, form.known_until.data)


def _holds(form: DayForm) -> bool:
    if not form.kind.raw_data:
        form.kind.data = "plain"
    return form.validate()


def _unreadable(form: DayForm) -> Iterator[Problem]:
    """What was typed wrongly, each at its field."""
    no_day, have = say("Please write the day as 2026-11-20."), len(form.name.data or "")
    said = {
        "day": no_day,
        "kind": say("Please choose one of the list."),
        "name": say("At most %(most)s characters; these are %(have)s.", most=LONGEST_NAME, have=have),
        "known_until": no_day,
    }
    return (Problem(field.name, said[field.name]) for field in form if field.errors)


def _kept(id: int) -> calendars.CalendarPage:
    """The calendar, if this reader may correct it."""
    page = calendars.one(id, local_today(page_now()).year, current_actor())
    if not page.row.may_correct:
        raise Forbidden(say("You may read this calendar; it is corrected by those who keep it."))
    return page


def _draw(id: int, found: Correction | None = None, refused: Invalid | None = None, reason_error: str = "") -> Any:
    given, page = request.values, _kept(id)
    form, file = DayForm(given), given.get("file", "")
    for problem in refused.problems if refused and not file else ():
        field = form._fields.get(problem.where, form.day)
        field.errors = [*field.errors, speak(problem.sentence)]
    return render_template(
        "admin/calendar_change.html",
        page=page,
        found=found,
        form=form,
        of_known="known_until" in given and not given.get("day"),
        file=file,
        file_name=_name(given.get("file_name", "")),
        ours=OURS,
        name_of=name_of,
        reason=given.get("reason", ""),
        reason_error=reason_error,
        action_id=uuid4(),
        refused=speak(refused.sentence) if refused else "",
        problems=[_line(problem) for problem in refused.problems] if refused and file else [],
    )


def _line(problem: Problem) -> tuple[str, str]:
    place, mark, line = problem.where.rpartition(":")
    return (line if mark and line.isdigit() else place or problem.where), speak(problem.sentence)


def upload(id: int) -> Any:
    """Takes a table and goes on to its preview."""
    actor, page = current_actor(), _kept(id)
    form, errors = DayForm(request.form), []
    file = request.files.get("file")
    if request.method == "POST":
        holds = _holds(form)
        if file is None or not file.filename:
            errors = [_("Please choose a file.")]
        elif holds:
            token = keep_table(_folder(), file.stream, owner=actor.person_id, now=page_now())
            known = form.known_until.data.isoformat() if form.known_until.data else None
            name = _name(file.filename)
            preview = url_for("admin.calendar_change", id=id, file=token, file_name=name, known_until=known)
            return redirect(preview, 303)
    drawn = render_template("admin/calendar_import.html", page=page, form=form, errors=errors, columns=COLUMNS)
    return (drawn, 422) if request.method == "POST" else drawn


def _folder() -> Path:
    folder: Path = current_app.config["SETTINGS"].data_path / "imports"
    return folder


def _name(given: str) -> str:
    return PurePath(given.replace("\\", "/")).name[:120]
