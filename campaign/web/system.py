"""For those who keep it running: alive, ready, gauges; and in development the page of all components."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, current_app, jsonify, render_template
from sqlalchemy.exc import SQLAlchemyError

from ..errors import CampaignError
from ..evidence.anchor import read_heads
from ..queries.chain import holds_head
from ..queries.running import Gauges, gauges
from ..rules.dates import Light
from ..rules.jobs import STANDSTILL
from ..rules.states import State
from .access import page_now
from .samples import samples_of_work

bp = Blueprint("system", __name__)
SAMPLE = {
    "words": "A few words",
    "verb": "Do it",
    "sentence": "One sentence that says what is the matter and what can be done now.",
    "unit": "persons",
    "options": (("a", "This"), ("b", "That")),
}


@bp.get("/healthz")
def healthz() -> Any:
    return jsonify(status="ok")


@bp.get("/readyz")
def readyz() -> Any:
    """200 when the database answers, evidence can be kept, the log is the one that was anchored and the clock ticks;
    503 otherwise."""
    facts = _gauges()
    writable = _evidence_can_be_kept()
    anchored = facts is not None and _log_is_the_anchored_one()
    tick = None if facts is None or facts.last_tick is None else _age(facts.last_tick)
    # A tick that lies ahead is from before the clock was set back: a scheduler that lives would have ticked since.
    ticking = tick is not None and abs(tick) <= STANDSTILL.total_seconds()
    ready = facts is not None and writable and anchored and ticking
    answer = jsonify(
        status="ready" if ready else "not ready",
        database="ok" if facts is not None else "away",
        evidence="ok" if writable else "not writable",
        log="ok" if anchored else "not the one that was anchored" if facts is not None else "unknown",
        scheduler="ok" if ticking else "never ticked" if facts is not None and tick is None else "stands still",
        scheduler_age_seconds=tick,
    )
    answer.status_code = 200 if ready else 503
    if not ready:
        answer.headers["Retry-After"] = "5"
    return answer


@bp.get("/metrics")
def metrics() -> Response:
    """A few gauges in the Prometheus text format."""
    facts = _gauges()
    lines = ["# TYPE campaign_database_up gauge", f"campaign_database_up {int(facts is not None)}"]
    if facts is not None:
        lines += ["# TYPE campaign_job_age_seconds gauge"]
        lines += [f'campaign_job_age_seconds{{job="{name}"}} {_age(at):.0f}' for name, at in facts.job_slots]
        lines += ["# TYPE campaign_job_failures gauge"]
        lines += [f'campaign_job_failures{{job="{name}"}} {count}' for name, count in facts.job_failures]
        lines += ["# TYPE campaign_deliveries_waiting gauge", f"campaign_deliveries_waiting {facts.deliveries_waiting}"]
        lines += ["# TYPE campaign_notices_waiting gauge", f"campaign_notices_waiting {facts.notices_waiting}"]
    return Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


@bp.get("/styleguide")
def styleguide() -> Any:
    if current_app.config["SETTINGS"].env == "production":
        abort(404)
    return render_template(
        "system/styleguide.html",
        lights=list(Light),
        states=list(State),
        days=[page_now() + timedelta(days=days) for days in (-2, 1, 9)],
        now=page_now(),
        figures=(0, 1234.5, None),
        sample=SAMPLE,
        work=samples_of_work(page_now()),
    )


def _evidence_can_be_kept() -> bool:
    try:
        current_app.extensions["evidence"].ready()
    except CampaignError:
        return False
    return True


def _log_is_the_anchored_one() -> bool:
    folder = current_app.config["SETTINGS"].anchor_dir
    heads = read_heads(Path(folder)) if folder else []
    return not heads or holds_head(heads[-1])


def _gauges() -> Gauges | None:
    try:
        return gauges()
    except SQLAlchemyError:
        current_app.logger.exception("the database did not answer")
        return None


def _age(moment: datetime) -> float:
    return round((page_now() - moment).total_seconds(), 1)
