"""Random re-checks in the browser: draw with a preview, look at what was drawn, report, draw again and compare."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, RadioField, SelectChoice, TextAreaField

from ..db import unit_of_work
from ..documents.sheets import Cell, Column
from ..documents.sheets import Show as Sort
from ..errors import Invalid, Refused, say
from ..models.drawing import draw
from ..operations import rechecks as checking
from ..queries import rechecks as reading
from ..queries.submission import dossier
from ..rules.organisation import Actor, Level, Role
from ..rules.rechecks import RecheckResult
from .access import current_actor, page_now, require_role
from .downloads import TYPES, table_answer
from .language import speak
from .words import word

bp = Blueprint("rechecks", __name__)
DRAWERS = (Role.DISPATCHER, Role.SUPERVISOR)
OVERSEERS = (Role.AUDITOR, Role.ADMINISTRATOR)
LEVELS = (Level.PROVINCE, Level.CITY, Level.COUNTY, Level.TOWNSHIP)
SHOWN = 100


class ResultForm(FlaskForm):
    """What was found on the spot."""

    client_action_id = HiddenField()
    result = RadioField(choices=[SelectChoice(int(each), each.name) for each in RecheckResult if each], coerce=int)
    words = TextAreaField()


class DrawForm(FlaskForm):
    """The draw that was previewed."""

    client_action_id = HiddenField()
    previewed = HiddenField()
    as_of = HiddenField()
    task = IntegerField()
    level = IntegerField()
    share = IntegerField()
    seed = HiddenField()
    reason = TextAreaField()


class Show(StrEnum):
    """The three lists: given to the reader's units to look at, looked at, and the draws."""

    TO_CHECK = "to-check"
    CHECKED = "checked"
    DRAWS = "draws"


@bp.get("/rechecks")
def index() -> Any:
    actor, text = current_actor(), _text()
    waiting = reading.count_to_check(actor)
    show, after = _shown(actor, waiting), _after()
    shown: dict[str, Any] = {"found": None, "samples": (), "next": None}
    if show is Show.DRAWS:
        rows = reading.samples(actor, text=text, before=after[0])
        shown |= {"samples": rows[: reading.PAGE], "total": reading.count_samples(actor, text)}
        shown["next"] = _key(rows[reading.PAGE - 1].id) if len(rows) > reading.PAGE else None
    else:
        found = reading.page(_given(show, text), actor, after=after)
        shown |= {"found": found, "total": found.total, "next": found.next and _key(*found.next)}
    return render_template(
        "review/rechecks.html", **shown, show=show, lists=list(Show), text=text, waiting=waiting,
        may_draw=actor.has_role(*DRAWERS), later=after != (0, 0),
        exports={kind: url_for("rechecks.export", kind=kind, show=show.value, text=text or None) for kind in TYPES},
    )  # fmt: skip


@bp.get("/rechecks/export.<any(xlsx, csv):kind>")
def export(kind: str) -> Response:
    """The list as it is filtered, as a table to keep."""
    actor, show, text = current_actor(), _shown(current_actor(), 1), _text()
    if show is not Show.DRAWS:
        rows = map(_cells, reading.everything(_given(show, text), actor))
        return table_answer(kind, f"rechecks-{page_now():%Y%m%d}", _("Random re-checks"), _columns(), rows)
    columns = [
        Column(_("Draw"), 8, Sort.WHOLE), Column(_("Drawn"), 18), Column(_("By"), 14), Column(_("Task"), 40),
        Column(_("Why it is checked"), 40), Column(_("Seed"), 16), Column(_("Share"), 8, Sort.WHOLE),
        Column(_("From each"), 12), Column(_("Approved then"), 12, Sort.WHOLE),
        Column(_("Drawn items"), 10, Sort.WHOLE),
        *(Column(word(result), 10, Sort.WHOLE) for result in reading.FOUND), Column(_("Fingerprint of these"), 64),
    ]  # fmt: skip
    draws = (
        (
            each.id, each.at, each.by, each.task_title, each.reason, each.seed, each.share, word(each.level),
            each.population, each.confidence.drawn, each.confidence.confirmed, each.confidence.differs,
            each.confidence.not_found, each.drawn_from,
        )
        for each in reading.samples(actor, text=text, most=None)
    )  # fmt: skip
    return table_answer(kind, f"draws-{page_now():%Y%m%d}", _("Draws"), columns, draws)


