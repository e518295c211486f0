"""The clock for administrators: the runs of the jobs, and the deliveries that gave up."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ..clock import local_today
from ..db import unit_of_work
from ..operations import resending
from ..queries import runs
from ..rules.jobs import RunState
from .access import current_actor, page_now


def jobs() -> Any:
    args = request.args
    name, state = args.get("name", "")[:40], args.get("state", type=int)
    chosen = RunState(state) if state in list(RunState) else None
    failed, idle = args.get("state") == "faulty", args.get("runs") == "all"
    before = args.get("before", type=int)
    page = runs.runs(now=page_now(), name=name, state=chosen, failed=failed, idle=idle, before=before)
    given: dict[str, Any] = {"name": name or None, "state": "faulty" if failed else chosen and int(chosen)}
    given["runs"] = "all" if idle else None
    return render_template(
        "admin/jobs.html",
        page=page,
        jobs=runs.jobs(page_now()),
        parked=len(runs.parked(current_actor(), on=local_today(page_now())).rows),
        name=name,
        state=chosen,
        failed=failed,
        idle=idle,
        states=list(RunState),
        filtered=bool(name or chosen or failed or idle),
        later=before is not None,
        first_page=url_for("admin.jobs", **given),
        next_page=url_for("admin.jobs", before=page.next, **given) if page.next else "",
    )


def deliveries() -> Any:
    before = request.args.get("before", type=int)
    page = runs.parked(current_actor(), on=local_today(page_now()), before=before)
    return render_template(
        "admin/deliveries.html",
        page=page,
        later=before is not None,
        next_page=url_for("admin.deliveries", before=page.next) if page.next else "",
    )


def resend(id: int) -> Any:
    with unit_of_work():
        resending.resend(id, actor=current_actor(), now=page_now())
    flash(_("It is sent again within a minute."), "success")
    return redirect(url_for("admin.deliveries"), 303)
