"""The door itself: sign in, sign out, the password, the language."""

from typing import Any

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired

from ..db import unit_of_work
from ..errors import Invalid
from ..operations.people import change_password, choose_language
from ..operations.signing_in import Locked, admit, close_session, confirm, matches, open_session, refuse, reserve
from ..rules.accounts import LONGEST, SHORTEST
from .access import current_actor, enter, leave, page_now
from .again import unseal
from .language import COOKIE, speak
from .navigation import our_path

bp = Blueprint("door", __name__)
A_YEAR = 365 * 24 * 3600


class SignInForm(FlaskForm):
    login = StringField(
        _l("Login name"),
        [InputRequired(_l("Enter your login name."))],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "maxlength": 64},
    )
    password = PasswordField(
        _l("Password"),
        [InputRequired(_l("Enter your password."))],
        render_kw={"autocomplete": "current-password", "maxlength": LONGEST},
    )


class NewPasswordForm(FlaskForm):
    """For a person who signed in with a password given by somebody else, a moment ago."""

    new = PasswordField(
        _l("New password"),
        [InputRequired(_l("Enter a new password."))],
        render_kw={"autocomplete": "new-password", "maxlength": LONGEST},
    )
    again = PasswordField(
        _l("New password, once more"),
        [InputRequired(_l("Enter the new password once more.")), EqualTo("new", _l("The two passwords differ."))],
        render_kw={"autocomplete": "new-password", "maxlength": LONGEST},
    )


class PasswordForm(NewPasswordForm):
    current = PasswordField(
        _l("Present password"),
        [InputRequired(_l("Enter your present password."))],
        render_kw={"autocomplete": "current-password", "maxlength": LONGEST},
    )


@bp.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Any:
    onward = local_path(request.values.get("next"))
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(onward, 303)
    form = SignInForm()
    if not form.is_submitted():
        return _sign_in_page(form, onward)
    if not form.validate():
        return _sign_in_page(form, onward), 422
    login, password = form.login.data or "", form.password.data or ""
    try:
        with unit_of_work():
            attempt = reserve(login, now=page_now())
    except Locked as locked:
        return _sign_in_page(form, onward, refusal=speak(locked.sentence)), locked.status
    right = matches(attempt, password)
    with unit_of_work():
        secret = admit(attempt, password, now=page_now()) if right else None
        refusal = refuse(attempt, now=page_now()) if secret is None else None
    if secret is None or refusal is not None:
        return _sign_in_page(form, onward, refusal=speak(refusal) if refusal else ""), 401
    enter(secret)
    kept = unseal(request.form.get("again", ""))
    if kept is not None and not current_user.session.must_change_password:
        return render_template("errors/again.html", kept=kept, signed_in=True)
    return redirect(onward, 303)


@bp.post("/sign-out")
def sign_out() -> Any:
    if current_user.is_authenticated:
        with unit_of_work():
            close_session(current_user.session.digest, actor=current_actor(), now=page_now())
    leave()
    flash(_("You have signed out."), "success")
    return redirect("/sign-in", 303)


@bp.route("/me/password", methods=["GET", "POST"])
def password() -> Any:
    forced = current_user.session.must_change_password
    form = NewPasswordForm() if forced else PasswordForm()
    if not form.is_submitted():
        return _password_page(form, forced)
    if not form.validate():
        return _password_page(form, forced), 422
    if not forced and not _present_password_is_right(form):
        return _password_page(form, forced), 422
    try:
        with unit_of_work():
            change_password(form.new.data or "", actor=current_actor(), now=page_now())
            secret = open_session(actor=current_actor(), now=page_now())
    except Invalid as invalid:
        form.new.errors = [speak(problem.sentence) for problem in invalid.problems]
        return _password_page(form, forced), 422
    enter(secret)
    flash(_("Your password has been changed. Other devices have been signed out."), "success")
    return redirect("/", 303)


@bp.post("/language/<any(zh_CN, en):code>")
def language(code: str) -> Any:
    if current_user.is_authenticated:
        with unit_of_work():
            choose_language(code, actor=current_actor(), now=page_now())
    answer = make_response(redirect(local_path(request.values.get("next")), 303))
    answer.set_cookie(COOKIE, code, max_age=A_YEAR, samesite="Lax", httponly=True, secure=request.is_secure)
    return answer


def local_path(wanted: str | None) -> str:
    """The path to go on to, if it is one of ours; the start page otherwise."""
    return our_path(wanted or "") or "/"


def _present_password_is_right(form: PasswordForm) -> bool:
    """Counted like a sign-in, so that an unattended phone does not help to guess. Raises Locked."""
    with unit_of_work():
        attempt = reserve(current_user.session.login, now=page_now())
    right = matches(attempt, form.current.data or "")
    with unit_of_work():
        if right and confirm(attempt, now=page_now()):
            return True
        refusal = refuse(attempt, now=page_now())
    form.current.errors = [speak(refusal)]
    return False


def _sign_in_page(form: SignInForm, onward: str, refusal: str = "") -> str:
    sealed = request.form.get("again", "")
    kept = unseal(sealed)
    name = "door/sign_in.html" if kept is None else "errors/signed_out.html"
    demo = current_app.config["SETTINGS"].env == "demo"
    return render_template(name, form=form, onward=onward, refusal=refusal, kept=kept, sealed=sealed, demo=demo)


def _password_page(form: NewPasswordForm, forced: bool) -> str:
    return render_template("door/password.html", form=form, forced=forced, shortest=SHORTEST)
