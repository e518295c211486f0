"""Splitting in the browser: an assignment by its own unit, the total of a task by its issuer.

One form for both: it fills in, reads what was pasted, and is confirmed in a second step that lists what follows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from ..clock import local_today
from ..db import unit_of_work
from ..errors import Invalid, NotFound, Refused, Sentence, Stale, say
from ..models.splits import Part, whole_task
from ..operations.cascading import LONGEST_REASON, Plan, Split, split, split_task
from ..queries.campaigns import head_of
from ..queries.cascade import MOST_UNITS, Splitting, may_split, seen_whole, splitting, splitting_task
from ..queries.cascade_areas import everyone, held_outside, parts_below
from ..queries.cascade_weights import by_last_year, by_register
from ..rules.organisation import Level
from ..rules.pasting import Pasted, read_pasted
from ..rules.plans import CampaignStatus
from ..rules.splitting import SPLITTABLE, Balance, Sum
from ..rules.states import State
from ..rules.targets import Method
from .access import current_actor, page_now
from .filters import chinese, figure_words
from .language import speak
from .split_form import (
    Read,
    Typed,
    few,
    fill,
    first,
    left_aside,
    method_of,
    names_of,
    pasted_number,
    plan_of,
    read,
    sent,
    shown,
    unit_words,
    without_figure,
)
from .words import word

bp = Blueprint("cascading", __name__)

MOST_NAMED = 20
FILLS = {"fill-even": Method.EVENLY, "fill-register": Method.BY_REGISTER, "fill-last": Method.BY_LAST_YEAR}


@bp.get("/assignments/<int:id>/split")
def show(id: int) -> Any:
    page = _assignment(id)
    if not may_split(page.whole, current_actor()):
        return redirect(url_for("cascade_tree.below", id=id), 303)
    return _draw(page, first(page))


@bp.post("/assignments/<int:id>/split")
def save(id: int) -> Any:
    actor, now, page = current_actor(), page_now(), _assignment(id)

    def confirm(plan: Plan, seen: int, action_id: str | None) -> Split:
        return split(id, plan, actor=actor, now=now, seen=seen, client_action_id=action_id)

    return _answer(page, confirm, lambda: url_for("cascade_tree.below", id=id), lambda: _assignment(id))


@bp.get("/campaigns/<int:id>/tasks/<int:task_id>/split")
def show_task(id: int, task_id: int) -> Any:
    page = _task(id, task_id)
    return _areas(page) if page.too_many else _draw(page, first(page))


@bp.post("/campaigns/<int:id>/tasks/<int:task_id>/split")
def save_task(id: int, task_id: int) -> Any:
    actor, now, page = current_actor(), page_now(), _task(id, task_id)
    if page.too_many:
        return _areas(page)

    def confirm(plan: Plan, seen: int, action_id: str | None) -> Split:
        return split_task(task_id, plan, actor=actor, now=now, seen=seen, client_action_id=action_id)

    def done() -> str:
        if page.place_id is None:
            return url_for("cascade_tree.show", id=id, task_id=task_id)
        return url_for(".show_task", id=id, task_id=task_id)

    return _answer(page, confirm, done, lambda: _task(id, task_id))


def _areas(page: Splitting) -> Any:
    """More units than one page splits: the areas below, each with what it holds so far."""
    place = page.issuers
    if place is None:
        abort(404)
    places, outside = parts_below(page, place)
    page = replace(page, outside=outside)
    return render_template(
        "cascade/areas.html", page=page, whole=page.whole, place=place, places=places, shown=shown,
        unit_words=unit_words, figure_words=figure_words, balance=_balance, most=MOST_UNITS,
        sums={part.metric_id: _held(page, part, places) for part in page.split},
    )  # fmt: skip


def _held(page: Splitting, part: Part, places: Iterable[Any]) -> Sum:
    """How what all hold together stands to the total."""
    below = sum((place.held.get(part.metric_id, Decimal(0)) for place in places), Decimal(0))
    return Sum(part.total, page.outside.get(part.metric_id, Decimal(0)) + below, part.reserve)


def _assignment(id: int) -> Splitting:
    """The page of an assignment, for those who see it."""
    whole = seen_whole(id, current_actor())
    if whole is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    level = request.values.get("level", type=int)
    return splitting(whole, now=page_now(), level=Level(level) if level in list(Level) else None)


def _task(id: int, task_id: int) -> Splitting:
    """The page of a task, for the dispatchers of its issuer; 404 for others. A draft is not split yet."""
    head = head_of(id, current_actor())
    if head is None or not head.issuer:
        abort(404)
    whole, asked = whole_task(task_id), request.values.get("area", type=int)
    if whole is None or whole.campaign_id != id:
        abort(404)
    page = splitting_task(whole, now=page_now(), area_id=asked)
    if page is None:
        abort(404)
    if page.place is not None and not page.too_many:
        page = replace(page, outside=held_outside(whole, page.place))
    if head.status is not CampaignStatus.ISSUED:
        raise Refused(say("Only tasks of an issued campaign can be split."))
    return page


def _answer(
    page: Splitting, confirm: Callable[[Plan, int, str | None], Split], done: Callable[[], str],
    reread: Callable[[], Splitting],
) -> Any:  # fmt: skip
    """What the button asked for: filling in, reading what was pasted, checking, or the confirmation. Where somebody
    else was faster, all that was typed stands on the page as it is now."""
    typed, op = sent(page, request.form), request.form.get("op", "check")
    if page.whole.parent_id and not may_split(page.whole, current_actor()):
        with unit_of_work():
            confirm(Plan(Method.BY_HAND, {}), page.whole.version, None)  # it says why not
    if op in FILLS:
        every = everyone(page.whole, local_today(page_now())) if page.place_id else []
        return _draw(page, typed, notes=fill(page, typed, FILLS[op], _weights(page, typed, FILLS[op], every), every))
    if op == "paste":
        return _draw(page, typed, pasted=_paste(page, typed))
    found, seen = read(page, typed), request.form.get("seen", type=int)
    if seen is None:
        raise Refused(say("The form is damaged. Please open the page again."))
    if found.problems:
        return _draw(page, typed, found=found), 422
    if op != "confirm" or typed.checked != typed.digest:
        return _draw(page, typed, found=found, checked=True)
    try:
        with unit_of_work():
            made = confirm(plan_of(page, typed, found), seen, typed.action_id or None)
    except Invalid as refused:
        found.problems = [(each.where, each.sentence) for each in refused.problems] or [("", refused.sentence)]
        return _draw(page, typed, found=found), 422
    except Stale:
        page = reread()
        typed = replace(sent(page, request.form), action_id="", checked="")
        return _draw(page, typed, overtaken=True), 409
    flash(_told(page, made), "success")
    return redirect(done(), 303)


def _told(page: Splitting, made: Split) -> str:
    if page.whole.parent_id is None or not (made.made or made.moved):
        return _("The split is kept: version %(number)s.", number=made.version)
    words = [ngettext("%(num)s unit received its part.", "%(num)s units received their parts.", made.made)]
    if made.moved:
        words.append(ngettext("%(num)s target was changed.", "%(num)s targets were changed.", made.moved))
    return ("" if chinese() else " ").join(words if made.made else words[1:])


def _weights(
    page: Splitting, typed: Typed, method: Method, every: Sequence[int]
) -> dict[int, dict[int, Decimal]]:  # fmt: skip
    """By metric and unit, what to split by. `every`: of all units, where the page is narrowed to an area."""
    units = sorted(every or typed.taken)
    if method is Method.EVENLY:
        return {part.metric_id: dict.fromkeys(units, Decimal(1)) for part in page.split}
    if method is Method.BY_LAST_YEAR:
        return {part.metric_id: by_last_year(part.metric_id, units) for part in page.split}
    chosen = int(typed.register) if typed.register.isdecimal() and len(typed.register) < 19 else 0
    if chosen not in dict(page.registers):
        return {}
    counted = by_register(chosen, units)
    return {part.metric_id: counted for part in page.split}


def _paste(page: Splitting, typed: Typed) -> Pasted:
    """What was pasted goes into the fields; the lines that could not be used stay in their box."""
    rows = [row for row in page.rows if not row.elsewhere and not row.fixed]
    people = {row.unit_id: {name: person_id for person_id, name in row.people} for row in rows}
    readers = [lambda text, part=part: pasted_number(part, text) for part in page.split]
    pasted = read_pasted(typed.pasted, names_of(rows), readers, people, [part.name for part in page.split])
    corrected = typed.left and typed.method == Method.PASTED.name.lower()
    if pasted.figures and not corrected and not any(row.mine and row.assignment_id for row in rows):
        typed.taken = set(pasted.figures)  # the list says who takes part
    for unit_id, figures in pasted.figures.items():
        typed.taken.add(unit_id)
        for part, text in zip(page.split, figures, strict=True):
            if text:
                typed.figures[unit_id, part.metric_id] = shown(part, pasted_number(part, text))
    typed.people |= {unit_id: str(person_id) for unit_id, person_id in pasted.people.items()}
    typed.pasted, typed.left = pasted.rest, "1" if pasted.bad else ""
    typed.method, typed.filled = Method.PASTED.name.lower(), typed.figure_digest
    return pasted


def _draw(
    page: Splitting, typed: Typed, *, found: Read | None = None, notes: list[Sentence] | None = None,
    pasted: Pasted | None = None, checked: bool = False, overtaken: bool = False,
) -> Any:  # fmt: skip
    """The page with what stands in the form; `checked`: with what follows, and the button that confirms it;
    `overtaken`: somebody else made a version meanwhile."""
    found = found or read(page, typed)
    if checked:
        typed.checked = typed.digest
    asked = request.method == "POST" and request.form.get("op", "check") in ("check", "confirm")
    problems = [(where, speak(sentence)) for where, sentence in found.problems] if asked else []
    errors: dict[str, list[str]] = defaultdict(list)
    names = {f"v-{row.unit_id}": row.name for row in page.rows} if problems else {}
    for where, text in problems:
        name = names.get(where.rpartition("-")[0])  # at its field the figure need not say whose it is
        errors[where].append(text.removeprefix(_("%(unit)s: %(why)s", unit=name, why="")) if name else text)
    if len(problems) > MOST_NAMED:
        more = len(problems) - MOST_NAMED
        problems = problems[:MOST_NAMED]
        problems.append(("", ngettext("and %(num)s more below", "and %(num)s more below", more)))
    whole, aside = page.whole, left_aside(page, typed) if pasted or checked else []
    return render_template(
        "cascade/split.html", overtaken=overtaken, page=page, whole=whole, typed=typed, found=found,
        problems=problems, errors=errors, notes=[speak(note) for note in notes or []], pasted=pasted, checked=checked,
        shown=shown, unit_words=unit_words, figure_words=figure_words, balance=_balance, follows=_follows(page, found),
        action_id=typed.action_id or str(uuid4()), method=word(method_of(page, typed)), longest=LONGEST_REASON,
        today=local_today(page_now()), many=len(page.rows) > 12, levels=page.levels, splittable=SPLITTABLE,
        state_words={state: word(state) for state in State},
        granted=[(row, part) for row in page.rows for part in page.split if part.metric_id in row.granted],
        aside=aside, aside_words=few(aside), few=few, bare=without_figure(page, found) if checked else [],
        total_moved=[p for p in page.split if whole.version and p.held_total != p.total],
    )  # fmt: skip


def _balance(part: Any, sums: Any) -> str:
    """How the parts stand to the whole, in words."""
    unit = unit_words(part)
    if sums.balance is Balance.OPEN:
        return _("no total to compare with")
    if sums.balance is Balance.EVEN:
        return _("adds up")
    gap = f"{shown(part, abs(sums.gap))} {unit}".strip()
    if sums.balance is Balance.UNDER:
        return _("%(gap)s not given out yet", gap=gap)
    return _("%(gap)s more than the total", gap=gap)


def _follows(page: Splitting, found: Read) -> dict[str, int]:
    """What a confirmation does: how many units receive it anew, and of how many the target moves in which stage."""
    counts = dict.fromkeys(("new", "changed", "in_work", "in_review", "finished"), 0)
    for row in page.rows:
        if row.unit_id not in found.shares:
            continue
        moves = found.shares[row.unit_id] != row.holds
        if row.assignment_id is None:
            counts["new"] += 1
        elif row.fixed:
            counts["finished"] += 1
        elif moves:
            counts["changed"] += 1
            counts["in_review" if row.state is State.SUBMITTED else "in_work"] += 1
    return counts
