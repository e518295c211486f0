"""The tasks of a draft: write, edit, remove. Units are sought on the server, rows are added by buttons of the form."""

from typing import Any
from uuid import uuid4

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ..db import unit_of_work
from ..errors import Invalid, Problem, Refused, Stale, say
from ..operations.planning import add_task, edit_task, remove_task
from ..queries.campaigns import Head
from ..queries.drafts import former_metrics, registers_for, task_plan_of, units_by_id, units_in_sight
from ..queries.ladders import usable_by
from ..queries.occasions import occasions_of
from ..rules.calendars import DayKind, Roll
from ..rules.dates import CountsFrom, DueKind
from ..rules.organisation import Level, Line
from ..rules.planning import IssuerFacts, TaskPlan, check_task
from ..rules.planning_metrics import warn_metrics
from ..rules.plans import EvidenceKind, Grade
from ..rules.rhythms import DAY_NAMES, MONTH_NAMES
from .access import current_actor, page_now
from .baselines import bp
from .campaigns import LONGEST_SEARCH, SeenForm, seen_in, writable
from .ladder_words import ladder_choices
from .language import speak
from .metric_form import metric_choices
from .plan_forms import TaskForm, Typed, ids_in
from .recurrence_fields import rhythm_choices


@bp.route("/campaigns/<int:id>/tasks/new", methods=["GET", "POST"])
def task_new(id: int) -> Any:
    head, form = writable(id), TaskForm()
    if request.method == "GET":
        form.client_action_id.data, form.seen.data = str(uuid4()), str(head.version)
        form.lines.data = [str(int(head.line))]
        return _draw(form, head, None)
    if form.redraws():
        return _draw(form, head, None)

    def save(task: TaskPlan) -> None:
        add_task(
            id, task, actor=current_actor(), now=page_now(), seen=seen_in(form),
            client_action_id=form.client_action_id.data or None,
        )  # fmt: skip

    return _saved(form, head, None, save, _("The task is added."))


@bp.route("/campaigns/<int:id>/tasks/<int:task_id>", methods=["GET", "POST"])
def task_edit(id: int, task_id: int) -> Any:
    head, form = writable(id), TaskForm()
    held = task_plan_of(task_id, id)
    if held is None:
        abort(404)
    if request.method == "GET":
        form.fill(held)
        form.seen.data = str(head.version)
        return _draw(form, head, task_id)
    if form.redraws():
        return _draw(form, head, task_id)

    def save(task: TaskPlan) -> None:
        edit_task(task_id, task, actor=current_actor(), now=page_now(), seen=seen_in(form))

    return _saved(form, head, task_id, save, _("The task is saved."))


@bp.post("/campaigns/<int:id>/tasks/<int:task_id>/delete")
def task_delete(id: int, task_id: int) -> Any:
    writable(id)
    held, form = task_plan_of(task_id, id), SeenForm()
    if held is None:
        abort(404)
    if not form.validate():
        raise Refused(say("The form is damaged. Please open the page again."))
    with unit_of_work():
        remove_task(task_id, actor=current_actor(), now=page_now(), seen=form.seen.data)
    flash(_("The task “%(title)s” is removed from the draft.", title=held.title), "success")
    return redirect(url_for("campaigns.show", id=id), 303)


def _saved(form: TaskForm, head: Head, task_id: int | None, save: Any, told: str) -> Any:
    """Saves what was typed, or draws the form again with everything in it and a sentence at each field."""
    typed = Typed()
    task = form.plan(typed)
    issuer = IssuerFacts(head.level, frozenset({head.line}))
    unread = {problem.where for problem in typed.problems}
    problems: list[Problem] = [*typed.problems]
    problems += [problem for problem in check_task(task, issuer) if problem.where not in unread]
    try:
        if problems:
            raise Invalid(say("Something needs your attention."), problems)
        with unit_of_work():
            save(task)
    except Invalid as refused:
        return _draw(form, head, task_id, typed.errors(refused.problems)), 422
    except Stale as stale:
        form.seen.data = str(writable(head.id).version)
        return _draw(form, head, task_id, told=speak(stale.sentence)), 409
    flash(told, "success")
    return redirect(url_for("campaigns.show", id=head.id), 303)


def _draw(
    form: TaskForm, head: Head, task_id: int | None, errors: dict[str, list[str]] | None = None, told: str = ""
) -> Any:
    chosen = ids_in(form.units)
    sought = (form.find.data or "").strip()[:LONGEST_SEARCH]
    found = units_in_sight(head.issuing_unit_id, sought, now=page_now(), leave_out=chosen) if sought else []
    return render_template(
        "campaigns/task.html", form=form, head=head, task_id=task_id, errors=errors or {}, told=told,
        chosen=units_by_id(chosen, head.issuing_unit_id), found=found, sought=sought,
        lines=_lines(head), levels=_below(head),
        reviewing=[level for level in Level if head.level <= level < Level.ORGANISATION], grades=list(Grade),
        due_kinds=list(DueKind), day_kinds=list(DayKind), starts=list(CountsFrom), rolls=list(Roll),
        occasions=occasions_of(head.id), evidence_kinds=list(EvidenceKind), choices=_choices(head, form),
        vague=_vague(form),
        ladders=ladder_choices(usable_by(head.issuing_unit_id), _("that of the campaign")),
        form_page=True, rhythms=rhythm_choices(),
        weekdays=[(at, speak(name)) for at, name in enumerate(DAY_NAMES)],
        month_names=[(at, speak(name)) for at, name in enumerate(MONTH_NAMES, 1)],
    )  # fmt: skip


def _choices(head: Head, form: TaskForm) -> dict[str, list[tuple[Any, Any]]]:
    """What may be chosen for a figure; registers and figures of last year only where there are any."""
    chosen = [int(row.form.former.data) for row in form.metrics if (row.form.former.data or "").isdecimal()]
    registers = registers_for(head.issuing_unit_id)
    formers = former_metrics(head.issuing_unit_id, current_actor(), [id for id in chosen if id < 2**63])
    none = ("", _("none"))
    return metric_choices() | {"register": [none, *registers], "former": [none, *formers]}


def _vague(form: TaskForm) -> dict[str, list[str]]:
    """The vague word where a figure should stand, by the field of its target, as the form is filled in now."""
    typed = Typed()
    return typed.errors(warn_metrics(form.plan(typed).metrics))


def _lines(head: Head) -> list[Line]:
    """A Party committee asks all lines, any other unit its own."""
    return list(Line) if head.line is Line.PARTY else [head.line]


def _below(head: Head) -> list[Level]:
    return [level for level in Level if level > head.level]


__all__ = ["bp"]
