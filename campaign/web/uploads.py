"""Files on their way in: one by one by a script, in pieces that go on where a lost connection stopped them, or with the
form; and pieces of evidence that the unit has sent before, chosen once more."""

from typing import Any

from flask import current_app, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import ngettext
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from ..clock import zone
from ..db import unit_of_work
from ..errors import Busy, Invalid, NoSpace, NotFound, Refused, say
from ..evidence.inspection import plain_name
from ..evidence.pictures import look
from ..evidence.pieces import LARGEST_PIECE, PIECE
from ..evidence.store import Damaged, Store, Stored
from ..operations import keeping, uploads
from ..queries.assignments import Whole
from ..queries.attached import file_of
from ..queries.evidence import EvidenceFact, HalfUpload, earlier, half_upload, known_to_unit, not_looked_at
from ..rules.organisation import Role
from ..rules.states import WITH_OFFICER
from .access import current_actor, page_now
from .assignments import bp, visible
from .evidence_boxes import said_of
from .filters import size_words
from .language import speak
from .report_form import first_fields

MOST_AT_ONCE = 20  # files in one form; a script sends them one by one and as many as it likes
PIECES_LOST = say("What was uploaded of this file cannot be used. Please add it again.")


@bp.post("/assignments/<int:id>/upload")
def upload(id: int) -> Any:
    """One file of a script, kept at once; it belongs to the draft from now on."""
    found = visible(id)
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Invalid(say("No file came with this."))
    name, store = plain_name(sent.filename), _store()
    stored = store.put(sent.stream, name=name)
    looked = look(store, sent.stream, stored, zone=zone())
    with unit_of_work():
        evidence_id = keeping.keep(id, stored, looked, name, actor=current_actor(), now=page_now())
        _into_draft(found, [evidence_id])
    return _tile(found, evidence_id)


@bp.post("/assignments/<int:id>/uploads")
def begin_upload(id: int) -> Any:
    """Announces a file by its hash. What the unit has sent already needs no bytes; otherwise: where to go on from."""
    found = visible(id)
    sha256, size = request.form.get("sha256", ""), request.form.get("size", 0, type=int)
    name = plain_name(request.form.get("name", ""))
    actor, now = current_actor(), page_now()
    known = known_to_unit(id, sha256)
    if known is not None and known.size == size and _lies_there(known):
        with unit_of_work():
            evidence_id = keeping.use_again(id, known.id, actor=actor, now=now)
            _into_draft(found, [evidence_id])
        return _tile(found, evidence_id, here=True)
    with unit_of_work():
        begun = uploads.begin(id, sha256, size, name, actor=actor, now=now)
    there = _store().pieces.received(begun.id)
    return jsonify({"upload": begun.id, "received": there, "piece": PIECE, "most": LARGEST_PIECE}), 201


@bp.put("/assignments/<int:id>/uploads/<uuid:upload_id>")
def add_piece(id: int, upload_id: Any) -> Any:
    """One piece, at the offset that the address names. The answer says how many bytes are safe: go on from there."""
    half = _half(id, upload_id)
    if (request.content_length or 0) > LARGEST_PIECE:
        raise RequestEntityTooLarge
    if half.evidence_id is not None:
        return jsonify({"received": half.size})
    offset = request.args.get("offset", -1, type=int)
    there = _store().pieces.add(half.id, offset, request.get_data(), half.size)
    with unit_of_work():
        uploads.went_on(half.id, there, now=page_now())
    return jsonify({"received": there})


@bp.post("/assignments/<int:id>/uploads/<uuid:upload_id>/finish")
def finish_upload(id: int, upload_id: Any) -> Any:
    """The whole file becomes evidence when its bytes give the hash that was announced; asked again, the same answer."""
    half, found = _half(id, upload_id), visible(id)
    if half.evidence_id is not None:
        return _tile(found, half.evidence_id)
    store = _store()
    with store.pieces.whole(half.id, half.sha256, half.size) as stream:
        if stream is None:
            return jsonify({"received": store.pieces.received(half.id), "sentence": speak(PIECES_LOST)}), 409
        try:
            stored = store.put(stream, name=half.name)
        except Invalid:
            _drop(half)
            raise
        looked = look(store, stream, stored, zone=zone())
    with unit_of_work():
        evidence_id = uploads.finish(half.id, stored, looked, actor=current_actor(), now=page_now())
        _into_draft(found, [evidence_id])
    store.pieces.forget(half.id)
    return _tile(found, evidence_id)


