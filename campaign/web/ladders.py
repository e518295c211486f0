"""Ladders in the browser: the list, one version as a time line in words, and the form for the next version."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import FieldList, Form, FormField, HiddenField, SelectMultipleField, StringField

from ..clock import local_today
from ..db import unit_of_work
from ..documents.sheets import Column, Show
from ..errors import Invalid, Problem, Stale, say
from ..models.ladders import DEFAULT_KEY
from ..operations.ladders import WRITERS, LadderPlan, add_version, create_ladder, writer_post, wrong_with
from ..queries.ladders import Version, usable, version_of, versions_of
from ..rules.ladder import Anchor, Counts, Criterion, How, Rung, Teller
from ..rules.ladder_checks import MOST_DAYS
from ..rules.organisation import Level
from .access import current_actor, page_now, require_role
from .downloads import table_answer
from .ladder_words import (
    ANCHORS,
    COUNTS,
    CRITERIA,
    FILTERS,
    HOWS,
    TELLERS,
    choices,
    clock_words,
    ladder_name,
    rung_words,
)
from .language import speak
from .navigation import DESK_ROLES
from .words import word

bp = Blueprint("ladders", __name__)
for _name, _filter in FILTERS.items():
    bp.add_app_template_filter(_filter, _name)

BEFORE, AFTER = "before", "after"
MOST_ROWS = 30  # rows of the form; a ladder has fewer, and says so
OUT_OF_RANGE = 10**6
EVERYBODYS = 0  # stands for no unit where the address names the owner
LONGEST_SEARCH = 60


class Sort(Enum):
    """The orders of the list."""

    NAME = "name"
    USED = "used"
    NEWEST = "newest"


@dataclass(frozen=True)
class Asked:
    """What of the list is wanted: words in the name or short name, the owner (0: that of everybody), the order."""

    text: str
    unit_id: int | None
    sort: Sort

    @property
    def narrows(self) -> bool:
        """Whether anything may be left out."""
        return bool(self.text) or self.unit_id is not None

    @property
    def query(self) -> dict[str, Any]:
        """The same for an address."""
        sort = None if self.sort is Sort.NAME else self.sort.value
        given = {"text": self.text or None, "unit": self.unit_id, "sort": sort}
        return {name: value for name, value in given.items() if value is not None}


class RungForm(Form):
    anchor = StringField(default=str(int(Anchor.DUE)))
    offset = StringField(default="1")
    side = StringField(default=BEFORE)
    counts = StringField(default=str(int(Counts.WORKING_DAYS)))
    at = StringField(default="09:00")
    tells = SelectMultipleField(choices=[], validate_choice=False)
    how = StringField(default=str(int(How.DIGEST)))
    when = StringField(default=str(int(Criterion.ALWAYS)))


class LadderForm(FlaskForm):
    """The fields of a version; rows come and go by buttons of the form, so that it works without a script."""

    seen = HiddenField()
    client_action_id = HiddenField()
    name = StringField()
    key = StringField()
    unit = StringField()
    stop_level = StringField()
    reason = StringField()
    rungs = FieldList(FormField(RungForm))

    def fill(self, version: Version) -> None:
        """Puts a version into the fields."""
        self.name.data, self.seen.data = ladder_name(version.name), str(version.version)
        self.stop_level.data = "" if version.stop_level is None else str(int(version.stop_level))
        for rung in version.rungs:
            self.rungs.append_entry({
                "anchor": str(int(rung.anchor)), "offset": str(abs(rung.offset)),
                "side": BEFORE if rung.offset < 0 else AFTER, "counts": str(int(rung.counts)),
                "at": clock_words(rung.at), "tells": [str(int(teller)) for teller in rung.tells],
                "how": str(int(rung.how)), "when": str(int(rung.when)),
            })  # fmt: skip

    def redraws(self) -> bool:
        """Whether a button asked only for a row more or less; the rows are changed accordingly."""
        added, removed = request.form.get("add", ""), request.form.get("remove", "")
        if added == "rungs" and len(self.rungs.entries) < MOST_ROWS:
            self.rungs.append_entry()
        self.rungs.entries = [entry for entry in self.rungs.entries if entry.name != removed]
        return bool(added or removed)

    def plan(self) -> tuple[LadderPlan, list[Problem]]:
        """The version as it was typed, and what of it cannot be read."""
        problems: list[Problem] = []
        rungs = [_rung(entry.form, f"rungs.{at}", problems) for at, entry in enumerate(self.rungs.entries[:MOST_ROWS])]
        stop = _member(Level, self.stop_level.data)
        return LadderPlan((self.name.data or "").strip(), rungs, stop, (self.reason.data or "").strip()), problems

    def errors_of(self, problems: list[Problem]) -> dict[str, list[str]]:
        """For each field by its id: the sentences, in the reader's language."""
        found: dict[str, list[str]] = {}
        for problem in problems:
            parts = problem.where.split(".")
            if parts[0] == "rungs" and len(parts) > 1:
                parts = [self.rungs.entries[int(parts[1])].name, *parts[2:]]
            said = found.setdefault("-".join(parts), [])
            if (sentence := speak(problem.sentence)) not in said:
                said.append(sentence)
        return found