def _columns() -> list[Column]:
    return [
        Column(_("Draw"), 8, Sort.WHOLE), Column(_("Drawn"), 18), Column(_("Unit"), 28), Column(_("Task"), 40),
        Column(_("Version"), 10, Sort.WHOLE), Column(_("Area"), 20), Column(_("Checked by"), 28),
        Column(_("Result"), 14), Column(_("What you saw"), 50), Column(_("By"), 14), Column(_("Time"), 18),
    ]  # fmt: skip


def _cells(each: reading.Item) -> tuple[Cell, ...]:
    return (
        each.sample_id, each.drawn_at, each.unit_name, each.task_title, each.number, each.stratum_name,
        each.checker_name, word(each.result), each.words, each.by, each.at,
    )  # fmt: skip


def _shown(actor: Actor, waiting: int) -> Show:
    """The list that is asked for; else what waits, and where nothing does the draws of who may make or oversee them."""
    asked = request.args.get("show", "")
    first = Show.TO_CHECK if waiting or not actor.has_role(*DRAWERS, *OVERSEERS) else Show.DRAWS
    return next((each for each in Show if each.value == asked), first)


def _given(show: Show, text: str) -> reading.Wanted:
    return reading.Wanted(results=reading.FOUND if show is Show.CHECKED else (RecheckResult.OPEN,), text=text)


def _text() -> str:
    return request.args.get("text", "").strip()[:100]


def _after() -> reading.Key:
    """Where a list goes on, as `_key` wrote it."""
    numbers = [int(text) for text in request.args.get("after", "").split("-") if text.isdecimal() and len(text) < 19]
    return (numbers[0], numbers[1]) if len(numbers) == len(("draw", "item")) else (0, 0)


def _key(sample_id: int, assignment_id: int = 0) -> str:
    return f"{sample_id}-{assignment_id}"


@bp.get("/rechecks/new")
@require_role(*DRAWERS)
def new() -> Any:
    """The wishes, and the list that they give: nothing is kept yet."""
    return _drawing({}, request.args)


def _drawing(wrong: dict[str, str], typed: Any, status: int = 200) -> Any:
    actor, now = current_actor(), page_now()
    tasks = reading.tasks_to_draw(actor)
    asked = "seed" in typed or "task" in typed  # else the page was only opened
    task_id, level = _number(typed.get("task")), _number(typed.get("level")) or int(Level.TOWNSHIP)
    share = str(typed.get("share", "")).strip() if asked else "5"
    seed = str(typed.get("seed", "")).strip() if asked else uuid4().hex[:12]
    if asked:
        wrong = _wrong_wishes(task_id in {task[0] for task in tasks}, level, share, seed) | wrong
        status = 422 if wrong else status
    found = names = None
    if asked and not wrong.keys() & {"task", "level", "share", "seed"}:
        found = draw(int(task_id or 0), Level(level), int(share), seed, at=now)
        names = reading.names_of(found)
    return render_template(
        "review/recheck_new.html", tasks=tasks, task_id=task_id, level=level, share=share, seed=seed,
        levels=[(int(each), each) for each in LEVELS], found=found, names=names, shown=SHOWN, wrong=wrong,
        reason=typed.get("reason", ""), as_of=now.isoformat(), action_id=str(uuid4()),
    ), status  # fmt: skip


def _wrong_wishes(known: bool, level: int, share: str, seed: str) -> dict[str, str]:
    """What is wrong with the wishes, in the order of the fields."""
    wrong = {} if known else {"task": _("Please choose a task.")}
    wrong |= {} if level in LEVELS else {"level": _("Please choose a level.")}
    problems = checking.wrong_with(_number(share) or 0, seed, reason="-")
    return wrong | {each.where: speak(each.sentence) for each in problems}


def _number(text: Any) -> int | None:
    words = str(text or "")
    return int(words) if words.isdecimal() and len(words) < 19 else None


