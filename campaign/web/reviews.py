"""The supervisor's pages: the queue of what waits, one submission with what changed, approve and return."""

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, RadioField, SelectChoice, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from ..db import unit_of_work
from ..errors import Busy, Forbidden, Refused, Stale, say
from ..evidence.store import Store
from ..models.facts import facts_of
from ..operations import reviewing
from ..operations.looking import look
from ..operations.move import FASTER
from ..queries import queue as waiting
from ..queries.evidence import evidence_submitted
from ..queries.questions import count as questions_waiting
from ..queries.queue import Filters, Key, Place, read_key
from ..queries.requests import count as requests_waiting
from ..queries.submission import dossier
from ..rules.organisation import Role
from ..rules.states import ReturnReason, State
from ..rules.transitions import offers
from .access import current_actor, page_now, require_role
from .stale import tell_what_happened

bp = Blueprint("reviews", __name__)
tell_what_happened(bp)

READERS = (Role.SUPERVISOR, Role.DISPATCHER, Role.AUDITOR, Role.ADMINISTRATOR)
LONGEST_SEARCH = 60


class DecisionForm(FlaskForm):
    """What every decision carries: the version that was seen, and the id that makes repeating safe."""

    seen = IntegerField(validators=[InputRequired()])
    client_action_id = HiddenField()


TOO_LONG = _l("The text is too long: at most %(max)d characters.")


class ApproveForm(DecisionForm):
    """An approval; words may come with it."""

    words = TextAreaField(_l("Comment"), validators=[Length(max=reviewing.LONGEST_WORDS, message=TOO_LONG)])


class ReturnForm(DecisionForm):
    """A return: a reason code and words, both needed."""

    reason = RadioField(
        _l("Reason"),
        choices=[SelectChoice(int(reason), reason.name) for reason in ReturnReason],
        coerce=int,
        validators=[InputRequired(_l("Please choose a reason."))],
    )
    words = TextAreaField(
        _l("To the officer"),
        validators=[
            DataRequired(_l("Please say what has to be changed.")),
            Length(max=reviewing.LONGEST_WORDS, message=TOO_LONG),
        ],
    )


@bp.get("/reviews")
@require_role(Role.SUPERVISOR)
def queue() -> Any:
    actor, now, filters = current_actor(), page_now(), _filters()
    after, before = read_key(request.args.get("after", "")), read_key(request.args.get("before", ""))
    if before is not None:
        page = waiting.page_before(actor, filters, before=before)
    else:
        page = waiting.page(actor, filters, after=after)
    groups = waiting.groups(actor, now=now)
    return render_template(
        "review/queue.html", page=page, groups=groups, filters=filters, keep=_keep(filters), now=now,
        open_id=None, reader_id=actor.person_id, questions=questions_waiting(actor),
        to_decide=requests_waiting(actor, now=now),
        waiting_now=sum(group.waiting for group in groups), late=sum(group.late for group in groups),
        badges={"reviews.queue": sum(group.waiting for group in groups)},
    )  # fmt: skip


@bp.get("/reviews/<int:id>")
@require_role(*READERS)
def show(id: int) -> Any:
    return _page_of(id, ReturnForm(formdata=None))


@bp.post("/reviews/<int:id>/approve")
@require_role(*READERS)
def approve(id: int) -> Any:
    place, form = _place(id), ApproveForm()
    if form.seen.data is None:
        raise Refused(say("The form is damaged. Please open the page again."))
    if not form.validate():
        return _page_of(id, ReturnForm(formdata=None), form)
    _bytes_lie_there(id)
    with _in_time(place, form.seen.data), unit_of_work():
        reviewing.approve(
            id, actor=current_actor(), now=page_now(), seen=form.seen.data, words=(form.words.data or "").strip(),
            client_action_id=form.client_action_id.data or None,
        )  # fmt: skip
    facts = facts_of(id)
    names = {"unit": place.unit_name, "task": place.task_title}
    if facts is not None and facts.state is State.APPROVED:
        flash(_("Approved: %(unit)s, %(task)s. The assignment is done.", **names), "success")
    else:
        flash(_("Approved and passed up: %(unit)s, %(task)s.", **names), "success")
    return _to_next(place)