def _rung(row: Any, where: str, problems: list[Problem]) -> Rung:
    text, time = (row.offset.data or "").strip(), (row.at.data or "").strip()
    if not (text.isdecimal() and len(text) < 6):
        problems.append(Problem(f"{where}.offset", say("Please enter a whole number.")))
        text = ""
    offset = int(text or -OUT_OF_RANGE)  # what cannot be read stands before everything, and takes no other rung's place
    offset = -offset if text and row.side.data == BEFORE else offset
    hour, _colon, minute = time.partition(":")
    at = int(hour) * 60 + int(minute) if hour.isdecimal() and minute.isdecimal() and len(time) < 6 else OUT_OF_RANGE
    if int(minute) > 59 if minute.isdecimal() else False:
        at = OUT_OF_RANGE
    chosen = set(row.tells.data or ())
    return Rung(
        0,
        _member(Anchor, row.anchor.data) or Anchor.DUE,
        offset,
        tuple(teller for teller in Teller if str(int(teller)) in chosen),
        _member(Counts, row.counts.data) or Counts.WORKING_DAYS,
        _member(How, row.how.data) or How.DIGEST,
        _member(Criterion, row.when.data) or Criterion.ALWAYS,
        at,
    )


def _member(kind: Any, text: str | None) -> Any:
    return next((member for member in kind if str(int(member)) == text), None)


@bp.get("/ladders")
@require_role(*DESK_ROLES)
def index() -> Any:
    actor, asked = current_actor(), _asked()
    every = usable(actor)
    return render_template(
        "ladders/index.html", found=_listed(every, asked), total=len(every), asked=asked, filtered=asked.narrows,
        owners=sorted({(each.unit_id or EVERYBODYS, each.unit_name or "") for each in every}),
        may_write=actor.has_role(*WRITERS),
        exports={kind: url_for(".export", kind=kind, **asked.query) for kind in ("xlsx", "csv")},
    )  # fmt: skip


@bp.get("/ladders.<any(xlsx, csv):kind>")
@require_role(*DESK_ROLES)
def export(kind: str) -> Any:
    """The list as it is filtered and ordered."""
    columns = [
        Column(_("Ladder"), 28), Column(_("Short name"), 16), Column(_("Belongs to"), 28),
        Column(_("Version"), 8, Show.WHOLE), Column(_("Rungs"), 8, Show.WHOLE), Column(_("Highest level told"), 16),
        Column(_("Dispatches"), 10, Show.WHOLE), Column(_("Written by"), 14), Column(_("Written at"), 18, Show.MOMENT),
        Column(_("Reason"), 40),
    ]  # fmt: skip
    rows = (
        (
            ladder_name(each.name), each.key, each.unit_name or _("everybody"), each.version, len(each.rungs),
            _("as high as the tree") if each.stop_level is None else word(each.stop_level), each.batches,
            each.author or _("comes with the product"), each.at if each.author else None, each.reason,
        )
        for each in _listed(usable(current_actor()), _asked())
    )  # fmt: skip
    return table_answer(kind, f"ladders-{local_today(page_now()):%Y%m%d}", _("Ladders"), columns, rows)


def _asked() -> Asked:
    """What the address asks for; what it does not know is left out."""
    args = request.args
    sort = next((each for each in Sort if each.value == args.get("sort")), Sort.NAME)
    return Asked(args.get("text", "").strip()[:LONGEST_SEARCH], args.get("unit", type=int), sort)


def _listed(every: Sequence[Version], asked: Asked) -> list[Version]:
    """Those asked for. They are few: the default, the units' own and those of the units above; so they are narrowed
    here, by the names that the reader sees."""
    text = asked.text.casefold()
    found = [
        each
        for each in every
        if text in f"{ladder_name(each.name)} {each.key}".casefold()
        and asked.unit_id in (None, each.unit_id or EVERYBODYS)
    ]
    if asked.sort is Sort.USED:
        return sorted(found, key=lambda each: -each.batches)
    return sorted(found, key=lambda each: each.at, reverse=True) if asked.sort is Sort.NEWEST else found


@bp.get("/ladders/<int:id>")
@require_role(*DESK_ROLES)
def show(id: int) -> Any:
    found = _found(id)
    every = versions_of(found.key)
    may = found.id == every[0].id and writer_post(found.unit_id, actor=current_actor()) is not None
    return render_template(
        "ladders/show.html", found=found, every=every, may_edit=may, may_copy=current_actor().has_role(*WRITERS),
        dates=[(anchor, _ordered(found, anchor)) for anchor in Anchor if _ordered(found, anchor)],
        words=ANCHORS, is_default=found.key == DEFAULT_KEY,
    )  # fmt: skip