@bp.post("/rechecks/new")
@require_role(*DRAWERS)
def keep() -> Any:
    form = DrawForm()
    try:
        as_of, level = datetime.fromisoformat(form.as_of.data or ""), Level(form.level.data or 0)
    except ValueError:
        raise Refused(say("The form is damaged. Please open the page again.")) from None
    if as_of.tzinfo is None:
        raise Refused(say("The form is damaged. Please open the page again."))
    try:
        with unit_of_work():
            sample_id = checking.draw_sample(
                form.task.data or 0, actor=current_actor(), now=page_now(), level=level, share=form.share.data or 0,
                seed=form.seed.data or "", reason=form.reason.data or "", previewed=form.previewed.data or "",
                drawn_at=as_of, client_action_id=form.client_action_id.data or None,
            )  # fmt: skip
    except Invalid as error:
        return _drawing({each.where: speak(each.sentence) for each in error.problems}, request.form, 422)
    flash(_("The draw is kept, and the units that check have been told."), "success")
    return redirect(url_for("rechecks.show", id=sample_id), 303)


@bp.get("/rechecks/<int:id>")
def show(id: int) -> Any:
    actor = current_actor()
    found = reading.samples(actor, sample_id=id)
    if not found:
        abort(404)
    wanted, after = _of_draw(id), _after()
    page = reading.page(wanted, actor, after=after)
    narrowed: dict[str, Any] = {name: text for name in ("text", "result") if (text := request.args.get(name))}
    again = reading.redrawn(found[0]) if request.args.get("again") == "1" else None
    return render_template(
        "review/recheck.html", sample=found[0], page=page, next=page.next and _key(*page.next), again=again,
        wanted=wanted, results=list(RecheckResult), later=after != (0, 0),
        exports={kind: url_for("rechecks.export_draw", id=id, kind=kind, **narrowed) for kind in TYPES},
        narrowed=narrowed,
    )  # fmt: skip


@bp.get("/rechecks/<int:id>/export.<any(xlsx, csv):kind>")
def export_draw(id: int, kind: str) -> Response:
    """What was drawn, as it is filtered, as a table to keep."""
    actor = current_actor()
    if not reading.samples(actor, sample_id=id):
        abort(404)
    rows = map(_cells, reading.everything(_of_draw(id), actor))
    return table_answer(kind, f"recheck-{id}", _("What was drawn"), _columns(), rows)


def _of_draw(sample_id: int) -> reading.Wanted:
    chosen = next((each for each in RecheckResult if each.name.lower() == request.args.get("result")), None)
    return reading.Wanted(sample_id, () if chosen is None else (chosen,), _text())


@bp.get("/rechecks/<int:id>/<int:assignment_id>")
def item(id: int, assignment_id: int) -> Any:
    return _item(id, assignment_id, {})


def _item(id: int, assignment_id: int, wrong: dict[str, str]) -> Any:
    actor = current_actor()
    found = reading.item(id, assignment_id, actor)
    report = dossier(assignment_id, actor, checking=True)
    if found is None or report is None:
        abort(404)
    checks = found.result is RecheckResult.OPEN and actor.post_in(found.checker_id, *checking.CHECKERS) is not None
    return render_template(
        "review/recheck_item.html", item=found, header=report.header, figures=report.figures,
        version=report.version(found.number), checks=checks, results=[each for each in RecheckResult if each],
        wrong=wrong, typed=request.form if wrong else {}, action_id=str(uuid4()),
    ), (422 if wrong else 200)  # fmt: skip


@bp.post("/rechecks/<int:id>/<int:assignment_id>")
def report(id: int, assignment_id: int) -> Any:
    form = ResultForm()
    chosen = form.result.data if form.result.data in list(RecheckResult) else 0
    try:
        with unit_of_work():
            checking.report_result(
                id, assignment_id, actor=current_actor(), now=page_now(), result=RecheckResult(chosen or 0),
                words=form.words.data or "", client_action_id=form.client_action_id.data or None,
            )  # fmt: skip
    except Invalid as error:
        return _item(id, assignment_id, {each.where: speak(each.sentence) for each in error.problems})
    flash(_("Thank you. What you found is kept with the figures."), "success")
    return redirect(url_for("rechecks.index"), 303)