@bp.post("/reviews/<int:id>/return")
@require_role(*READERS)
def return_(id: int) -> Any:
    place, form = _place(id), ReturnForm()
    if form.seen.data is None:
        raise Refused(say("The form is damaged. Please open the page again."))
    if not form.validate():
        return _page_of(id, form)
    with _in_time(place, form.seen.data), unit_of_work():
        reviewing.return_for_changes(
            id, actor=current_actor(), now=page_now(), seen=form.seen.data,
            reason=ReturnReason(form.reason.data), words=form.words.data,
            client_action_id=form.client_action_id.data or None,
        )  # fmt: skip
    flash(_("Returned: %(unit)s, %(task)s.", unit=place.unit_name, task=place.task_title), "success")
    return _to_next(place)


def _bytes_lie_there(assignment_id: int) -> None:
    """Nothing is approved without its bytes. Asked before the unit of work, which must never wait for a network."""
    store: Store = current_app.extensions["evidence"]
    store.demand({file.sha256: file.size for file in evidence_submitted(assignment_id)})


def _page_of(assignment_id: int, form: ReturnForm, approval: ApproveForm | None = None) -> Any:
    """The submission beside the queue; 422 when a form that comes with it has errors."""
    approval = approval or ApproveForm(formdata=None)
    actor, now, filters = current_actor(), page_now(), _filters()
    found = dossier(assignment_id, actor)
    facts = facts_of(assignment_id)
    if found is None or facts is None:
        abort(404)
    if found.latest is None:
        return redirect(url_for("ledger.show", id=assignment_id), 303)
    header = found.header
    mine = header.reviewer_unit_id is not None and header.reviewer_unit_id in actor.units(Role.SUPERVISOR)
    if mine and header.review_due_at is not None:
        page = waiting.page_around(actor, filters, key=Key(header.review_due_at, header.id))
    else:
        page = waiting.page(actor, filters)
    before, after = page.around(assignment_id)
    look_at = found.last_look
    since = look_at[0] if look_at else found.former
    answer = render_template(
        "review/show.html", found=found, header=header, latest=found.latest, page=page, before=before, after=after,
        since=since, looked_at=look_at[1] if look_at else None, changes=found.changes(since),
        form=form, approval=approval, questions=0, to_decide=0,
        filters=filters, keep=_keep(filters), now=now, reader_id=actor.person_id, reasons=list(ReturnReason),
        offered={offer.action.name: offer for offer in offers(facts, actor)}, open_id=assignment_id,
        action_id=str(uuid4()), return_id=form.client_action_id.data or str(uuid4()),
        badges={} if _keep(filters) else {"reviews.queue": page.total},
    )  # fmt: skip
    if mine and header.looked_number != found.latest.number:
        with contextlib.suppress(Busy), unit_of_work():  # a look that is not remembered harms nobody
            look(assignment_id, found.latest.number, actor=actor, now=now)
    return answer, (422 if form.errors or approval.errors else 200)


def _place(assignment_id: int) -> Place:
    place = waiting.place_of(assignment_id, current_actor())
    if place is None:
        abort(404)
    return place


@contextlib.contextmanager
def _in_time(place: Place, seen: int) -> Iterator[None]:
    """Whoever came too late is told so, even where the assignment meanwhile waits at a level that is not theirs."""
    try:
        yield
    except Forbidden:
        if place.version != seen:
            raise Stale(FASTER) from None
        raise


def _to_next(place: Place) -> Any:
    """On to the next item of the queue, or to the empty queue."""
    filters = _filters()
    following = waiting.next_after(current_actor(), filters, place.key)
    if following is None:
        return redirect(url_for("reviews.queue", **_keep(filters)), 303)
    return redirect(url_for("reviews.show", id=following, **_keep(filters)), 303)


def _filters() -> Filters:
    return Filters(request.args.get("campaign", type=int), request.args.get("q", "").strip()[:LONGEST_SEARCH])


def _keep(filters: Filters) -> dict[str, Any]:
    """The filters as they stand in every address of the queue."""
    kept = {"campaign": filters.campaign_id, "q": filters.text}
    return {name: value for name, value in kept.items() if value}
