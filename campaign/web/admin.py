"""The administration: its start page, its routes in one table, and who may come in.

Administrators change things, auditors read; both within the subtree of their unit.
"""

from typing import Any

from flask import Blueprint, g, render_template, request

from ..clock import local_today
from ..errors import Forbidden, say
from ..queries import incidents
from ..queries import log as log_query
from ..queries import runs as runs_query
from ..queries.accounts import MOST_COUNTED as MOST_PEOPLE
from ..queries.accounts import Filters, count_people
from ..queries.organisation import tops
from ..rules.organisation import Role
from . import (
    admin_areas,
    admin_calendars,
    admin_deliveries,
    admin_handover,
    admin_imports,
    admin_jobs,
    admin_log,
    admin_people,
    admin_person,
)
from .access import current_actor, page_now

bp = Blueprint("admin", __name__, url_prefix="/admin")
KIND = "<any(xlsx, csv):kind>"


@bp.before_request
def _guard() -> None:
    actor = current_actor()
    if not actor.has_role(Role.ADMINISTRATOR, Role.AUDITOR):
        raise Forbidden(say("None of your posts may open this page."))
    if request.method == "POST" and not actor.has_role(Role.ADMINISTRATOR):
        raise Forbidden(say("Auditors read; only an administrator may change something here."))


@bp.app_context_processor
def _bar() -> dict[str, Any]:
    return {"nav_badge": admin_deliveries.nav_badge}


@bp.context_processor
def _context() -> dict[str, Any]:
    """Also of error pages, so nothing here may ask for a person who is not there."""
    actor = getattr(g.get("_login_user"), "actor", None)
    return {"may_change": actor is not None and actor.has_role(Role.ADMINISTRATOR)}


@bp.get("")
def index() -> Any:
    actor, now = current_actor(), page_now()
    today = local_today(now)
    return render_template(
        "admin/index.html",
        tops=tops(actor).rows,
        people=count_people(actor, Filters(), on=today),
        most_people=MOST_PEOPLE,
        jobs=runs_query.jobs(now),
        parked=incidents.count(actor, on=today),
        log=log_query.fact(),
        now=now,
    )


for rule, endpoint, view, methods in (
    ("/areas", "areas", admin_areas.areas, ("GET",)),
    (f"/areas.{KIND}", "areas_export", admin_areas.export, ("GET",)),
    ("/people", "people", admin_people.people, ("GET",)),
    (f"/people.{KIND}", "people_export", admin_people.export, ("GET",)),
    ("/people/new", "person_new", admin_person.new, ("GET", "POST")),
    ("/people/<int:id>", "person", admin_person.person, ("GET",)),
    ("/people/<int:id>/posts", "post_add", admin_person.post_add, ("POST",)),
    ("/people/<int:id>/posts/<int:post_id>/end", "post_end", admin_person.post_end, ("POST",)),
    ("/people/<int:id>/disable", "person_disable", admin_person.disable, ("POST",)),
    ("/people/<int:id>/enable", "person_enable", admin_person.enable, ("POST",)),
    ("/people/<int:id>/hand-over", "hand_over", admin_handover.hand_over, ("GET", "POST")),
    ("/people/<int:id>/stand-in", "person_stand_in", admin_handover.stand_in, ("GET", "POST")),
    ("/people/<int:id>/stand-in/<int:link_id>/end", "person_stand_in_end", admin_handover.stand_in_end, ("POST",)),
    ("/people/<int:id>/password", "person_password", admin_person.password, ("POST",)),
    ("/import/areas", "import_areas", admin_imports.areas, ("GET", "POST")),
    ("/import/areas/confirm", "import_areas_confirm", admin_imports.areas_confirm, ("POST",)),
    ("/import/people", "import_people", admin_imports.people, ("GET", "POST")),
    ("/import/people/confirm", "import_people_confirm", admin_imports.people_confirm, ("POST",)),
    ("/import/people/passwords", "import_passwords", admin_imports.passwords, ("POST",)),
    ("/import/<any(areas, people):what>.xlsx", "import_sample", admin_imports.sample, ("GET",)),
    ("/calendars", "calendars", admin_calendars.listing, ("GET",)),
    (f"/calendars.{KIND}", "calendars_export", admin_calendars.listing_export, ("GET",)),
    ("/calendars", "calendar_own", admin_calendars.own, ("POST",)),
    ("/calendars/<int:id>", "calendar", admin_calendars.calendar, ("GET",)),
    (f"/calendars/<int:id>.{KIND}", "calendar_export", admin_calendars.export, ("GET",)),
    ("/calendars/<int:id>/change", "calendar_change", admin_calendars.change, ("GET", "POST")),
    ("/calendars/<int:id>/import", "calendar_import", admin_calendars.upload, ("GET", "POST")),
    ("/jobs", "jobs", admin_jobs.jobs, ("GET",)),
    (f"/jobs.{KIND}", "jobs_export", admin_jobs.export, ("GET",)),
    ("/deliveries", "deliveries", admin_deliveries.deliveries, ("GET",)),
    (f"/deliveries.{KIND}", "deliveries_export", admin_deliveries.export, ("GET",)),
    ("/deliveries/all-again", "resend_all", admin_deliveries.resend_all, ("POST",)),
    ("/deliveries/<int:id>/resend", "resend", admin_deliveries.resend, ("POST",)),
    ("/deliveries/<int:id>/discard", "discard", admin_deliveries.discard, ("POST",)),
    ("/log", "log", admin_log.log, ("GET",)),
    (f"/log.{KIND}", "log_export", admin_log.export, ("GET",)),
    ("/log/verification", "log_verification", admin_log.verification, ("GET",)),
):
    bp.add_url_rule(rule, endpoint, view, methods=methods)
