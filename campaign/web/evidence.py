"""Evidence as a browser gets it: pictures as small copies, everything else only to be saved, nothing that could run."""

from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request, send_file, url_for

from ..errors import Forbidden, NotFound, say
from ..evidence.bare import bare_copy
from ..evidence.inspection import plain_name
from ..evidence.pictures import Copy, is_picture, small_copy
from ..evidence.store import Store
from ..queries.evidence import EvidenceFact, captures_of, evidence_of, is_close
from ..rules.media import plain_type
from .access import current_actor, page_now
from .navigation import DESK_ROLES

bp = Blueprint("evidence", __name__)
TELLS = say("This file may say when and where it was captured. Only its unit and those who review it can save it.")
INERT = "default-src 'none'; sandbox; frame-ancestors 'none'"


@bp.get("/evidence/<int:id>")
def show(id: int) -> Any:
    """A picture for the screen; with `?original=1`, and for all other kinds, the bytes that were sent, to be saved.

    A photo of too many points is never unpacked, so that it is only to be saved, too.

    Photos and films say when and where they were captured, and so may photos inside documents: only those who sent a
    file and those who review it get it as it is. Others get a copy that says nothing.
    """
    found = _visible(id)
    wanted = bool(request.args.get("original"))
    picture = is_picture(found.media_type)
    path = None
    if picture and not wanted:
        path = small_copy(_store(), found.sha256, found.media_type, Copy.DISPLAY)
    if path is None and is_close(found.assignment_id, current_actor()):
        return _as_it_is(found)
    if not picture:
        return _bare(found)
    path = path or small_copy(_store(), found.sha256, found.media_type, Copy.DISPLAY)
    if path is None:
        raise _none_here()
    name = f"{PurePosixPath(plain_name(found.name)).stem}.jpg"
    mark = f"{found.sha256}-d"
    return _inert(send_file(path, "image/jpeg", as_attachment=wanted, download_name=name, etag=mark, max_age=0))


def _as_it_is(found: EvidenceFact) -> Response:
    stream, name = _store().open(found.sha256), plain_name(found.name)
    answer = send_file(
        stream, plain_type(found.media_type), as_attachment=True, download_name=name, etag=found.sha256, max_age=0
    )  # fmt: skip
    if answer.status_code == 200:
        answer.content_length = found.size
    return _inert(answer)


def _bare(found: EvidenceFact) -> Response:
    made = bare_copy(_store(), found.sha256, found.media_type)
    if made is None:
        raise Forbidden(TELLS)
    mark = found.sha256 if made.same else f"{found.sha256}-b"
    stream, name = BytesIO(made.data), plain_name(found.name)
    return _inert(
        send_file(stream, plain_type(found.media_type), as_attachment=True, download_name=name, etag=mark, max_age=0)
    )  # fmt: skip


@bp.get("/evidence/<int:id>/thumb")
def thumb(id: int) -> Any:
    """A picture small enough for a list; 404 for what is no picture or cannot be unpacked."""
    found = _visible(id)
    path = small_copy(_store(), found.sha256, found.media_type, Copy.THUMB)
    if path is None:
        raise _none_here()
    return _inert(send_file(path, "image/jpeg", etag=f"{found.sha256}-t", max_age=0))


@bp.get("/assignments/<int:id>/captures")
def captures(id: int) -> Any:
    """When and where the photos of the latest version were captured: for those who sent or review them alone."""
    found = captures_of(id, current_actor())
    if found is None:
        raise _none_here()
    at_desk = current_actor().has_role(*DESK_ROLES)
    home = url_for("reviews.show", id=id) if at_desk else url_for("assignments.show", id=id)
    return render_template("review/captures.html", found=found, home=home, now=page_now())


def _visible(evidence_id: int) -> EvidenceFact:
    found = evidence_of(evidence_id, current_actor())
    if found is None:
        raise _none_here()
    return found


def _none_here() -> NotFound:
    return NotFound(say("This does not exist, or it is not for you."))


def _store() -> Store:
    return current_app.extensions["evidence"]


def _inert(answer: Response) -> Response:
    """Runs nothing, guesses nothing, and is asked for again each time: whether the reader may see it can change."""
    answer.headers["Content-Security-Policy"] = INERT
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer
