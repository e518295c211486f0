"""Registers in the browser: made, filled in by hand, pasted or from a file; every change is a version."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import uuid4

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from ..db import unit_of_work
from ..documents.sheets import Cell, Column, Show
from ..documents.tables import Table, read_table
from ..errors import Forbidden, Invalid, NotFound, Refused, Stale, say
from ..operations.registers import MOST_UNITS, change_counts, create_register
from ..queries.registers import Head, counts, everything, history, register_of, registers, units_called
from ..rules.metrics import BadValue, read_number
from ..rules.organisation import Level, Role
from ..rules.pasting import SERIAL, Pasted, called_in, read_pasted
from .access import current_actor, page_now, require_role
from .downloads import table_answer
from .language import speak
from .navigation import DESK_ROLES

bp = Blueprint("registers", __name__)
HEADS = 10  # lines above and below a list: a title, headings, a total
FIELDS = ("name", "condition", "unit_of_measure")


@bp.get("/registers")
@require_role(*DESK_ROLES)
def index() -> Any:
    actor = current_actor()
    return render_template(
        "registers/index.html", found=registers(actor), may_create=actor.has_role(Role.DISPATCHER)
    )  # fmt: skip


@bp.get("/registers/new")
@require_role(Role.DISPATCHER)
def new() -> Any:
    return _new({}, {})


@bp.post("/registers/new")
@require_role(Role.DISPATCHER)
def create() -> Any:
    actor, form = current_actor(), request.form
    unit_id = form.get("unit", type=int) or 0
    try:
        with unit_of_work():
            made = create_register(
                unit_id, form.get("name", ""), condition=form.get("condition", ""),
                unit_of_measure=form.get("unit_of_measure", ""), actor=actor, now=page_now(),
                client_action_id=form.get("client_action_id") or None,
            )  # fmt: skip
    except Invalid as refused:
        return _new(dict(form), {each.where: [speak(each.sentence)] for each in refused.problems}), 422
    flash(_("The register is made. Now fill in its numbers."), "success")
    return redirect(url_for(".show", id=made), 303)


@bp.get("/registers/<int:id>")
def show(id: int) -> Any:
    return _page(_seen(id))


@bp.post("/registers/<int:id>")
def save(id: int) -> Any:
    """The numbers typed on one page of the list, or pasted, or those of a file."""
    head = _seen(id)
    if not head.kept_by(current_actor()):
        raise Forbidden(say("Registers are kept by the dispatchers of a unit."))
    seen = request.form.get("seen", type=int)
    if seen is None:
        raise Refused(say("The form is damaged. Please open the page again."))
    if request.form.get("op") == "paste":
        return _pasted(head, seen)
    typed = {name[2:]: text.strip() for name, text in request.form.items() if name.startswith("n-")}
    wanted, problems = dict[int, Decimal](), list[tuple[str, str]]()
    for unit, text in typed.items():
        if not (unit.isdecimal() and len(unit) < 19):
            raise Refused(say("The form is damaged. Please open the page again."))
        try:
            if text:
                wanted[int(unit)] = read_number(text)
        except BadValue as wrong:
            problems.append((f"n-{unit}", speak(wrong.sentence)))
    if problems:
        return _page(head, typed=typed, problems=problems), 422
    return _write(head, wanted, seen, typed=typed)


@bp.get("/registers/<int:id>.<any(xlsx, csv):kind>")
def export(id: int, kind: str) -> Any:
    head = _seen(id)
    columns = [
        Column(_("Unit"), 28), Column(_("Area"), 20), Column(_("Area code"), 16),
        Column(_("How many"), 12, Show.NUMBER), Column(_("Version"), 8, Show.WHOLE),
        Column(_("Counted at"), 18, Show.MOMENT),
    ]  # fmt: skip
    return table_answer(kind, f"register-{id}", head.name, columns, _rows(head))


def _rows(head: Head) -> Iterator[list[Cell]]:
    for row in everything(head):
        yield [row.name, row.place, row.code, row.n, row.version, row.at]


def _write(head: Head, wanted: dict[int, Decimal], seen: int, **shown: Any) -> Any:
    try:
        with unit_of_work():
            done = change_counts(
                head.id, wanted, actor=current_actor(), now=page_now(), seen=seen,
                client_action_id=request.form.get("client_action_id") or None,
            )  # fmt: skip
    except Stale:
        return _page(_seen(head.id), since=seen, **shown), 409
    except (Invalid, Refused) as refused:
        problems = [(each.where, speak(each.sentence)) for each in getattr(refused, "problems", [])]
        return _page(head, problems=problems or [("", speak(refused.sentence))], **shown), 422
    words = [ngettext("%(num)s unit has a new number.", "%(num)s units have new numbers.", done.units)]
    if done.targets:
        words.append(ngettext("%(num)s target follows.", "%(num)s targets follow.", done.targets))
    flash(" ".join(words), "success")
    level, asked, after = (request.values.get(name) or None for name in ("level", "q", "after"))
    return redirect(url_for(".show", id=head.id, level=level, q=asked, after=after), 303)


def _pasted(head: Head, seen: int) -> Any:
    """A whole list, all of it or nothing: with a line that cannot be used, every bad line is named."""
    text = request.form.get("pasted", "")
    given = request.files.get("file")
    if given is not None and given.filename:
        try:
            table = read_table(given.stream, given.filename)
            lines = _named(table)
        except Invalid as refused:
            return _page(head, problems=[("file", speak(refused.sentence))], text=text), 422
        text = "\n".join("\t".join(" ".join(cell.split()) for cell in line) for line in lines)
    if sum(1 for line in text.splitlines() if line.strip()) > MOST_UNITS + HEADS:
        return _page(head, problems=[("pasted", _("At most %(most)s lines at once.", most=MOST_UNITS))]), 422
    found = read_pasted(text, units_called(head, called_in(text)), [_whole], {})
    if found.bad or not found.figures:
        nothing = [("pasted", _("There is no line with a unit and a number."))]
        return _page(head, text=text, pasted=found, problems=[] if found.bad else nothing), 422
    empty = [unit_id for unit_id, (number,) in found.figures.items() if not number]
    wanted = {unit_id: _whole(number) for unit_id, (number,) in found.figures.items() if unit_id not in empty}
    return _write(head, wanted, seen, text=text)


def _named(table: Table) -> list[Sequence[str]]:
    """The lines of a file: of one that went out here the place above, the unit and its number, wherever these stand;
    of another the first two cells, and the number of the line before them."""
    lines: list[Sequence[str]] = [table.headings, *(row.cells for row in islice(table.rows, MOST_UNITS + HEADS + 1))]
    ours = [_("Area"), _("Unit"), _("How many")]
    if set(ours) <= set(table.headings):
        places = [table.headings.index(heading) for heading in ours]
        return [[line[at] if at < len(line) else "" for at in places] for line in lines[1:]]
    return [line[: 3 if len(line) > 2 and SERIAL.fullmatch(line[0].strip()) else 2] for line in lines]


def _whole(text: str) -> Decimal:
    return read_number(text)


def _seen(id: int) -> Head:
    head = register_of(id, current_actor())
    if head is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    return head


def _page(
    head: Head, *, typed: dict[str, str] | None = None, problems: list[tuple[str, str]] | None = None,
    pasted: Pasted | None = None, text: str = "", since: int | None = None,
) -> Any:  # fmt: skip
    """`since`: the version that was read when somebody else was faster. What was typed stays, but not over the numbers
    that are new since: these are shown, with what had been typed beside them."""
    level, after = request.values.get("level", type=int), request.values.get("after", "")
    asked = request.values.get("q", "").strip()[:60]
    found = counts(head, level=Level(level) if level in list(Level) else None, text=asked, after=after)
    typed = dict(typed or {})
    newer = [row for row in found.rows if since is not None and row.version and row.version > since]
    overtaken = [(row, old) for row in newer if (old := typed.pop(str(row.unit_id), None)) is not None]
    return render_template(
        "registers/show.html", since=since, overtaken=overtaken, head=head, found=found,
        history=history(head.id), asked=asked, after=after,
        may=head.kept_by(current_actor()), typed=typed, problems=problems or [], errors=dict(problems or []),
        pasted=pasted, text=text, action_id=str(uuid4()), most=MOST_UNITS,
        link=lambda **more: url_for(".show", id=head.id, **(
            {"level": int(found.level) if found.level is not None else None, "q": asked or None} | more
        )),
    )  # fmt: skip


def _new(values: dict[str, str], errors: dict[str, list[str]]) -> Any:
    actor = current_actor()
    units = [(post.unit_id, post.unit_name) for post in actor.posts if post.role is Role.DISPATCHER]
    return render_template(
        "registers/new.html", values={name: values.get(name, "") for name in FIELDS}, errors=errors, units=units,
        chosen=values.get("unit", ""), action_id=str(uuid4()),
        problems=[(where, text) for where, texts in errors.items() for text in texts],
    )  # fmt: skip
