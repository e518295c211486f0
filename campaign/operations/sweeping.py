"""Firing rungs: what is due is claimed from the timers, decided by the law, then logged, told and armed anew.

One call handles one chunk in a fixed number of statements. `Firing` is unique per rung and date, so a second scheduler,
a restart and an impatient operator are all the same to it. A timer may be stale; the assignment's state decides.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from ..db import db, from_micros, micros
from ..models.audience import audience
from ..models.timing import DECISIVE, Timings
from ..rules.ladder import NOTHING, OVERTAKEN, Decision, How, Step, Sweep, decide
from ..rules.organisation import SYSTEM_PERSON_ID
from .log import canonical
from .sweep_statements import Statements, statements

CHUNK = 1_000


@dataclass(frozen=True)
class Fired:
    """What a chunk did: timers claimed, rungs fired; the rest were stale or had fired before."""

    claimed: int
    fired: int


@dataclass
class Doings:
    """What the decisions of a chunk come to, as rows ready to be written."""

    firings: list[tuple[int, int, int, str]] = field(default_factory=list)  # assignment, rung, anchor, skipped
    timers: list[tuple[int, int, int, int, int]] = field(default_factory=list)  # sweep, when, assignment, rung, after
    spoken: list[tuple[Any, Step]] = field(default_factory=list)  # the row of an assignment, and what is said of it


def fire(sweep: Sweep, *, now: datetime, limit: int = CHUNK, only: Iterable[int] | None = None) -> Fired:
    """Claims up to `limit` due timers of that sweep, earliest first, and does what the ladders say.

    `only`: no other assignments than these, so that a chunk that fails can be tried piece by piece.
    """
    s = statements()
    if db.session.execute(s.anything_due, {"sweep": sweep, "now": now}).first() is None:
        return Fired(0, 0)
    claimed = _claim(s, sweep, now, limit, only)
    if not claimed:
        return Fired(0, 0)
    doings = _decided(s, claimed, now)
    fired = _written(s, doings, now)
    return Fired(len(claimed), fired)


def due_ids(sweep: Sweep, *, now: datetime, limit: int = CHUNK) -> list[int]:
    """The assignments whose timers a sweep would claim now."""
    values = {"sweep": sweep, "now": now, "most": limit}
    return [row.assignment_id for row in db.session.execute(statements().due, values)]


def _claim(s: Statements, sweep: Sweep, now: datetime, limit: int, only: Iterable[int] | None) -> dict[int, int]:
    """Takes the timers away, which is the claim: until when each assignment has been decided, in microseconds."""
    values: dict[str, Any] = {"sweep": sweep, "now": now, "most": limit}
    if only is None:
        rows = db.session.execute(s.claim, values)
    else:
        rows = db.session.execute(s.claim_only, {**values, "ids": s.ids(only)})
    claimed: dict[int, int] = {}
    for assignment_id, after in rows:  # two timers of one assignment: what the earlier one has not decided is open
        claimed[assignment_id] = min(after, claimed.get(assignment_id, after))
    return claimed


def _decided(s: Statements, claimed: dict[int, int], now: datetime) -> Doings:
    """Asks the law once for all assignments that stand alike.

    They are locked, so that whoever approves one in the same instant comes before or after, never between.
    """
    timings = Timings(db.session.execute(s.timings, {"ids": s.ids(claimed)}).all())
    alike: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    decisive = attrgetter(*DECISIVE)
    for row in timings.rows:
        alike[(*decisive(row), claimed[row.id])].append(row)
    doings = Doings()
    for key, rows in alike.items():
        timing, after = timings.of(rows[0]), from_micros(key[-1])
        if timing.suspended_at is not None:
            continue  # whoever lets it go on arms it again
        if timing.not_before is not None and timing.not_before > now:
            _wait(doings, rows, timing.steps, timing.not_before, key[-1])
            continue
        decision = decide(timing.steps, timing.state, timing.behind_at, after, now)
        if decision != NOTHING:
            _note(doings, rows, decision, now)
    return doings


def _wait(doings: Doings, rows: list[Any], steps: tuple[Step, ...], until: datetime, after: int) -> None:
    """A return has silenced the clock: it looks again when that ends."""
    ahead = next((step for step in steps if step.when > from_micros(after)), None)
    if ahead is not None:
        sweep, number = int(ahead.rung.sweep), ahead.rung.number
        doings.timers += [(sweep, micros(until), row.id, number, after) for row in rows]


def _note(doings: Doings, rows: list[Any], decision: Decision, now: datetime) -> None:
    for step in decision.skip:
        number, anchor = step.rung.number, micros(step.anchor_at)
        doings.firings += [(row.id, number, anchor, OVERTAKEN) for row in rows]
    for step in decision.speak:
        number, anchor = step.rung.number, micros(step.anchor_at)
        doings.firings += [(row.id, number, anchor, "") for row in rows]
        doings.spoken += [(row, step) for row in rows]
    if decision.next is not None:
        step, at = decision.next, micros(now)
        sweep, number, when = int(step.rung.sweep), step.rung.number, micros(step.when)
        doings.timers += [(sweep, when, row.id, number, at) for row in rows]


def _written(s: Statements, doings: Doings, now: datetime) -> int:
    """Writes firings, events, notices and timers; how many rungs were new. The firing row is the claim of its rung."""
    run = secrets.randbits(62)
    if doings.firings:
        added = s.write(s.firings, doings.firings, at=now, run=run)
        if added < len(doings.firings):
            _only_new(s, doings, run)
    if doings.spoken:
        _tell(s, doings.spoken, now)
    if doings.timers:
        s.write(s.timers, doings.timers)
    return len(doings.spoken)


def _only_new(s: Statements, doings: Doings, run: int) -> None:
    """Some rungs had fired before, by a timer that was left over: they do not speak again."""
    ids = {"ids": s.ids({row.id for row, _ in doings.spoken}), "run": run}
    new = {(row.assignment_id, row.rung) for row in db.session.execute(s.of_run, ids)}
    doings.spoken = [(row, step) for row, step in doings.spoken if (row.id, step.rung.number) in new]


def _tell(s: Statements, spoken: list[tuple[Any, Step]], now: datetime) -> None:
    """An event for each, and notices to whom its rung names."""
    data = {step.rung.number: canonical({"rung": step.rung.number}) for _, step in spoken}
    events = [(step.rung.tag, row.id, data[step.rung.number]) for row, step in spoken]
    ids = {(key, text): id for key, text, id in s.returning(s.events, events, at=now, system=SYSTEM_PERSON_ID)}
    posts: list[tuple[Any, ...]] = []
    people: list[tuple[Any, ...]] = []
    for told in audience(spoken, now=now):
        rung = told.rung
        notice = (
            rung.tag,
            ids[told.assignment_id, data[rung.number]],
            told.assignment_id,
            int(rung.how is How.AT_ONCE),
        )
        posts += [(*notice, unit_id, role) for unit_id, role in told.posts]
        people += [(*notice, person_id) for person_id in told.people]
    s.tell(posts, people, now)
