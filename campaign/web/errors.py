"""Every refusal and every failure as a page of the product (or as JSON for a script), never a bare traceback."""

import secrets
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, g, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError

from ..db import is_busy
from ..errors import CampaignError, Invalid
from .again import from_our_page, not_taken, seal, typed_here
from .door import SignInForm
from .language import speak
from .navigation import our_path

RETRY_SECONDS = "5"
PASSING = (429, 503, 507)  # the same may succeed a little later


def register_errors(app: Flask) -> None:
    """Adds the handlers."""
    app.register_error_handler(CampaignError, refusal_page)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(PoolTimeout, _busy)
    for kind in (DataError, OverflowError, UnicodeEncodeError):
        app.register_error_handler(kind, _unkeepable)
    app.register_error_handler(InternalServerError, _unexpected)


def wants_json() -> bool:
    """Whether a script asked, not a person."""
    return request.accept_mimetypes.best == "application/json"


def _titles() -> dict[int, str]:
    return {
        400: _("This request could not be understood"),
        401: _("Please sign in"),
        403: _("You may not do this"),
        404: _("Nothing is here for you"),
        405: _("This does not work this way"),
        409: _("Nothing was changed"),
        413: _("This is too large"),
        415: _("This kind of file is not accepted"),
        422: _("Something needs your attention"),
        423: _("This account is locked for now"),
        429: _("Too many requests"),
        503: _("The system is busy just now"),
        507: _("There is no room left"),
    }


def _words() -> dict[int, str]:
    return {
        400: _("Please go back, open the page again and repeat what you did."),
        401: _("You were away for a while and have been signed out. Please sign in and repeat what you did."),
        403: _("None of your posts may do this."),
        404: _("The page does not exist, or it does not belong to your units."),
        405: _("Please go back and use the button on the page."),
        413: _("What you sent is larger than the system takes. Please send smaller files, or fewer at once."),
        415: _("Please send a photo, a PDF, a Word or an Excel file."),
        429: _("Please wait a minute and try again."),
        503: _("Nothing was changed. Please try again in a moment."),
    }


def _page(status: int, sentence: str, problems: list[dict[str, str]] | None = None, **more: Any) -> Any:
    title = _titles().get(status, _("This did not work"))
    if wants_json():
        answer = jsonify({"status": status, "title": title, "sentence": sentence, "problems": problems or []} | more)
    else:
        template = "errors/page.html"
        if status in (500, 503):
            # A failing database must not be asked again by the frame of the page that says so: whose page is it?
            template = "errors/bare.html"
            g.setdefault("_login_user", current_app.login_manager.anonymous_user())  # type: ignore[attr-defined]
        answer = make_response(
            render_template(
                template,
                status=status,
                title=title,
                sentence=sentence,
                problems=problems or [],
                reference=more.get("reference", ""),
                kept=not_taken(),
                may_repeat=status in PASSING,
                came_from=_came_from(),
            )
        )
    answer.status_code = status
    if status == 503:
        answer.headers["Retry-After"] = RETRY_SECONDS
    return answer


def _came_from() -> str:
    """The page of ours from which this one was asked for, if the browser says so; '' otherwise."""
    parts = urlsplit(request.referrer or "")
    path = our_path(parts.path + (f"?{parts.query}" if parts.query else ""))
    return path if parts.netloc == request.host and path != request.full_path.rstrip("?") else ""


def refusal_page(error: CampaignError) -> Any:
    """The page for what was refused: its sentence and its problems."""
    problems = error.problems if isinstance(error, Invalid) else []
    listed = [{"where": problem.where, "sentence": speak(problem.sentence)} for problem in problems]
    return _page(error.status, speak(error.sentence), listed)


def _http(error: HTTPException) -> Any:
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()
    if isinstance(error, CSRFError):
        return _form_of_before()
    if error.code == 401 and not wants_json() and (kept := not_taken()):
        empty = {"form": SignInForm(formdata=None), "onward": "/", "refusal": ""}
        return make_response(render_template("errors/signed_out.html", kept=kept, sealed=seal(kept), **empty), 401)
    sentence = _words().get(error.code, _("Please go back and try again."))
    if error.code == 401 and wants_json():  # a script asked, and what was typed still stands on its page
        sentence = _("You have been signed out. What you typed stays on this page: press the button, sign in, go on.")
    answer = _page(error.code, sentence)
    for name, value in error.get_headers(request.environ):
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _form_of_before() -> Any:
    """The form is of a session before this one. What was typed is not lost: it may be sent as it stands."""
    kept = typed_here() if not wants_json() and from_our_page() else None
    if kept is None:
        return _page(400, _("This form is no longer valid. Please open the page again and repeat what you did."))
    return make_response(render_template("errors/again.html", kept=kept, signed_in=False), 400)


def _database(error: OperationalError) -> Any:
    if is_busy(error):
        return _busy(error)
    raise error  # not a matter of waiting: the page with the reference number


def _busy(error: Exception) -> Any:
    return _page(503, _words()[503])


def _unkeepable(error: Exception) -> Any:
    """A number or a text that no column can hold: the two databases say so in ways of their own."""
    current_app.logger.warning("%s %s: %s", request.method, request.path, type(error).__name__, exc_info=error)
    return _page(400, _words()[400])


def _unexpected(error: InternalServerError) -> Any:
    reference = secrets.token_hex(4)
    current_app.logger.error("reference %s: %s %s failed", reference, request.method, request.path)
    sentence = _("An unexpected error happened and was written down. If it happens again, name this number.")
    return _page(500, sentence, reference=reference)
