"""The supervisor's pages: the queue of what waits, one submission with what changed, approve and return."""

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectChoice, StringField, TextAreaField
from wtforms.validators import InputRequired, StopValidation

from ..db import unit_of_work
from ..errors import Busy, Forbidden, Invalid, NoSpace, Refused, Stale, say
from ..evidence.store import Store
from ..models.facts import facts_of
from ..models.undoing import with_last_decision
from ..operations import reviewing
from ..operations.looking import look
from ..operations.move import FASTER
from ..operations.remarking import LONGEST_PHRASE, keep_phrase, use_phrase
from ..queries import queue as waiting
from ..queries.beside import beside
from ..queries.evidence import evidence_submitted
from ..queries.questions import count as questions_waiting
from ..queries.queue import Filters, Key, Place, read_key
from ..queries.rechecks import count_to_check
from ..queries.requests import count as requests_waiting
from ..queries.submission import dossier
from ..queries.versions import bounces
from ..rules.flags import Verdict
from ..rules.organisation import Role
from ..rules.permissions import permissions
from ..rules.states import Action, ReturnReason, State
from ..rules.telling import HOLD
from .access import current_actor, page_now, require_role
from .form_reading import at_most
from .language import speak
from .stale import tell_what_happened

bp = Blueprint("reviews", __name__)
tell_what_happened(bp)

READERS = (Role.SUPERVISOR, Role.DISPATCHER, Role.AUDITOR, Role.ADMINISTRATOR)
LONGEST_SEARCH = 60


class DecisionForm(FlaskForm):
    """What every decision carries: the version that was seen, and the id that makes repeating safe."""

    seen = IntegerField(validators=[InputRequired()])
    client_action_id = HiddenField()


class ApproveForm(DecisionForm):
    """An approval; words may come with it."""

    words = TextAreaField(_l("Comment"), validators=[at_most(reviewing.LONGEST_WORDS)])


class WordsOrPhrase:
    """Words are needed, unless a kept phrase says it all."""

    def __call__(self, form: Any, field: Any) -> None:
        if not (field.data or "").strip() and not (form.phrase.data or "").strip():
            raise StopValidation(_("Please say what has to be changed."))


@dataclass(frozen=True)
class Decided:
    """A decision of a moment ago: `seen` is the version after it, `seconds` how long it may be taken back. Of many
    approved in one act: `act` is its id, `count` how many they were."""

    seconds: int
    id: int = 0
    seen: int = 0
    verb: Action = Action.APPROVE
    unit_name: str = ""
    act: str = ""
    count: int = 0


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
            WordsOrPhrase(),
            at_most(reviewing.LONGEST_WORDS),
        ],
    )
    phrase = StringField(_l("One of your phrases"), validators=[at_most(LONGEST_PHRASE)])
    keep = BooleanField(_l("Keep these words as a phrase"))

    @property
    def said(self) -> str:
        """A kept phrase, and what was typed below it."""
        words, phrase = (self.words.data or "").strip(), (self.phrase.data or "").strip()
        return words if phrase in words else f"{phrase}\n{words}".strip()


@bp.get("/reviews")
@require_role(Role.SUPERVISOR)
def queue() -> Any:
    actor, now, filters = current_actor(), page_now(), asked()
    after, before = read_key(request.args.get("after", "")), read_key(request.args.get("before", ""))
    if before is not None:
        page = waiting.page_before(actor, filters, before=before)
    else:
        page = waiting.page(actor, filters, after=after)
    groups = waiting.groups(actor, now=now)
    return render_template(
        "review/queue.html", page=page, groups=groups, filters=filters, keep=kept(filters), now=now,
        open_id=None, reader_id=actor.person_id, questions=questions_waiting(actor, now=now),
        to_decide=requests_waiting(actor, now=now),
        rechecks=count_to_check(actor), decided=decided_just_now(),
        waiting_now=sum(group.waiting for group in groups), late=sum(group.late for group in groups),
        badges={"reviews.queue": sum(group.waiting for group in groups)},
    )  # fmt: skip


@bp.get("/reviews/<int:id>")
@require_role(*READERS)
def show(id: int) -> Any:
    return page_of(id, ReturnForm(formdata=None))


@bp.post("/reviews/<int:id>/approve")
@require_role(*READERS)
def approve(id: int) -> Any:
    place, form = place_at(id), ApproveForm()
    if form.seen.data is None:
        raise Refused(say("The form is damaged. Please open the page again."))
    if not form.validate():
        return page_of(id, ReturnForm(formdata=None), form)
    _bytes_lie_there(id)
    with in_time(place, form.seen.data), unit_of_work():
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
    _remember(place, form.seen.data, Action.APPROVE)
    return _to_next(place)


@bp.post("/reviews/<int:id>/return")
@require_role(*READERS)
def return_(id: int) -> Any:
    place, form = place_at(id), ReturnForm()
    if form.seen.data is None:
        raise Refused(say("The form is damaged. Please open the page again."))
    if not form.validate():
        return page_of(id, form)
    actor, now, words = current_actor(), page_now(), form.said
    try:
        with in_time(place, form.seen.data), unit_of_work():
            reviewing.return_for_changes(
                id, actor=actor, now=now, seen=form.seen.data, reason=ReturnReason(form.reason.data), words=words,
                client_action_id=form.client_action_id.data or None,
            )  # fmt: skip
            if form.phrase.data:
                use_phrase(form.phrase.data, actor=actor)
            if form.keep.data:
                keep_phrase(form.words.data or words, actor=actor, now=now)
    except Invalid as refused:  # what the form does not ask: nothing was decided, and everything typed stands there
        field = form.keep if any(each.where == "phrase" for each in refused.problems) else form.words
        field.errors = [speak(refused.sentence)]
        return page_of(id, form)
    flash(_("Returned: %(unit)s, %(task)s.", unit=place.unit_name, task=place.task_title), "success")
    _remember(place, form.seen.data, Action.RETURN)
    return _to_next(place)


