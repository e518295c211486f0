"""What stands in the bar of every page: the places this person's roles open, and the other language."""

from dataclasses import dataclass

from flask import current_app, g, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ..rules.organisation import Actor, Role
from .language import LANGUAGES, choose_locale
from .words import word

TAGS = {"zh_CN": "zh-CN", "en": "en"}
DESK_ROLES = (Role.SUPERVISOR, Role.DISPATCHER, Role.ADMINISTRATOR, Role.AUDITOR)
PLACES = (
    ("inbox.home", _l("To do"), "inbox", (Role.OFFICER,)),
    ("reviews.queue", _l("To review"), "check", (Role.SUPERVISOR,)),
    ("campaigns.index", _l("Campaigns"), "flag", DESK_ROLES),
    ("requests.index", _l("Requests"), "clock", (Role.SUPERVISOR, Role.DISPATCHER)),
    ("assignments.index", _l("Tasks"), "list", tuple(Role)),
    ("inbox.messages", _l("Messages"), "bell", tuple(Role)),
    ("admin.index", _l("Administration"), "person", (Role.ADMINISTRATOR, Role.AUDITOR)),
    ("inbox.me", _l("Me"), "person", (Role.OFFICER,)),
)


@dataclass(frozen=True)
class Place:
    """One entry of the bar."""

    endpoint: str
    text: str
    icon: str
    href: str
    current: bool


# What has no place of its own in the bar, by the place within which it stands.
INSIDE = {
    "admin": ("system", "vacancies"),
    "campaigns": ("board", "metrics", "comparison", "cascading", "cascade_tree", "periods", "ladders", "registers"),
    "reviews": ("questions",),
}
OF_ME = ("standing_in", "preferences", "feed")


@dataclass(frozen=True)
class Reader:
    """The signed-in person as the bar shows them. `at_desk`: has more to do than report."""

    name: str
    title: str
    at_desk: bool
    nav: tuple[Place, ...]


@dataclass(frozen=True)
class Language:
    """A language that the page can be read in."""

    code: str
    tag: str
    name: str


def has_endpoint(name: str) -> bool:
    """Whether the product has this page."""
    return name in current_app.view_functions


def page_language() -> str:
    """The language of this page, as HTML names it."""
    return TAGS[choose_locale()]


def other_language() -> Language:
    """The language that this page is not read in."""
    code = "en" if choose_locale() == "zh_CN" else "zh_CN"
    return Language(code, TAGS[code], "中文" if code == "zh_CN" else LANGUAGES[code])


def page_actor() -> Reader | None:
    """The signed-in person, or None. Asks nothing of the database: the guard has loaded the person already."""
    actor: Actor | None = getattr(g.get("_login_user"), "actor", None)
    if actor is None:
        return None
    at_desk = actor.has_role(*DESK_ROLES)
    nav = tuple(
        Place(endpoint, str(text), icon, url_for(endpoint), _is_current(endpoint))
        for endpoint, text, icon, roles in PLACES
        if actor.has_role(*roles) and has_endpoint(endpoint) and not (at_desk and endpoint == "inbox.me")
    )
    return Reader(actor.name, _title(actor), at_desk, nav)


def _title(actor: Actor) -> str:
    if not actor.posts:
        return actor.name
    post = min(actor.posts, key=lambda post: (post.role is Role.OFFICER, post.role))
    return _("%(unit)s · %(role)s", unit=post.unit_name, role=word(post.role)) if post.unit_name else actor.name


def _is_current(endpoint: str) -> bool:
    if endpoint.startswith("inbox."):
        return request.endpoint == endpoint or (endpoint == "inbox.me" and request.blueprint in OF_ME)
    place = endpoint.split(".")[0]
    return request.blueprint in (place, *INSIDE.get(place, ()))


def back_address() -> str:
    """The address to go back to, if it is a path of ours; '' otherwise."""
    return our_path(request.values.get("back", ""))


def our_path(wanted: str) -> str:
    """The address as it is, if it is a path of ours; '' otherwise."""
    path = wanted.replace("\\", "/")  # as a browser reads it; after two slashes stands the name of a server
    return wanted if path.startswith("/") and not path.startswith("//") and path.isprintable() else ""
