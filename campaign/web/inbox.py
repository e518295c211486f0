"""A person's own pages: what there is to do over all posts, what the person was told, and who they are here."""

from itertools import chain
from typing import Any
from uuid import uuid4

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ..clock import local_today
from ..db import unit_of_work
from ..documents.sheets import Column, Show
from ..operations.reading import mark_all_read
from ..queries import inbox
from ..queries.delegations import links_of
from ..queries.handovers import taken_over
from ..rules.dates import Light
from ..rules.organisation import Actor, Role
from ..rules.states import State
from .access import current_actor, page_now
from .downloads import table_answer
from .navigation import DESK_ROLES, has_endpoint
from .words import tag_words

bp = Blueprint("inbox", __name__)
UNREAD = "unread"
MOST_EXPORTED = 10_000
STARTS = (
    (Role.SUPERVISOR, "reviews.queue"),
    (Role.DISPATCHER, "campaigns.index"),
    (Role.ADMINISTRATOR, "admin.index"),
    (Role.AUDITOR, "admin.index"),
)


@bp.get("/")
def home() -> Any:
    actor, now = current_actor(), page_now()
    if not actor.has_role(Role.OFFICER):
        return redirect(_start(actor), 303)
    counts = inbox.counts(actor, now=now)
    units = {post.unit_id: post.unit_name for post in actor.posts if post.role is Role.OFFICER}
    chosen = request.args.get("unit", type=int)
    unit_id = chosen if chosen in units else None
    groups = inbox.cards(actor, now=now, unit_id=unit_id)
    return render_template(
        "officer/home.html",
        counts=counts,
        groups=[(light, groups[light]) for light in inbox.TO_DO if groups[light]],
        disputed=groups[Light.DISPUTED],
        waiting=groups[Light.WAITING],
        done=groups[Light.DONE],
        missed=inbox.missed(actor, now=now, unit_id=unit_id) if counts.missed(unit_id) else (),
        units=units,
        unit_id=unit_id,
        actor=actor,
        now=now,
        lights=Light,
        taken_over=taken_over(actor.person_id),
        action_ids={card.id: uuid4() for card in chain(*groups.values()) if card.state is State.ISSUED},
        badges=_badges(actor, counts.to_do()),
    )


def _start(actor: Actor) -> str:
    """Where a person without anything to report begins."""
    starts = (name for role, name in STARTS if actor.has_role(role) and has_endpoint(name))
    return url_for(next(starts, "inbox.me"))


def _badges(actor: Actor, to_do: int) -> dict[str, int]:
    return {"inbox.home": to_do, "inbox.messages": inbox.unread(actor)}


@bp.get("/messages")
def messages() -> Any:
    actor = current_actor()
    id, _dot, assignment_id = request.args.get("before", "").partition(".")
    before = (int(id), int(assignment_id)) if _is_number(id) and _is_number(assignment_id) else None
    only_new = request.args.get("show") == UNREAD
    found, unread = inbox.messages(actor, before=before, only_new=only_new), inbox.unread(actor)
    given: dict[str, Any] = {"show": UNREAD} if only_new else {}
    key = f"{found.next[0]}.{found.next[1]}" if found.next else ""
    return render_template(
        "officer/messages.html",
        found=found,
        first_page="" if before is None else url_for(".messages", **given),
        next_page=url_for(".messages", before=key, **given) if key else "",
        only_new=only_new,
        chips=[
            (_("All"), None, url_for(".messages"), not only_new),
            (_("Unread"), unread, url_for(".messages", show=UNREAD), only_new),
        ],
        exports={kind: url_for(".messages_export", kind=kind, **given) for kind in ("xlsx", "csv")},
        unread=unread,
        badges={"inbox.messages": unread},
    )


@bp.get("/messages.<any(xlsx, csv):kind>")
def messages_export(kind: str) -> Any:
    """The messages that the list shows, all of them."""
    columns = [
        Column(_("Time"), 18, Show.MOMENT), Column(_("Message"), 32), Column(_("Task"), 44), Column(_("Unit"), 28),
        Column(_("Unread"), 8),
    ]  # fmt: skip
    only_new = request.args.get("show") == UNREAD
    found = inbox.messages(current_actor(), only_new=only_new, size=MOST_EXPORTED)
    rows = ((each.at, tag_words(each.tag), each.title, each.unit_name, _yes(not each.read)) for each in found.items)
    return table_answer(kind, f"messages-{local_today(page_now()):%Y%m%d}", _("Messages"), columns, rows)


def _yes(held: bool) -> str:
    return _("yes") if held else _("no")


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


@bp.post("/messages/read")
def read() -> Any:
    with unit_of_work():
        mark_all_read(actor=current_actor(), now=page_now())
    flash(_("All messages are marked as read."), "success")
    return redirect(url_for(".messages"), 303)


@bp.get("/me")
def me() -> Any:
    actor, today = current_actor(), local_today(page_now())
    links = links_of(actor.person_id, on=today)
    return render_template(
        "officer/me.html", actor=actor, links=links, today=today, sees_gaps=actor.has_role(*DESK_ROLES)
    )
