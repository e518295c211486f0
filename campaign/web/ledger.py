"""The ledger: everything about one assignment, for everybody who sees it; reopen and cancel for its issuer."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, TextAreaField
from wtforms.validators import DataRequired, InputRequired

from ..db import unit_of_work
from ..documents.sheets import Cell, Column, write_csv, write_xlsx
from ..operations import issuing
from ..queries.ledger import ledger_of
from ..queries.submission import Dossier, Progress, header_of
from ..queries.timeline import MOST, Entry
from ..rules.dates import light_of
from ..rules.differences import Differences, differences
from ..rules.standstill import BOSSES
from ..rules.states import WITH_OFFICER
from ..rules.transitions import offers
from .access import current_actor, page_now
from .dating import date_words, story_of
from .filters import due_words, target_words, value_words
from .form_reading import at_most
from .happenings import beside, doer, dot, told
from .navigation import back_address
from .questions import panel
from .requests_panel import panel as requests_panel
from .stale import tell_what_happened
from .words import word

bp = Blueprint("ledger", __name__)
tell_what_happened(bp)

LONGEST_REASON = 1_000
TYPES = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv; charset=utf-8"}


class ReasonForm(FlaskForm):
    """A step of the issuer: the reason in words, the version that was seen, the id that makes repeating safe."""

    seen = IntegerField(validators=[InputRequired()])
    client_action_id = HiddenField()
    reason = TextAreaField(
        _l("Reason"),
        validators=[
            DataRequired(_l("Please say why, in a few words.")),
            at_most(LONGEST_REASON),
        ],
    )


@bp.get("/assignments/<int:id>/ledger")
def show(id: int) -> Any:
    return _page_of(id)


@bp.post("/assignments/<int:id>/reopen")
def reopen(id: int) -> Any:
    return _step(id, "REOPEN", issuing.reopen, _("Reopened. The unit has been told."))


@bp.post("/assignments/<int:id>/cancel")
def cancel(id: int) -> Any:
    return _step(id, "CANCEL", issuing.cancel, _("Cancelled. The unit has been told."))


@bp.get("/assignments/<int:id>/ledger.<any(xlsx, csv):kind>")
def export(id: int, kind: str) -> Any:
    found = ledger_of(id, current_actor(), now=page_now())
    if found is None:
        abort(404)
    zone = current_app.config["SETTINGS"].timezone
    columns = [
        Column(_("Part"), 14), Column(_("Item"), 28), Column(_("Content"), 60),
        Column(_("Person"), 24), Column(_("Time"), 18), Column(_("Log number"), 12),
    ]  # fmt: skip
    rows = list(_rows(found.file, found.check_ins, found.entries))
    if kind == "xlsx":
        content = write_xlsx(_("Assignment ledger"), columns, rows, zone=zone)
    else:
        content = write_csv(columns, rows, zone=zone)
    answer = Response(content, content_type=TYPES[kind])
    answer.headers["Content-Disposition"] = f'attachment; filename="ledger-{id}.{kind}"'
    return answer


def _step(assignment_id: int, action: str, operation: Any, done: str) -> Any:
    """One step of the issuer, back to the ledger afterwards; 422 with everything kept when the reason is missing."""
    actor, form = current_actor(), ReasonForm()
    if header_of(assignment_id, actor) is None:
        abort(404)
    if not form.validate():
        return _page_of(assignment_id, form, action)
    with unit_of_work():
        operation(
            assignment_id, actor=actor, now=page_now(), seen=form.seen.data, reason=form.reason.data,
            client_action_id=form.client_action_id.data or None,
        )  # fmt: skip
    flash(done, "success")
    return redirect(url_for("ledger.show", id=assignment_id, back=back_address() or None), 303)


def _page_of(assignment_id: int, form: ReasonForm | None = None, action: str = "") -> Any:
    actor, now = current_actor(), page_now()
    found = ledger_of(assignment_id, actor, now=now)
    if found is None:
        abort(404)
    facts, entries, header = found.facts, found.entries, found.file.header
    page = render_template(
        "ledger/show.html", found=found.file, header=header, now=now, progress=found.check_ins, back=back_address(),
        light=light_of(header.state, header.due_at, facts.behind_at, now, facts.suspended_at is not None),
        suspended=facts.suspended_at is not None, changes=_changes(found.file), story=story_of(header, facts),
        happened=[(entry, told(entry), beside(entry), dot(entry)) for entry in entries], more=len(entries) == MOST,
        sealed=sum(entry.seal is not None for entry in entries), form=form, failed=action,
        offered={offer.action.name: offer for offer in offers(facts, actor)},
        action_id=str(uuid4()), line=found.line, asked=panel(assignment_id if header.was_asked_about else None),
        requested=requests_panel(assignment_id if header.was_requested_for else None),
        may_urge=header.state in WITH_OFFICER and not facts.suspended_at and actor.has_role(*BOSSES),
    )  # fmt: skip
    return page, (422 if form is not None and form.errors else 200)


def _changes(found: Dossier) -> dict[int, Differences]:
    """For each version but the first, by its number: what changed since the one before."""
    pairs = zip(found.versions, found.versions[1:], strict=False)
    return {now.number: differences(was.content, now.content) for was, now in pairs}


def _rows(found: Dossier, progress: tuple[Progress, ...], entries: list[Entry]) -> Iterator[list[Cell]]:
    """The ledger as one table: part, item, content, person, time, log number."""
    header, summary = found.header, _("Summary")
    yield [summary, _("Task"), header.task_title, None, None, None]
    yield [summary, _("Campaign"), header.campaign_title, header.issuing_unit_name, header.dispatched_at, None]
    yield [summary, _("Unit"), header.unit_name, None, None, None]
    yield [summary, _("State"), word(header.state), header.reviewer_unit_name, None, None]
    yield [
        summary,
        _("Due"),
        due_words(header.due_at, page_now()) if header.due_at else None,
        None,
        header.due_at,
        None,
    ]
    if header.first_due_at:
        yield [summary, _("First due"), None, None, header.first_due_at, None]
    for words in date_words(header.id):
        yield [summary, _("About the due date"), words, None, None, None]
    for version in found.versions:
        part = _("Version %(number)s", number=version.number)
        yield [part, _("Description"), version.words, doer(version), version.at, None]
        for figure in found.figures:
            text = value_words(version.values.get(figure.id), figure.kind, figure.unit_of_measure, figure.money_places)
            content = _("%(value)s (target %(target)s)", value=text, target=target_words(figure))
            yield [part, figure.name, content if figure.target is not None else text, None, None, None]
        for file in version.files:
            yield [part, _("Evidence"), file.name, None, file.at, None]
        for made in version.decisions:
            words = " · ".join(filter(None, (word(made.reason) if made.reason else "", made.words)))
            person = _("%(name)s (%(unit)s)", name=doer(made), unit=made.unit_name)
            yield [part, word(made.decision), words, person, made.at, None]
    for step in reversed(progress):
        yield [_("Check-ins"), word(step.kind), step.words, doer(step), step.at, None]
    for entry in reversed(entries):
        yield [_("History"), told(entry), " · ".join(beside(entry)), doer(entry), entry.at, entry.id]