@bp.route("/ladders/<int:id>/next", methods=["GET", "POST"])
@require_role(*WRITERS)
def edit(id: int) -> Any:
    former, form = _found(id), LadderForm()
    if writer_post(former.unit_id, actor=current_actor()) is None:
        abort(404)
    if request.method == "GET":
        form.fill(former)
        form.client_action_id.data = str(uuid4())
        return _draw(form, former, {})
    if form.redraws():
        return _draw(form, former, {})

    def save(plan: LadderPlan) -> int:
        seen = form.seen.data or ""
        return add_version(
            former.key, plan, actor=current_actor(), now=page_now(), seen=int(seen) if seen.isdecimal() else 0,
            client_action_id=form.client_action_id.data or None,
        )  # fmt: skip

    return _saved(form, former, save)


@bp.route("/ladders/new", methods=["GET", "POST"])
@require_role(*WRITERS)
def new() -> Any:
    form = LadderForm()
    if request.method == "GET":
        copied = version_of(request.args.get("from", type=int) or 1, current_actor())
        if copied is not None:
            form.fill(copied)
            form.name.data = ""
        form.client_action_id.data = str(uuid4())
        return _draw(form, None, {})
    if form.redraws():
        return _draw(form, None, {})

    def save(plan: LadderPlan) -> int:
        unit = form.unit.data or ""
        return create_ladder(
            plan, key=(form.key.data or "").strip(), unit_id=int(unit) if unit.isdecimal() and len(unit) < 19 else 0,
            actor=current_actor(), now=page_now(), client_action_id=form.client_action_id.data or None,
        )  # fmt: skip

    return _saved(form, None, save)


def _saved(form: LadderForm, former: Version | None, save: Any) -> Any:
    """Keeps the version, or draws the form again with everything in it and a sentence at each field."""
    plan, problems = form.plan()
    try:
        if problems:
            key = None if former else (form.key.data or "").strip()
            raise Invalid(
                say("Something needs your attention."), [*problems, *_others(problems, wrong_with(plan, key))]
            )
        with unit_of_work():
            id = save(plan)
    except Invalid as refused:
        return _draw(form, former, form.errors_of(list(refused.problems))), 422
    except Stale as stale:
        return _draw(form, former, {}, speak(stale.sentence)), 409
    flash(_("The version is kept. What is dispatched from now on goes by it; what was dispatched before does not."),
          "success")  # fmt: skip
    return redirect(url_for("ladders.show", id=id), 303)


def _others(unread: list[Problem], found: list[Problem]) -> list[Problem]:
    """What is wrong beside the rungs that could not be read: nothing is known of these yet."""
    rows = tuple(problem.where.removesuffix("offset") for problem in unread)
    return [problem for problem in found if not f"{problem.where}.".startswith(rows)]


def _draw(form: LadderForm, former: Version | None, errors: dict[str, list[str]], told: str = "") -> Any:
    actor = current_actor()
    units = {post.unit_id: post.unit_name for post in actor.posts if post.role in WRITERS}
    worded = [_row_words(entry.form) for entry in form.rungs]
    return render_template(
        "ladders/form.html", form=form, former=former, errors=errors, told=told, units=sorted(units.items()),
        anchors=choices(ANCHORS), tellers=choices(TELLERS), hows=choices(HOWS), counts=choices(COUNTS),
        criteria=choices(CRITERIA), levels=[level for level in Level if level < Level.VILLAGE], most=MOST_DAYS,
        form_page=True, worded=worded, opened=_opened(form, worded, errors),
    )  # fmt: skip


def _row_words(row: Any) -> str:
    """The row as the sentence that it makes; "" while it makes none."""
    problems: list[Problem] = []
    rung = _rung(row, "", problems)
    return rung_words(rung) if rung.tells and rung.at != OUT_OF_RANGE and not problems else ""


def _opened(form: LadderForm, worded: list[str], errors: dict[str, list[str]]) -> set[int]:
    """The rows that stand unfolded: the ones with something to correct or to fill in."""
    wrong = {at for at, entry in enumerate(form.rungs) for key in errors if f"{key}-".startswith(f"{entry.name}-")}
    return wrong | {at for at, words in enumerate(worded) if not words}


def _found(id: int) -> Version:
    found = version_of(id, current_actor())
    return found if found is not None else abort(404)


def _ordered(found: Version, anchor: Anchor) -> list[Rung]:
    """The rungs of one date, by their nominal time."""
    hours = {Counts.HOURS: 1, Counts.DAYS: 24, Counts.WORKING_DAYS: 24}
    mine = [rung for rung in found.rungs if rung.anchor is anchor]
    return sorted(mine, key=lambda rung: (rung.offset * hours[rung.counts], rung.at, rung.number))
