"""Random re-checks in the browser: draw with a preview, look at what was drawn, report, draw again and compare."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, RadioField, SelectChoice, TextAreaField

from ..db import unit_of_work
from ..errors import Invalid, Refused, say
from ..models.drawing import draw
from ..operations import rechecks as checking
from ..queries import rechecks as reading
from ..queries.submission import dossier
from ..rules.organisation import Level, Role
from ..rules.rechecks import RecheckResult
from .access import current_actor, page_now, require_role
from .language import speak

bp = Blueprint("rechecks", __name__)
DRAWERS = (Role.DISPATCHER, Role.SUPERVISOR)
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


@bp.get("/rechecks")
def index() -> Any:
    actor, done = current_actor(), request.args.get("done") == "1"
    found = reading.to_check(actor, done=done, after=_after())
    return render_template(
        "review/rechecks.html", items=found[: reading.PAGE], more=len(found) > reading.PAGE, done=done,
        samples=reading.samples(actor), may_draw=actor.has_role(*DRAWERS), later=bool(_after()),
    )  # fmt: skip


def _after() -> int:
    text = request.args.get("after", "")
    return int(text) if text.isdecimal() and len(text) < 19 else 0


@bp.get("/rechecks/new")
@require_role(*DRAWERS)
def new() -> Any:
    """The wishes, and the list that they give: nothing is kept yet."""
    return _drawing({}, request.args)


def _drawing(wrong: dict[str, str], typed: Any, status: int = 200) -> Any:
    actor, now = current_actor(), page_now()
    tasks = reading.tasks_to_draw(actor)
    task_id = _number(typed.get("task"))
    level, share = _number(typed.get("level")) or int(Level.TOWNSHIP), _number(typed.get("share")) or 5
    seed = str(typed.get("seed") or uuid4().hex[:12]).strip()[: checking.LONGEST_SEED]
    found = names = None
    if task_id in {task[0] for task in tasks} and level in LEVELS and 1 <= share <= 100 and typed.get("seed"):
        found = draw(int(task_id or 0), Level(level), share, seed, at=now)
        names = reading.names_of(found)
    return render_template(
        "review/recheck_new.html", tasks=tasks, task_id=task_id, level=level, share=share, seed=seed,
        levels=[(int(each), each) for each in LEVELS], found=found, names=names, shown=SHOWN, wrong=wrong,
        reason=typed.get("reason", ""), as_of=now.isoformat(), action_id=str(uuid4()),
    ), status  # fmt: skip


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
    rows = reading.items(id, actor, after=_after())
    again = reading.redrawn(found[0]) if request.args.get("again") == "1" else None
    return render_template(
        "review/recheck.html", sample=found[0], items=rows[: reading.PAGE], more=len(rows) > reading.PAGE, again=again,
        later=bool(_after()),
    )  # fmt: skip


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
