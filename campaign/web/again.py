"""What somebody had typed when their session was over: kept on the page that answers, sent later by their own hand.

Nothing is stored: the page itself carries it, sealed with the key of the product. It is sealed only for a form that
came from a page of ours in the same browser, so that no stranger can put words into somebody's mouth.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import current_app, request
from flask_wtf.csrf import validate_csrf
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.exceptions import HTTPException
from wtforms.validators import ValidationError

from .navigation import our_path

HOURS = 12
MOST = 40_000  # characters of the sealed text: a stranger may send 64 KiB in all
NEVER = ("/sign-in", "/sign-out", "/me/password", "/language")  # secrets, and what is no work
OUR_OWN = frozenset({"csrf_token", "client_action_id", "seen", "back", "next", "version"})
SHORT = 2  # a text of so many characters is a choice or a number, not something written


@dataclass(frozen=True)
class Kept:
    """A form that was not taken: where it goes, its fields without its token, whether files must be chosen again."""

    path: str
    fields: tuple[tuple[str, str], ...]
    files: bool

    def written(self) -> list[str]:
        """What a person has typed, to be shown; choices and our own fields left out."""
        return [
            value.strip()
            for name, value in self.fields
            if name not in OUR_OWN and len(value.strip()) > SHORT and (" " in value.strip() or not value.isascii())
        ]


def typed_here() -> Kept | None:
    """The form of this request, if it is one to be kept."""
    path = our_path(request.full_path.rstrip("?"))
    if request.method != "POST" or not path or path.startswith(NEVER):
        return None
    try:
        fields = tuple((name, value) for name, value in request.form.items(multi=True) if name != "csrf_token")
        files = any(file.filename for file in request.files.values())
    except HTTPException:  # larger than a stranger may send
        return None
    return Kept(path, fields, files) if fields else None


def has_our_token() -> bool:
    """Whether the form carries the token that this browser's cookie knows."""
    if not current_app.config["WTF_CSRF_ENABLED"]:
        return True
    try:
        validate_csrf(request.form.get("csrf_token"))
    except (ValidationError, HTTPException):
        return False
    return True


def from_our_page() -> bool:
    """Whether the browser itself says that a page of ours sent the form."""
    origin = request.headers.get("Origin", "")
    return urlsplit(origin).netloc == request.host and request.headers.get("Sec-Fetch-Site", "same-origin") == (
        "same-origin"
    )


def not_taken() -> Kept | None:
    """The form of this request, to be shown on the page that refuses it; None unless a page of ours sent it."""
    kept = typed_here()
    return kept if kept is not None and has_our_token() else None


def seal(kept: Kept) -> str:
    """The form as one text that only we can have written; '' when it is too long for a page."""
    sealed = _sealer().dumps([kept.path, kept.fields, kept.files])
    text = sealed if isinstance(sealed, str) else sealed.decode("ascii")
    return text if len(text) <= MOST else ""


def unseal(text: str) -> Kept | None:
    """The form again; None when the text is not ours or too old."""
    try:
        path, fields, files = _sealer().loads(text, max_age=HOURS * 3600)
    except BadData:
        return None
    return Kept(path, tuple((name, value) for name, value in fields), bool(files))


def _sealer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.config["SECRET_KEY"]), salt="again")
