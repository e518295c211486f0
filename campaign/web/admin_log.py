"""The log for administrators and auditors: filters, paging, export, and whether the chain holds."""

from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ..clock import local_today
from ..documents.sheets import Column, Show
from ..evidence.anchor import read_heads
from ..queries import log as log_query
from ..queries.chain import verify_chain
from ..queries.log import SUBJECTS, Filters
from ..queries.timeline import Entry
from ..rules.dates import end_of_day
from ..rules.events import CATALOGUE
from .access import current_actor, page_now
from .downloads import table_answer
from .happenings import beside, told, who_did
from .navigation import has_endpoint
from .words import tag_words

SUBJECT_WORDS = {
    "assignment": _l("Assignment"),
    "batch": _l("Dispatch"),
    "campaign": _l("Campaign"),
    "person": _l("Person"),
    "area": _l("Area"),
    "delivery": _l("Delivery"),
    "delegation": _l("Standing in"),
    "calendar": _l("Calendar"),
}
# Where an object can be looked at.
PAGES = {
    "assignment": ("ledger.show", "id"),
    "campaign": ("campaigns.show", "id"),
    "person": ("admin.person", "id"),
    "area": ("admin.areas", "area"),
    "calendar": ("admin.calendar", "id"),
}


def log() -> Any:
    filters = _asked()
    before = request.args.get("before", type=int)
    page = log_query.listing(current_actor(), filters, on=local_today(page_now()), before=before)
    query = _query()
    return render_template(
        "admin/log.html",
        page=page,
        fact=log_query.fact(),
        filters=filters,
        query=query,
        subjects=SUBJECT_WORDS,
        tags=[(tag, tag_words(tag)) for tag in CATALOGUE],
        told=told,
        beside=beside,
        who_did=who_did,
        href=_href,
        later=before is not None,
        first_page=url_for("admin.log", **query),
        next_page=url_for("admin.log", before=page.next, **query) if page.next else "",
        exports={kind: url_for("admin.log_export", kind=kind, **query) for kind in ("xlsx", "csv")},
    )


def export(kind: str) -> Any:
    columns = [
        Column(_("Number"), 10, Show.WHOLE), Column(_("Time"), 18, Show.MOMENT), Column(_("Who"), 24),
        Column(_("What"), 36), Column(_("Tag"), 32), Column(_("About"), 14), Column(_("Its number"), 10, Show.WHOLE),
        Column(_("State before"), 14), Column(_("State after"), 14), Column(_("Reason"), 40), Column(_("Details"), 60),
        Column(_("Seal"), 10, Show.WHOLE),
    ]  # fmt: skip
    entries = log_query.everything(current_actor(), _asked(), on=local_today(page_now()))
    return table_answer(kind, f"log-{page_now():%Y%m%d}", _("Log"), columns, (_cells(entry) for entry in entries))


def _cells(entry: Entry) -> tuple[Any, ...]:
    details = "; ".join(f"{name}={value}" for name, value in entry.data.items())
    return (
        entry.id, entry.at, who_did(entry), told(entry), entry.tag,
        str(SUBJECT_WORDS.get(entry.subject, entry.subject)), entry.subject_id, entry.from_state, entry.to_state,
        entry.reason, details, entry.seal,
    )  # fmt: skip


def verification() -> Any:
    """Recomputes the chain from its first link, and compares it with the heads kept outside, where there are any."""
    folder = current_app.config["SETTINGS"].anchor_dir
    heads = read_heads(Path(folder)) if folder else []
    return render_template(
        "admin/verification.html", result=verify_chain(heads), heads=len(heads), anchored=bool(folder),
        fact=log_query.fact(), now=page_now(),
    )  # fmt: skip


def _asked() -> Filters:
    args, zone = request.args, current_app.config["SETTINGS"].timezone
    subject, tag = args.get("subject", ""), args.get("tag", "")
    since, until = _day("since"), _day("until")
    return Filters(
        subject=subject if subject in SUBJECTS else "",
        subject_id=args.get("number", type=int) if subject in SUBJECTS else None,
        person=args.get("person", "").strip()[:64],
        tag=tag if tag in CATALOGUE else "",
        since=datetime.combine(since, time(), tzinfo=ZoneInfo(zone)) if since else None,
        until=end_of_day(until, zone) if until else None,
    )


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def _query() -> dict[str, Any]:
    names = ("subject", "number", "person", "tag", "since", "until")
    return {name: value for name in names if (value := request.args.get(name, "").strip())}


def _href(entry: Entry) -> str:
    endpoint, argument = PAGES.get(entry.subject, ("", ""))
    given: dict[str, Any] = {argument: entry.subject_id}
    return url_for(endpoint, **given) if endpoint and has_endpoint(endpoint) else ""
