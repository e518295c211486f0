"""The person in charge of an assignment: shown on its pages, and named there by the people of its unit."""

from typing import Any, NamedTuple
from uuid import uuid4

from flask import Blueprint, flash, g, redirect, request, url_for
from flask_babel import gettext as _

from ..clock import local_today
from ..db import unit_of_work
from ..errors import Invalid, NotFound, Refused, say
from ..operations.in_charge import name_in_charge
from ..queries.handovers import colleagues_of, in_charge_of
from ..rules.organisation import Role
from ..rules.states import OPEN
from .access import current_actor, page_now
from .stale import tell_what_happened

bp = Blueprint("in_charge", __name__)
tell_what_happened(bp)


class Charge(NamedTuple):
    """What the pages show: the name, and whom the reader may choose from (nobody where they may not)."""

    person_id: int | None
    name: str | None
    version: int
    choices: list[tuple[int, str]]
    action_id: str


@bp.app_template_global("charge_of")
def charge_of(found: Any) -> Charge:
    """Of an assignment (`queries.assignments.Ask`) that the page has found in scope. One statement for its people,
    none for others, nor where the panel of the cascade has asked already."""
    may = found.state in OPEN and current_actor().post_in(found.unit_id, Role.OFFICER, Role.SUPERVISOR) is not None
    known = g.get("colleagues", {}).get(found.unit_id) if may else []
    colleagues = colleagues_of(found.unit_id, on=local_today(page_now())) if known is None else known
    return Charge(found.in_charge_id, found.in_charge_name, found.version, colleagues, str(uuid4()) if may else "")


@bp.post("/assignments/<int:id>/in-charge")
def name(id: int) -> Any:
    """Names who is in charge, or nobody."""
    actor = current_actor()
    if not in_charge_of(id, actor):
        raise NotFound(say("This does not exist, or it is not for you."))
    seen, chosen = request.form.get("seen", type=int), request.form.get("person_id", "")
    if seen is None or not (chosen == "" or (chosen.isascii() and chosen.isdecimal() and len(chosen) < 19)):
        raise Refused(say("The form is damaged. Please open the page again."))
    try:
        with unit_of_work():
            name_in_charge(
                id, int(chosen) if chosen else None, actor=actor, now=page_now(), seen=seen,
                client_action_id=request.form.get("client_action_id") or None,
            )  # fmt: skip
    except Invalid as refused:
        raise Refused(refused.problems[0].sentence if refused.problems else refused.sentence) from None
    words = _("The person in charge is named.") if chosen else _("Nobody in particular is in charge any more.")
    flash(words, "success")
    return redirect(url_for("assignments.show", id=id), 303)
