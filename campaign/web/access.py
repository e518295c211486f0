"""Who stands at the door: the signed-in person, and the hook that keeps every route closed unless it is listed here."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, current_app, flash, g, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import LoginManager, UserMixin, current_user
from werkzeug.exceptions import Unauthorized

from .. import clock
from ..errors import Forbidden, say
from ..queries.people import SessionFact, actor_of, session_of
from ..rules.dates import local_day
from ..rules.organisation import Actor, Role

# The endpoints that answer to everybody. Whatever is not listed needs a signed-in person.
PUBLIC = frozenset({
    "static", "door.sign_in", "door.sign_out", "door.language",
    "system.healthz", "system.readyz", "system.metrics", "system.styleguide",
})  # fmt: skip
# Where a person may go who must still choose a password.
BEFORE_PASSWORD = PUBLIC | {"door.password"}
# These ask for nobody, so that they answer when the database does not.
IMPERSONAL = frozenset({"static", "system.healthz", "system.readyz", "system.metrics"})
View = TypeVar("View", bound=Callable[..., Any])


class SignedIn(UserMixin):
    """The person behind a living session. Its id, kept in the signed cookie, is the session's secret."""

    def __init__(self, secret: str, session: SessionFact, actor: Actor) -> None:
        self.secret = secret
        self.session = session
        self.actor = actor
        self.name = actor.name
        self.locale = session.locale

    def get_id(self) -> str:
        return self.secret


def digest_of(secret: str) -> str:
    """What the database keeps of a session's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


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


def _load(secret: str) -> SignedIn | None:
    session = session_of(digest_of(secret), now=page_now())
    if session is None:
        return None
    actor = actor_of(session.person_id, local_day(page_now(), current_app.config["SETTINGS"].timezone))
    return None if actor is None else SignedIn(secret, session, actor)


def _guard() -> Any:
    if request.endpoint in IMPERSONAL:
        return None
    signed_in = current_user.is_authenticated
    if not signed_in and request.endpoint is not None and request.endpoint not in PUBLIC:
        if request.method in ("GET", "HEAD"):
            wanted = request.full_path.rstrip("?")
            return redirect(url_for("door.sign_in", next=None if wanted == "/" else wanted), 303)
        raise Unauthorized
    if signed_in and current_user.session.must_change_password and request.endpoint not in BEFORE_PASSWORD:
        flash(_("Please choose a password of your own first."), "info")
        return redirect(url_for("door.password"), 303)
    return None
