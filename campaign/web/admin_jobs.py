"""The clock for administrators: the runs of the jobs."""

from typing import Any

from flask import render_template, request, url_for

from ..clock import local_today
from ..queries import incidents, runs
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
        parked=incidents.count(current_actor(), on=local_today(page_now())),
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
