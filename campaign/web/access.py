"""Who stands at the door: the signed-in person, and the hook that keeps every route closed unless it is listed here."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, g, redirect, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.exceptions import Unauthorized

from .. import clock
from ..db import unit_of_work
from ..errors import Busy, Forbidden, NoSpace, say
from ..operations.signing_in import SEEN_EVERY, digest_of, touch
from ..queries.people import SessionFact, session_of
from ..rules.organisation import Actor, Role

# The endpoints that answer to everybody. Whatever is not listed needs a signed-in person.
PUBLIC = frozenset({
    "static", "door.sign_in", "door.sign_out", "door.language",
    "system.healthz", "system.readyz", "system.metrics", "system.styleguide",
    "feed.calendar",  # a calendar program has no session: the secret in the address is the key
})  # fmt: skip
# Where a person may go who must still choose a password.
BEFORE_PASSWORD = PUBLIC | {"door.password"}
# These ask for nobody, so that they answer when the database does not.
IMPERSONAL = frozenset({"static", "system.healthz", "system.readyz", "system.metrics"})
STRANGERS_MOST = 64 * 1024  # bytes that somebody may send who is not signed in
View = TypeVar("View", bound=Callable[..., Any])


class SignedIn(UserMixin):
    """The person behind a living session. Its id, kept in the signed cookie, is the session's secret."""

    def __init__(self, secret: str, found: SessionFact) -> None:
        self.secret = secret
        self.session = found
        self.actor = found.actor
        self.name = found.actor.name
        self.locale = found.locale

    def get_id(self) -> str:
        return self.secret


def page_now() -> datetime:
    """The one instant of this request."""
    if "now" not in g:
        g.now = clock.now()
    return g.now


def current_actor() -> Actor:
    """The signed-in person with the posts that are valid today."""
    if not current_user.is_authenticated:
        raise Unauthorized
    return current_user.actor


def require_role(*roles: Role) -> Callable[[View], View]:
    """Lets only people with a post of one of these roles reach the view; others get a 403."""

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not current_actor().has_role(*roles):
                raise Forbidden(say("None of your posts may open this page."))
            return view(*args, **kwargs)

        return guarded  # type: ignore[return-value]

    return wrap


def register_access(app: Flask) -> None:
    """Reads the person anew for every request, and closes every route that is not public."""
    manager = LoginManager(app)
    # A phone changes its address between two villages; the secret alone names the session.
    manager.session_protection = None
    manager.user_loader(_load)
    app.before_request(_guard)


def enter(secret: str) -> None:
    """Puts a session just opened into the browser's cookie; nothing from before the sign-in is carried over."""
    session.clear()
    g.pop("csrf_token", None)  # it was made for the session that is gone
    login_user(_load(secret))


def leave() -> None:
    """Takes the session out of the browser's cookie."""
    logout_user()
    session.clear()


def _load(secret: str) -> SignedIn | None:
    found = session_of(digest_of(secret), now=page_now())
    return None if found is None else SignedIn(secret, found)


def _guard() -> Any:
    if request.endpoint in IMPERSONAL:
        return None
    signed_in = current_user.is_authenticated
    if not signed_in and request.endpoint is not None and request.endpoint not in PUBLIC:
        return _ask_to_sign_in()
    if not signed_in:
        request.max_content_length = STRANGERS_MOST
        return None
    _note_use(current_user.session)
    if current_user.session.must_change_password and request.endpoint not in BEFORE_PASSWORD:
        return redirect(url_for("door.password"), 303)
    return None


def _ask_to_sign_in() -> Any:
    if request.method not in ("GET", "HEAD"):
        raise Unauthorized
    wanted = request.full_path.rstrip("?")
    return redirect(url_for("door.sign_in", next=None if wanted == "/" else wanted), 303)


def _note_use(found: SessionFact) -> None:
    if page_now() - found.seen_at < SEEN_EVERY:
        return
    # A page is not refused because this could not be written; the next one will write it.
    with suppress(Busy, NoSpace), unit_of_work():
        touch(found.digest, now=page_now())