def _remember(place: Place, seen: int, verb: Action) -> None:
    """What was decided just now, so that the next page can offer to take it back."""
    decided = {"id": place.id, "seen": seen + 1, "verb": int(verb), "unit_name": place.unit_name}
    session["decided"] = decided | {"at": page_now().timestamp()}


def decided_just_now() -> Decided | None:
    """What this person decided a moment ago, while it may still be taken back."""
    decided = session.get("decided")
    if not isinstance(decided, dict):
        return None
    left = seconds_left(datetime.fromtimestamp(decided["at"], UTC))
    known = {name: decided[name] for name in ("id", "seen", "unit_name", "act", "count") if name in decided}
    return Decided(left, verb=Action(decided.get("verb", Action.APPROVE)), **known) if left else None


def seconds_left(at: datetime) -> int:
    """For how many whole seconds a decision of that instant may still be taken back."""
    return max(0, math.floor((at + HOLD - page_now()).total_seconds()))


def _bytes_lie_there(assignment_id: int) -> None:
    """Nothing is approved without its bytes. Asked before the unit of work, which must never wait for a network."""
    store: Store = current_app.extensions["evidence"]
    store.demand({file.sha256: file.size for file in evidence_submitted(assignment_id)})


def page_of(
    assignment_id: int, form: ReturnForm, approval: ApproveForm | None = None, wrong: Mapping[str, str] | None = None
) -> Any:
    """The submission beside the queue; 422 when a form that comes with it has errors. `wrong`: what is wrong with the
    other forms, by the id of their field."""
    approval = approval or ApproveForm(formdata=None)
    actor, now, filters = current_actor(), page_now(), asked()
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
    aside = beside(facts, actor, now=now)
    facts, last = with_last_decision(facts, aside.last, now), aside.last
    may = permissions(facts, actor, facts.chain, aside.claim.holder if aside.claim else None)
    decided = decided_just_now()
    if may.undo and last is not None:  # also of what was approved here among many
        decided = Decided(seconds_left(last.at), header.id, header.version, last.decision, header.unit_name)
    look_at = found.last_look
    since = look_at[0] if look_at else found.former
    answer = render_template(
        "review/show.html", found=found, header=header, latest=found.latest, page=page, before=before, after=after,
        since=since, looked_at=look_at[1] if look_at else None, changes=found.changes(since),
        form=form, approval=approval, questions=0, to_decide=0, wrong=wrong or {}, typed=request.form if wrong else {},
        filters=filters, keep=kept(filters), now=now, reader_id=actor.person_id, reasons=list(ReturnReason),
        may=may, aside=aside, decided=decided,
        flags=aside.flags, verdicts=list(Verdict),
        bounces=bounces(found.versions), open_id=assignment_id,
        action_id=str(uuid4()), return_id=form.client_action_id.data or str(uuid4()),
        badges={} if kept(filters) else {"reviews.queue": page.total},
    )  # fmt: skip
    if mine and header.looked_number != found.latest.number:
        with contextlib.suppress(Busy, NoSpace), unit_of_work():  # a look that is not remembered harms nobody
            look(assignment_id, found.latest.number, actor=actor, now=now)
    return answer, (422 if form.errors or approval.errors or wrong else 200)


def place_at(assignment_id: int) -> Place:
    """What an assignment is called; 404 outside the reader's scope."""
    place = waiting.place_of(assignment_id, current_actor())
    if place is None:
        abort(404)
    return place


@contextlib.contextmanager
def in_time(place: Place, seen: int) -> Iterator[None]:
    """Whoever came too late is told so, even where the assignment meanwhile waits at a level that is not theirs."""
    try:
        yield
    except Forbidden:
        if place.version != seen:
            raise Stale(FASTER) from None
        raise


def _to_next(place: Place) -> Any:
    """On to the next item of the queue, or to the empty queue."""
    filters = asked()
    following = waiting.next_after(current_actor(), filters, place.key)
    if following is None:
        return redirect(url_for("reviews.queue", **kept(filters)), 303)
    return redirect(url_for("reviews.show", id=following, **kept(filters)), 303)


def asked() -> Filters:
    """The filters that the address of the queue names."""
    words = request.args.get("q", "").strip()[:LONGEST_SEARCH]
    only = set(request.args.getlist("only"))
    return Filters(
        request.args.get("campaign", type=int), words, request.args.get("task", type=int),
        flagged="flagged" in only, returned="returned" in only, overdue=page_now() if "overdue" in only else None,
    )  # fmt: skip


def kept(filters: Filters) -> dict[str, Any]:
    """The filters as they stand in every address of the queue."""
    only = [name for name in ("flagged", "returned", "overdue") if getattr(filters, name)]
    found = {"campaign": filters.campaign_id, "task": filters.task_id, "q": filters.text, "only": only}
    return {name: value for name, value in found.items() if value}
