"""My calendar: the page that makes and withdraws the secret link, and what the link answers to calendar programs."""

import hashlib
import time
from collections import OrderedDict
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import force_locale
from flask_babel import gettext as _

from ..clock import local_today
from ..db import unit_of_work
from ..documents.feeds import Day
from ..documents.feeds import feed as written
from ..operations import telling
from ..queries.people import actor_of
from ..queries.telling import DatedRow, dates, subscriber, wishes
from .access import current_actor, page_now
from .language import LANGUAGES, speak

bp = Blueprint("feed", __name__)
MOST_ASKED = 60  # times in a window, from one link or one address; programs look every quarter of an hour
WINDOW = 600.0  # seconds
REMEMBERED = 10_000
LONGEST_TOKEN = 100
FRESH = "fresh_feed"  # in the cookie of whoever made the link, until the next page has shown it


class Pace:
    """How often somebody asked in the present window, in this process."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = Lock()

    def too_often(self, who: str) -> bool:
        """Counts the question; whether it is one too many."""
        moment = time.monotonic()
        with self._lock:
            began, n = self._seen.pop(who, (moment, 0))
            if moment - began > WINDOW:
                began, n = moment, 0
            self._seen[who] = began, n + 1
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            return n >= MOST_ASKED


pace = Pace()


@bp.route("/me/feed", methods=["GET"])
def page() -> Any:
    """Whether there is a link, and what it shows; a link that was just made, this once."""
    token = session.pop(FRESH, "")
    address = f"{current_app.config['SETTINGS'].address}{url_for('.calendar', token=token)}" if token else ""
    return render_template("me/feed.html", has_feed=wishes(current_actor()).has_feed, address=address, refusal="")


@bp.post("/me/feed")
def make() -> Any:
    """Makes a link, or a new one in place of the old; the page shows it once."""
    try:
        with unit_of_work():
            session[FRESH] = telling.open_feed(actor=current_actor(), now=page_now())
    except telling.TooOften as refusal:
        found = render_template(
            "me/feed.html", has_feed=wishes(current_actor()).has_feed, address="", refusal=speak(refusal.sentence)
        )
        return found, refusal.status
    return redirect(url_for(".page"), 303)


@bp.post("/me/feed/end")
def end() -> Any:
    """Withdraws the link."""
    with unit_of_work():
        telling.close_feed(actor=current_actor(), now=page_now())
    flash(_("The link is withdrawn. Calendar programs find nothing there any more."), "success")
    return redirect(url_for(".page"), 303)


@bp.get("/feed/<token>.ics")
def calendar(token: str) -> Any:
    """The dates of whoever made the link. No session: the secret is the key. 404 for any other."""
    digest = telling.token_digest(token[:LONGEST_TOKEN])
    if pace.too_often(f"from {request.remote_addr}") or pace.too_often(digest):
        return Response(status=429, headers={"Retry-After": str(int(WINDOW))})
    found = subscriber(digest)
    actor = actor_of(found.person_id, local_today(page_now())) if found else None
    if found is None or actor is None:
        abort(404)
    settings = current_app.config["SETTINGS"]
    with force_locale(found.locale if found.locale in LANGUAGES else settings.locale):
        name = _("Tasks of %(name)s", name=actor.name)
        body = written([_day(row) for row in dates(actor)], name)
    answer = make_response(body)
    answer.mimetype = "text/calendar"
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Content-Disposition"] = 'inline; filename="tasks.ics"'
    answer.set_etag(hashlib.sha256(body).hexdigest()[:32])
    return answer.make_conditional(request)


def _day(row: DatedRow) -> Day:
    words = {
        "respond_by": _("Sign for by today: %(title)s (%(unit)s)", title=row.title, unit=row.unit_name),
        "due_at": _("Due today: %(title)s (%(unit)s)", title=row.title, unit=row.unit_name),
        "review_due_at": _("Review due today: %(task)s (%(unit)s)", task=row.title, unit=row.unit_name),
    }[row.kind]
    address = current_app.config["SETTINGS"].address
    place = "reviews" if row.kind == "review_due_at" else "assignments"
    uid = f"assignment-{row.assignment_id}-{row.kind.replace('_', '-')}@{urlsplit(address).hostname}"
    return Day(uid, local_today(row.at), words, f"{address}/{place}/{row.assignment_id}", row.changed_at)
