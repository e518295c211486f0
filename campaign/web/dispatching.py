"""Before, at and after the dispatch of a task: the preview with its consequences, the button, the result."""

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField
from wtforms.validators import InputRequired

from ..clock import local_today, zone
from ..db import unit_of_work
from ..errors import Refused, say
from ..models.outlook import Outlook, outlook_of
from ..operations.periods import send
from ..queries.before_dispatch import Opening, before_dispatch
from ..queries.campaigns import Head, TaskFact, head_of, tasks_of
from ..queries.dating import explained
from ..queries.drafts import batch_of
from ..queries.outlook import Coming
from ..queries.periods import Series, series_of
from ..queries.promises import Promises, ladder_of
from ..rules.calendars import is_provisional
from ..rules.dates import Dates, dates_at
from ..rules.plans import CampaignStatus
from .access import current_actor, page_now
from .campaigns import PREVIEW, bp, steps_of
from .filters import day, local
from .periods import SeriesWords


class DispatchForm(FlaskForm):
    task_id = IntegerField(validators=[InputRequired()])
    client_action_id = HiddenField()


@bp.get("/campaigns/<int:id>/preview")
def preview(id: int) -> Any:
    head, now = _mine(id), page_now()
    tasks = tasks_of(id, parts=False)
    if not tasks:
        flash(_("The campaign has no task yet."), "info")
        return redirect(url_for("campaigns.show", id=id), 303)
    task = _chosen(tasks)
    series = series_of(task.id, head, task, actor=current_actor(), now=now, briefly=True) if task.rrule else None
    opens_on = series.ahead[0].opens_on if series and series.ahead else None
    outlook = outlook_of(task.id, now=now, opens_on=opens_on)
    dates = outlook.dates
    signed = _due_if_signed(outlook, _issued(opens_on, now))
    given = [each for each in (dates.respond_by, dates.due_at, dates.cut_off_at, signed) if each]
    rest = [each for each in given if not outlook.calendar.works(local(each).date())]
    unsure = any(is_provisional(each, outlook.calendar, zone()) for each in given)
    late = dates.due_at is not None and dates.due_at <= now
    found = before_dispatch(
        head, task, outlook, Opening(_issued(opens_on, now), _period(series, opens_on)), actor=current_actor(),
        now=now, unit_id=request.args.get("unit", type=int), after=request.args.get("after", ""),
    )  # fmt: skip
    return render_template(
        "campaigns/preview.html", action_id=str(uuid4()), head=head, tasks=tasks, task=task,
        found=found.preview, dates=dates, now=now, sent=found.promises, meter=found.meter, offered=found.split,
        ahead=_ahead(found.promises, dates), rest=rest, late=late, signed=signed, provisional=unsure,
        known_until=outlook.calendar.known_until,
        rolled=explained(outlook.rule, opens_on or local_today(now), outlook.calendar),
        paged=bool(request.args.get("after")),
        place=tasks.index(task) + 1, steps=steps_of(head, tasks, PREVIEW),
        may_dispatch=head.issuer and head.status is CampaignStatus.ISSUED,
        series=series, words=SeriesWords(series) if series else None,
        opens_on=opens_on if opens_on and opens_on > local(now).date() else None,
    )  # fmt: skip


@bp.post("/campaigns/<int:id>/dispatch")
def dispatch(id: int) -> Any:
    _mine(id)
    form = DispatchForm()
    if not form.validate():
        raise Refused(say("The form is damaged. Please open the page again."))
    task = next((each for each in tasks_of(id, parts=False) if each.id == form.task_id.data), None)
    if task is None:
        abort(404)
    with unit_of_work():
        done = send(task.id, actor=current_actor(), now=page_now(), client_action_id=form.client_action_id.data or None)
    if done.batch_id is None and (series := _series(id, task)):
        told = _("The series runs. Its next period opens by itself on %(day)s.", day=day(series.ahead[0].opens_on))
        flash(told, "success")
        return redirect(url_for("periods.show", id=id, task_id=task.id), 303)
    if done.batch_id is None:
        flash(_("Every unit has this task already. Nothing was sent again."), "info")
        return redirect(url_for("campaigns.preview", id=id, task=task.id), 303)
    return redirect(url_for("campaigns.dispatched", id=id, batch_id=done.batch_id), 303)


@bp.get("/campaigns/<int:id>/dispatched/<int:batch_id>")
def dispatched(id: int, batch_id: int) -> Any:
    head = _mine(id)
    sent = batch_of(batch_id, id)
    if sent is None:
        abort(404)
    following = next((task for task in tasks_of(id, parts=False) if not task.batches), None)
    return render_template(
        "campaigns/dispatched.html", head=head, sent=sent, following=following, ladder=ladder_of(batch_id)
    )


def _series(id: int, task: TaskFact) -> Series | None:
    """The series of the task, where further periods are to come."""
    series = series_of(task.id, _mine(id), task, actor=current_actor(), now=page_now())
    return series if series and series.ahead else None


def _mine(campaign_id: int) -> Head:
    """The campaign, for those who dispatch it; 404 for others, who see its tasks on its page."""
    head = head_of(campaign_id, current_actor())
    if head is None or not head.issuer:
        abort(404)
    return head


def _chosen(tasks: tuple[TaskFact, ...]) -> TaskFact:
    """The task asked for; else the first that was not dispatched; else the first."""
    asked = request.args.get("task", "")
    if asked:
        found = next((task for task in tasks if str(task.id) == asked), None)
        return found if found is not None else abort(404)
    return next((task for task in tasks if not task.batches), tasks[0])


def _issued(opens_on: date | None, now: datetime) -> datetime:
    """When the task reaches its units: now, or when a period opens that lies ahead."""
    if opens_on is None:
        return now
    return max(now, datetime.combine(opens_on, time(), tzinfo=ZoneInfo(zone())).astimezone(UTC))


def _period(series: Series | None, opens_on: date | None) -> date | None:
    """The first day of the period for which the units would report: of the one that runs, which units that came since
    are given, else of the next."""
    return series.lines[0].opens_on if series and series.running and series.lines else opens_on


def _due_if_signed(outlook: Outlook, issued: datetime) -> datetime | None:
    """When the task is due for a unit that signs on the day it is issued, where the days count from the sign-for."""
    if outlook.dates.due_at is not None:
        return None
    return dates_at(outlook.rule, issued, zone(), outlook.calendar, signed_at=issued).due_at


def _ahead(sent: Promises, dates: Dates) -> list[tuple[str, datetime, Coming | None]]:
    """What comes when nothing is done, by time: the dates, and what the clock sends between them."""
    found: list[tuple[str, datetime, Coming | None]] = [("rung", each.at, each) for each in sent.coming]
    days = (("respond", dates.respond_by), ("due", dates.due_at), ("cut-off", dates.cut_off_at))
    found += [(kind, day, None) for kind, day in days if day is not None]
    return sorted(found, key=lambda entry: (entry[1], entry[0] == "rung"))


__all__ = ["bp"]
