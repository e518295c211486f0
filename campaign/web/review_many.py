"""Several approvals in one act, after a look at what they are; and the queue as a table to keep."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import uuid4

from flask import Response, current_app, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import HiddenField

from ..db import unit_of_work
from ..documents.sheets import Cell, Column
from ..errors import Refused, Sentence, say
from ..evidence.store import Store
from ..models.together import sorted_out
from ..operations.moving_many import approve_many
from ..operations.taking_back import take_back_many
from ..queries import queue as waiting
from ..queries.together import evidence_of
from ..rules.leaving_out import NOT_THERE
from ..rules.organisation import Role
from .access import current_actor, page_now, require_role
from .downloads import table_answer
from .language import speak
from .review_acts import bp as bp
from .reviews import asked, kept

MOST = 10_000
SHOWN = 100


class ManyForm(FlaskForm):
    """What was looked at: each id with its version, which of them the page showed, and which of those stay ticked."""

    client_action_id = HiddenField()
    seen = HiddenField()
    shown = HiddenField()

    def chosen(self) -> dict[int, int]:
        """Id to version: everything that was looked at but what was unticked. Raises Refused for what is damaged."""
        try:
            ticked = {int(id) for id in request.form.getlist("take")}
            pairs = [part.split(":") for part in (self.seen.data or "").split(",") if part]
            looked_at = {int(id): int(version) for id, version in pairs}
            left = {int(id) for id in (self.shown.data or "").split(",") if id} - ticked
        except ValueError:
            raise Refused(say("The form is damaged. Please open the page again.")) from None
        return {id: version for id, version in list(looked_at.items())[:MOST] if id not in left}


class UndoManyForm(FlaskForm):
    """Which act is taken back."""

    client_action_id = HiddenField()
    act = HiddenField()


@bp.get("/reviews/many")
@require_role(Role.SUPERVISOR)
def many() -> Any:
    """What would be approved, and what would be left out and why: nothing is done yet."""
    actor, now, filters = current_actor(), page_now(), asked()
    ids = waiting.ids(actor, filters, most=MOST)
    found = sorted_out(ids, actor, now=now)
    ready = set(found.ready)
    in_order = [id for id in ids if id in ready]
    left_out = [id for id, _said in found.refused[:SHOWN]]
    items = {item.id: item for item in waiting.items_of(in_order[:SHOWN] + left_out)}
    return render_template(
        "review/many.html", count=len(ready), items=[items[id] for id in in_order[:SHOWN] if id in items],
        refused=[(items[id], said) for id, said in found.refused[:SHOWN] if id in items],
        reasons=_by_reason(found.refused), more=max(0, len(ready) - SHOWN), filters=filters, keep=kept(filters),
        seen=",".join(f"{id}:{found.versions[id]}" for id in in_order), now=now, action_id=str(uuid4()),
    )  # fmt: skip


@bp.post("/reviews/many")
@require_role(Role.SUPERVISOR)
def approve_them() -> Any:
    form = ManyForm()
    chosen = form.chosen()
    lacking = _lacking(chosen)
    with unit_of_work():
        done = approve_many(
            {id: version for id, version in chosen.items() if id not in lacking}, actor=current_actor(),
            now=page_now(), client_action_id=form.client_action_id.data or None,
        )  # fmt: skip
    flash(ngettext("%(num)s submission approved.", "%(num)s submissions approved.", done.count), "success")
    if done.count and form.client_action_id.data:
        now = page_now().timestamp()
        session["decided"] = {"act": form.client_action_id.data, "count": done.count, "at": now}
    for said, n in _by_reason([*done.refused, *((id, NOT_THERE) for id in lacking)]):
        flash(_("Left out, %(count)s: %(why)s", count=n, why=said), "warning")
    return redirect(url_for("reviews.queue", **kept(asked())), 303)


@bp.post("/reviews/many/undo")
@require_role(Role.SUPERVISOR)
def undo_many() -> Any:
    """Everything that was approved in one act a moment ago, in one press."""
    form = UndoManyForm()
    with unit_of_work():
        done = take_back_many(
            form.act.data or "", actor=current_actor(), now=page_now(),
            client_action_id=form.client_action_id.data or None,
        )  # fmt: skip
    session.pop("decided", None)
    if done.count:
        flash(ngettext("%(num)s approval taken back. It waits for you again.",
                       "%(num)s approvals taken back. They wait for you again.", done.count))  # fmt: skip
    for said, n in _by_reason(done.refused):
        flash(_("Left as it is, %(count)s: %(why)s", count=n, why=said), "warning")
    return redirect(url_for("reviews.queue", **kept(asked())), 303)


def _lacking(ids: Iterable[int]) -> set[int]:
    """Those whose bytes do not all lie there; asked before the unit of work, which must never wait for a network."""
    store: Store = current_app.extensions["evidence"]
    pieces = evidence_of(list(ids))
    gone = set(store.lacking({sha256: size for _id, sha256, size in pieces}))
    return {id for id, sha256, _size in pieces if sha256 in gone}


def _by_reason(refused: Iterable[tuple[int, Sentence]]) -> list[tuple[str, int]]:
    return Counter(speak(said) for _id, said in refused).most_common()


@bp.get("/reviews.<any(xlsx, csv):kind>")
@require_role(Role.SUPERVISOR)
def export(kind: str) -> Response:
    actor, filters = current_actor(), asked()
    columns = [
        Column(_("Unit"), 28), Column(_("Task"), 40), Column(_("Review due"), 18), Column(_("Submitted"), 18),
        Column(_("By"), 16), Column(_("Version"), 10), Column(_("Returned before"), 12), Column(_("Open flags"), 12),
        Column(_("In hand of"), 16),
    ]  # fmt: skip
    rows = _rows(waiting.every(actor, filters), {"now": page_now()})
    return table_answer(kind, "reviews", _("To review"), columns, rows)


def _rows(items: Iterable[waiting.Item], given: Mapping[str, Any]) -> Iterator[list[Cell]]:
    for item in items:
        held = item.held_by if item.held_until and item.held_until > given["now"] else ""
        yield [
            item.unit_name, item.task_title, item.review_due_at, item.submitted_at, item.submitter_name, item.number,
            item.bounces, item.flags, held or "",
        ]  # fmt: skip
