"""Reporting in the browser: drafts, photos that go up one by one, check-ins, and the submission."""

from collections.abc import Iterable
from typing import Any

from flask import Response, after_this_request, current_app, flash, jsonify, make_response, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from ..db import unit_of_work
from ..errors import Busy, Invalid, NoSpace, Sentence, Stale, say
from ..evidence.inspection import plain_name
from ..evidence.store import Store
from ..operations import reporting as operations
from ..operations.move import FASTER
from ..queries.assignments import Whole
from ..queries.evidence import evidence_named
from ..rules.metrics import Value
from ..rules.states import Action
from .access import current_actor, page_now
from .assignments import MONEY_COOKIE, action_id, bp, draw, offered, seen, visible
from .errors import RETRY_SECONDS, wants_json
from .figure_form import MONEY, Fields, doubts_in, read_values
from .filters import clock_time, local
from .joint_form import read_joint
from .language import speak
from .report_form import lacking, posted_fields, report_of, sheet_of
from .stale import stale_page
from .uploads import MOST_AT_ONCE, keep_file, look_again

__all__ = ["bp"]
A_YEAR = 365 * 24 * 3600
NOT_KEPT = say("the file archive cannot be reached just now. What you typed is kept; please add the file again later.")
NOT_NOW = say("The file archive cannot be reached just now. What you typed is kept; please submit again later.")
TOO_MANY = say("more than %(most)s files at once. Please add this one again.", most=MOST_AT_ONCE)
GONE = say("this file is damaged or missing in the archive. Please remove it and add it once more.")
bp.register_error_handler(Stale, stale_page)


class Errors(dict[str, tuple[str, ...]]):
    """The sentences by field, and the status with which the form comes back."""

    status = 422


@bp.post("/assignments/<int:id>/submit")
def submit(id: int) -> Any:
    found, fields, errors = _received(id)
    values, wrong = read_values(fields, found)
    joint, unread = read_joint(fields, found)
    errors |= wrong | unread
    if not errors:
        _bytes_lie_there(found, fields, errors)
    if errors or _unread_doubts(fields, values, found):
        for problem in lacking(fields, values, found):  # all at once: nobody should press three times to be told
            errors.setdefault(problem.where, (speak(problem.sentence),))
        return _again(found, fields, errors, status=errors.status)
    if not errors:
        report = report_of(fields, values, str(fields["words"]), joint)
        look_again(id, list(report.evidence))
        try:
            with unit_of_work():
                operations.submit(
                    id, report, actor=current_actor(), now=page_now(), seen=seen(), client_action_id=action_id()
                )
            return redirect(url_for(".receipt", id=id), 303)
        except Invalid as error:
            errors = _problems(error, "words")
    return _again(found, fields, errors)


@bp.post("/assignments/<int:id>/check-in")
def check_in(id: int) -> Any:
    found, fields, errors = _received(id)
    values, wrong = read_values(fields, found)
    errors |= wrong
    if not errors:
        report = report_of(fields, _changed(values, found), str(fields["note"]))
        try:
            with unit_of_work():
                operations.check_in(
                    id, report, actor=current_actor(), now=page_now(), client_action_id=action_id("check_in_id")
                )
                _keep_draft(id, fields | {"note": "", "kind": "1"})
            flash(_("Your check-in has been sent. It does not go to review."), "success")
            return redirect(url_for(".show", id=id), 303)
        except Invalid as error:
            errors = _problems(error, "note")
    return _again(found, fields, errors)


@bp.post("/assignments/<int:id>/draft")
def draft(id: int) -> Any:
    found, fields, errors = _received(id)
    with unit_of_work():
        _keep_draft(id, fields)
    if wants_json():
        shown = sheet_of(fields, found, today=local(page_now()).date())
        missing = [{"where": where, "sentence": sentence} for where, sentence in shown.missing]
        short = {box.id: box.short for box in shown.boxes if box.rule}
        saved = _("Draft saved %(time)s, you can leave safely", time=clock_time(page_now()))
        return jsonify({"saved": saved, "missing": missing, "short": short, "written": shown.written})
    if errors:
        return _again(found, fields, errors)
    if "earlier" in request.form:  # the button that looks for what the unit has sent before
        return redirect(url_for(".earlier_evidence", id=id, rule=request.form.get("earlier", type=int)), 303)
    flash(_("Draft saved %(time)s, you can leave safely", time=clock_time(page_now())), "success")
    return redirect(url_for(".show", id=id, _anchor=request.form.get("anchor") or "main"), 303)


