"""The door itself: sign in, sign out, the password, the language."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, make_response, redirect, render_template, request

from .language import COOKIE, LANGUAGES

bp = Blueprint("door", __name__)


@bp.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Any:
    return render_template("door/sign_in.html")


@bp.post("/sign-out")
def sign_out() -> Any:
    return redirect("/", 303)


@bp.route("/me/password", methods=["GET", "POST"])
def password() -> Any:
    return render_template("door/password.html")


@bp.route("/language/<any(zh_CN, en):code>", methods=["GET", "POST"])
def language(code: str) -> Any:
    answer = make_response(redirect(local_path(request.values.get("next")), 303))
    answer.set_cookie(COOKIE, code, max_age=31536000, samesite="Lax", httponly=True, secure=request.is_secure)
    assert code in LANGUAGES
    return answer


def local_path(wanted: str | None) -> str:
    """The path to go on to, if it is one of ours; the start page otherwise."""
    parts = urlsplit((wanted or "").replace("\\", "/"))
    return wanted if wanted and wanted.startswith("/") and not wanted.startswith("//") and not parts.netloc else "/"
