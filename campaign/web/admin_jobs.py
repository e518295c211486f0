"""The clock for administrators: the runs of the jobs, as a list and as a table to keep."""

from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _

from ..clock import local_today
from ..documents.sheets import Column, Show
from ..queries import incidents, runs
from ..queries.runs import Filters, RunRow
from ..rules.jobs import RunState
from .access import current_actor, page_now
from .downloads import table_answer
from .words import job_words, word

FAULTY, ALL, OLDEST = "faulty", "all", "oldest"


def jobs() -> Any:
    """What each job did in the last day, and its runs one by one."""
    filters, after = _asked(), request.args.get("after", type=int)
    page, given = runs.runs(filters, now=page_now(), after=after), _query(filters)
    return render_template(
        "admin/jobs.html",
        page=page,
        jobs=runs.jobs(page_now()),
        parked=incidents.count(current_actor(), on=local_today(page_now())),
        which=filters,
        states=list(RunState),
        filtered=filters != Filters(oldest=filters.oldest),
        later=after is not None,
        first_page=url_for("admin.jobs", **given),
        next_page=url_for("admin.jobs", after=page.next, **given) if page.next else "",
        turned=url_for("admin.jobs", **(given | {"sort": None if filters.oldest else OLDEST})),
        exports={kind: url_for("admin.jobs_export", kind=kind, **given) for kind in ("xlsx", "csv")},
    )


def export(kind: str) -> Any:
    """The runs that the list shows, all of them."""
    columns = [
        Column(_("Job"), 36), Column(_("Short name"), 16), Column(_("State"), 14), Column(_("Slot"), 18, Show.MOMENT),
        Column(_("Begun"), 18, Show.MOMENT), Column(_("Seconds"), 10), Column(_("Done"), 10, Show.WHOLE),
        Column(_("Skipped"), 10, Show.WHOLE), Column(_("Failed"), 10, Show.WHOLE), Column(_("First error"), 60),
        Column(_("Process"), 24),
    ]  # fmt: skip
    found = runs.everything(_asked(), now=page_now())
    return table_answer(kind, f"job-runs-{page_now():%Y%m%d}", _("Job runs"), columns, map(_cells, found))


def _cells(run: RunRow) -> tuple[Any, ...]:
    seconds = None if run.seconds is None else round(run.seconds, 3)
    return (
        job_words(run.name), run.name, word(run.state), run.slot, run.started_at, seconds, run.done, run.skipped,
        run.failed, run.error, run.worker,
    )  # fmt: skip


def _asked() -> Filters:
    args = request.args
    state = args.get("state", type=int)
    return Filters(
        name=args.get("name", "")[:40],
        state=RunState(state) if state in list(RunState) else None,
        failed=args.get("state") == FAULTY,
        idle=args.get("runs") == ALL,
        oldest=args.get("sort") == OLDEST,
    )


def _query(filters: Filters) -> dict[str, Any]:
    return {
        "name": filters.name or None,
        "state": FAULTY if filters.failed else filters.state and int(filters.state),
        "runs": ALL if filters.idle else None,
        "sort": OLDEST if filters.oldest else None,
    }