def _received(id: int) -> tuple[Whole, Fields, Errors]:
    """The assignment, the fields of the form, and what was wrong with its files; good files are kept already."""
    found = visible(id)
    errors = Errors()
    kept: dict[str, int | None] = {}
    taken = 0
    for rule_id in [rule.id for rule in found.rules] + [0]:
        for sent in _files(f"file-{rule_id}"):
            taken += 1
            try:
                if taken > MOST_AT_ONCE:
                    raise Invalid(TOO_MANY)
                if errors.status == 503:
                    raise Busy(NOT_KEPT)  # no second wait for a store that is away
                kept[str(keep_file(id, sent))] = rule_id or None
            except Invalid as error:
                _add(errors, rule_id, sent.filename, error.sentence)
            except (Busy, NoSpace) as error:
                errors.status = error.status
                _add(errors, rule_id, sent.filename, NOT_KEPT if isinstance(error, Busy) else error.sentence)
    if kept:
        found = visible(id)
    fields = posted_fields(request.form, found)
    fields["files"] |= kept
    if fields["money"] in MONEY:
        _remember_money(fields["money"])
    return found, fields, errors


def _remember_money(chosen: str) -> None:
    """The unit in which this person types amounts is chosen once."""

    @after_this_request
    def set_it(answer: Response) -> Response:
        if request.cookies.get(MONEY_COOKIE) != chosen:
            answer.set_cookie(MONEY_COOKIE, chosen, A_YEAR, samesite="Lax", httponly=True, secure=request.is_secure)
        return answer


def _add(errors: Errors, rule_id: int | None, name: str | None, sentence: Sentence) -> None:
    said = _("%(name)s: %(what)s", name=plain_name(name or ""), what=speak(sentence))
    errors[f"evidence-{rule_id or 0}"] = (*errors.get(f"evidence-{rule_id or 0}", ()), said)


def _bytes_lie_there(found: Whole, fields: Fields, errors: Errors) -> None:
    """Nothing is submitted without its bytes. Asked before the unit of work, which must never wait for a network."""
    store: Store = current_app.extensions["evidence"]
    named = evidence_named(found.ask.id, [int(key) for key in fields["files"]])
    try:
        away = set(store.lacking({file.sha256: file.size for file in named}))
    except Busy as error:
        errors.status = error.status
        errors["words"] = (speak(NOT_NOW),)
        return
    for file in named:
        if file.sha256 in away:
            _add(errors, fields["files"][str(file.id)], file.name, GONE)


def _files(name: str) -> Iterable[FileStorage]:
    return [sent for sent in request.files.getlist(name) if sent.filename]


def _keep_draft(id: int, fields: Fields) -> None:
    operations.save_draft(id, fields, actor=current_actor(), now=page_now())


def _unread_doubts(fields: Fields, values: dict[int, Value], found: Whole) -> bool:
    """Whether a figure is implausible and nobody has been asked about it yet; what was asked once is never a wall."""
    keys = {doubt.key for doubt in doubts_in(fields, values, found)}
    unread = not keys <= set(fields["doubted"])
    fields["doubted"] = sorted(keys)
    return unread


def _again(found: Whole, fields: Fields, errors: Errors, status: int = 200) -> Any:
    """The form once more, with everything that was typed; kept as the draft too, so that leaving loses nothing. 422
    when it has to be corrected; 503 or 507 when the store is away or full.

    When it meanwhile went on without this page there is no form any more, and nothing to correct.
    """
    if Action.SUBMIT not in offered(found, current_actor()):
        raise Stale(FASTER)
    with unit_of_work():
        _keep_draft(found.ask.id, fields)
    answer = make_response(draw(visible(found.ask.id), errors, fields))
    answer.status_code = errors.status if errors else status
    if errors.status == 503:
        answer.headers["Retry-After"] = RETRY_SECONDS
    return answer


def _problems(error: Invalid, where: str) -> Errors:
    """The sentences of the refusal by field; one without a field stands where the words are."""
    errors = Errors()
    for problem in error.problems:
        errors[problem.where] = (*errors.get(problem.where, ()), speak(problem.sentence))
    return errors or Errors({where: (speak(error.sentence),)})


def _changed(values: dict[int, Any], found: Whole) -> dict[int, Any]:
    """The figures that are news: what was reported before is not reported again."""
    last = {metric.id: metric.last for metric in found.metrics}
    return {key: value for key, value in values.items() if value != last.get(key)}
