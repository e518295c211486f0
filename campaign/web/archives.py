"""Archives in the browser: ask for a ledger as one file, see how far it is, fetch it."""

from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _

from ..db import unit_of_work
from ..operations import archives as operations
from ..queries.archives import archive_of, asked_for, subjects
from ..rules.rechecks import ArchiveState
from .access import current_actor, page_now

bp = Blueprint("archives", __name__)
REFRESH_SECONDS = 5


@bp.get("/archives")
def index() -> Any:
    actor, text = current_actor(), request.args.get("text", "").strip()[:100]
    found = asked_for(actor)
    return render_template(
        "archives/index.html", found=found, subjects=subjects(actor, text), text=text, now=page_now(),
        refresh=REFRESH_SECONDS if any(each.busy for each in found) else 0, action_id=str(uuid4()),
        ready=ArchiveState.READY,
    )  # fmt: skip


@bp.post("/archives")
def ask() -> Any:
    """`what` is u or t and the id of the unit or of the task."""
    actor, what = current_actor(), request.form.get("what", "")
    kind, number = what[:1], what[1:]
    theirs = [each for each in subjects(actor, request.form.get("text", "").strip()[:100]) if _key(each) == what]
    if kind not in ("u", "t") or not number.isdecimal() or not theirs:
        abort(404)
    with unit_of_work():
        asked = operations.ask(
            unit_id=theirs[0].unit_id, task_id=theirs[0].task_id, actor=actor, now=page_now(),
            client_action_id=request.form.get("client_action_id") or None,
        )  # fmt: skip
    if asked.under_way:
        flash(_("This ledger is being made into a file already; it stands below."), "info")
    else:
        flash(_("The archive is being made. You can leave this page meanwhile."), "success")
    return redirect(url_for("archives.index"), 303)


def _key(subject: Any) -> str:
    return f"u{subject.unit_id}" if subject.unit_id is not None else f"t{subject.task_id}"


@bp.get("/archives/<int:id>")
def fetch(id: int) -> Any:
    found = archive_of(id, current_actor())
    if found is None or found.state is not ArchiveState.READY or not found.path:
        abort(404)
    stream = current_app.extensions["evidence"].shelf.open(found.path, found.sha256)
    answer = send_file(
        stream, "application/zip", as_attachment=True, conditional=False, etag=found.sha256, max_age=0,
        download_name=f"{found.name}-{found.asked_at:%Y%m%d}.zip",
    )  # fmt: skip
    answer.content_length = found.size
    return answer.make_conditional(request, accept_ranges=True, complete_length=found.size)  # a broken line goes on