@bp.post("/assignments/<int:id>/uploads/<uuid:upload_id>/drop")
def drop_upload(id: int, upload_id: Any) -> Any:
    """Forgets a file that its sender took back before it was whole."""
    _drop(_half(id, upload_id))
    return "", 204


@bp.get("/assignments/<int:id>/earlier")
def earlier_evidence(id: int) -> Any:
    """What the unit has sent for other tasks, to be used here without sending it again."""
    found = _working(id)
    after = request.args.get("after", type=int)
    shown, more = earlier(id, before=after)
    rule = request.args.get("rule", 0, type=int)
    return render_template(
        "officer/earlier.html", ask=found.ask, whole=found, rule_id=rule, pieces=shown, more=more, after=after
    )


@bp.post("/assignments/<int:id>/earlier")
def use_earlier(id: int) -> Any:
    """Takes the chosen pieces into the report, for the rule they were looked for."""
    found = _working(id)
    chosen = request.form.getlist("piece", type=int)[:MOST_AT_ONCE]
    rule = request.form.get("rule", 0, type=int)
    if not chosen:
        raise Invalid(say("Please choose at least one file."))
    actor, now = current_actor(), page_now()
    with unit_of_work():
        kept = [keeping.use_again(id, piece, actor=actor, now=now) for piece in chosen]
        _into_draft(found, kept)
    n = len(kept)
    flash(
        ngettext("%(num)s file added without sending it again.", "%(num)s files added without sending them again.", n),
        "success",
    )
    where = f"evidence-{rule}" if rule in {known.id for known in found.rules} else "evidence-0"
    return redirect(url_for(".show", id=id, _anchor=where), 303)


def keep_file(id: int, sent: FileStorage) -> int:
    """Keeps the bytes, then the row; the same bytes again are the same evidence."""
    store, name = _store(), plain_name(sent.filename or "")
    stored = store.put(sent.stream, name=name)
    looked = look(store, sent.stream, stored, zone=zone())
    with unit_of_work():
        return keeping.keep(id, stored, looked, name, actor=current_actor(), now=page_now())


def look_again(id: int, evidence_ids: list[int]) -> None:
    """Looks at what came while nobody had time to, so that a submission is compared whole. What cannot be read now is
    passed over: a flag is advice, and whether the bytes lie there is asked elsewhere."""
    store = _store()
    for file in not_looked_at(id, evidence_ids):
        try:
            with store.open(file.sha256) as stream:
                found = look(store, stream, Stored(file.sha256, file.size, file.media_type), zone=zone(), wait=True)
        except (Busy, NoSpace, Damaged):
            return
        with unit_of_work():
            keeping.remember_look(file.sha256, found)


def _working(id: int) -> Whole:
    found = visible(id)
    if current_actor().post_in(found.ask.unit_id, Role.OFFICER) is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    if found.ask.state not in WITH_OFFICER:
        raise Refused(say("Evidence can be added while the work is in your hands."))
    return found


def _half(id: int, upload_id: Any) -> HalfUpload:
    half = half_upload(str(upload_id), id, current_actor())
    if half is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    return half


def _drop(half: HalfUpload) -> None:
    with unit_of_work():
        uploads.give_up(half.id, actor=current_actor())
    _store().pieces.forget(half.id)


def _tile(found: Whole, evidence_id: int, *, here: bool = False) -> Any:
    """What the script draws."""
    file = file_of(found.ask.id, evidence_id)
    answer = {"id": file.id, "name": file.name, "size": size_words(file.size), "photo": file.is_photo, "here": here}
    answer |= {"sha256": file.sha256} | said_of(request.form.get("rule", 0, type=int), file, found)
    return jsonify(answer | {"href": url_for("evidence.show", id=file.id)}), 201


def _into_draft(found: Whole, evidence_ids: list[int]) -> None:
    """The files belong to the draft from now on, for the rule that the form names; within the caller's unit of work."""
    rule = request.form.get("rule", 0, type=int)
    serves = rule if rule in {known.id for known in found.rules} else None
    files = dict.fromkeys(evidence_ids, serves)
    keeping.into_draft(found.ask.id, files, first_fields(found), actor=current_actor(), now=page_now())


def _lies_there(known: EvidenceFact) -> bool:
    return _store().size_of(known.sha256) == known.size


def _store() -> Store:
    store: Store = current_app.extensions["evidence"]
    return store
