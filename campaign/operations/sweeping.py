"""Firing rungs: what is due is claimed from the timers, decided by the law, then logged, told and armed anew.

One call handles one chunk in a fixed number of statements. `Firing` is unique per rung and date, so a second scheduler,
a restart and an impatient operator are all the same to it. A timer may be stale; the assignment's state decides.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..db import from_micros, glance, micros, run
from ..models.audience import audience
from ..models.timing import Timings
from ..rules.ladder import AUDIENCES, OVERTAKEN, Decision, How, Rung, Step, Sweep, Teller, decide
from ..rules.organisation import SYSTEM_PERSON_ID
from .log import canonical
from .sweep_statements import ANYTHING_DUE, OWN, REVIEWER, Group, Statements, statements

CHUNK = 1_000


@dataclass(frozen=True)
class Fired:
    """What a chunk did: timers claimed, rungs fired; the rest were stale or had fired before."""

    claimed: int
    fired: int


@dataclass
class Doings:
    """What the decisions of a chunk come to: of each group what is to be written, as the statements want it."""

    firings: list[tuple[Group, dict[str, Any]]] = field(default_factory=list)
    timers: list[tuple[Group, dict[str, Any]]] = field(default_factory=list)
    spoken: list[tuple[Group, Step]] = field(default_factory=list)


def fire(sweep: Sweep, *, now: datetime, limit: int = CHUNK, only: Iterable[int] | None = None) -> Fired:
    """Claims up to `limit` due timers of that sweep, earliest first, and does what the ladders say.

    `only`: no other assignments than these, so that a chunk that fails can be tried piece by piece.
    """
    s = statements()
    groups = s.claim(sweep, now=now, most=limit, only=only)
    doings = _decided(groups, now)
    return Fired(sum(group.size for group in groups), _written(s, doings, now))


def anything_due(sweep: Sweep, *, now: datetime) -> bool:
    """Whether there is anything to claim; asked outside any transaction, since there almost never is."""
    return glance(ANYTHING_DUE, {"sweep": int(sweep), "now": micros(now)}).first() is not None


def due_ids(sweep: Sweep, *, now: datetime, limit: int = CHUNK) -> list[int]:
    """The assignments whose timers a sweep would claim now."""
    values = {"sweep": int(sweep), "now": micros(now), "most": limit}
    return [row.assignment_id for row in run(statements().due, values)]


def _decided(groups: Sequence[Group], now: datetime) -> Doings:
    """Asks the law once for all that stand alike."""
    timings = Timings(group.row for group in groups)
    doings = Doings()
    for group in groups:
        timing, after = timings.of(group.row), from_micros(group.row.after)
        if timing.suspended_at is not None:
            continue  # whoever lets it go on arms it again
        if timing.not_before is not None and timing.not_before > now:
            _wait(doings, group, timing.steps, timing.not_before, after)
        else:
            _note(doings, group, decide(timing.steps, timing.state, timing.behind_at, after, now), now)
    return doings


def _wait(doings: Doings, group: Group, steps: Sequence[Step], until: datetime, after: datetime) -> None:
    """A return has silenced the clock: it looks again when that ends."""
    rung = next((step.rung for step in steps if step.when > after), None)
    if rung is not None:
        doings.timers.append((group, _timer(rung, until, after)))


def _note(doings: Doings, group: Group, decision: Decision, now: datetime) -> None:
    doings.firings += [(group, _firing(step, OVERTAKEN)) for step in decision.skip]
    doings.firings += [(group, _firing(step, "")) for step in decision.speak]
    doings.spoken += [(group, step) for step in decision.speak]
    if decision.next is not None:
        doings.timers.append((group, _timer(decision.next.rung, decision.next.when, now)))


def _timer(rung: Rung, when: datetime, after: datetime) -> dict[str, Any]:
    return {"sweep": int(rung.sweep), "fires_at": micros(when), "rung": rung.number, "after": micros(after)}


def _firing(step: Step, skipped: str) -> dict[str, Any]:
    return {"rung": step.rung.number, "anchor": micros(step.anchor_at), "skipped": skipped}


def _written(s: Statements, doings: Doings, now: datetime) -> int:
    """Writes timers, firings, events and notices; how many rungs were new. The firing row is the claim of its rung."""
    s.write(s.timers, doings.timers)
    mark = secrets.randbits(62)
    added = s.write(s.firings, doings.firings, at=micros(now), run=mark)
    spoken: Sequence[tuple[Group, Step]] = doings.spoken
    if added < sum(group.size for group, _ in doings.firings):
        spoken = _only_new(s, spoken, mark)
    if spoken:
        _say(s, spoken, now)
    return sum(group.size for group, _ in spoken)


def _only_new(s: Statements, spoken: Sequence[tuple[Group, Step]], mark: int) -> list[tuple[Group, Step]]:
    """Some rungs had fired before, by a timer that was left over: they do not speak again."""
    every = {id for group, _ in spoken for id in group.members}
    new = {(row.assignment_id, row.rung) for row in run(s.new, {**s.chosen(every), "run": mark})}
    kept = []
    for group, step in spoken:
        members = [id for id in group.members if (id, step.rung.number) in new]
        new -= {(id, step.rung.number) for id in members}  # two timers of one assignment in one chunk: said once
        if members:
            kept.append((Group(group.row, ",".join(map(str, members))), step))
    return kept


def _say(s: Statements, spoken: Sequence[tuple[Group, Step]], now: datetime) -> None:
    """An event for each, and notices to whom its rung names."""
    groups = s.numbered([group for group, _ in spoken])
    said = [(group, step) for group, (_, step) in zip(groups, spoken, strict=True)]
    events = [(group, {"tag": step.rung.tag, "data": canonical({"rung": step.rung.number})}) for group, step in said]
    s.write(s.events, events, at=micros(now), system=SYSTEM_PERSON_ID)
    s.tell([(group, told) for group, step in said for told in _places(step.rung)], now=now)
    above = [(group, step) for group, step in said if step.rung.steps]
    if above:
        _tell_above(s, above, now)


def _told(rung: Rung, unit: int, role: int, *, unless_named: bool = False) -> dict[str, Any]:
    urgent = int(rung.how is How.AT_ONCE)
    return {"tag": rung.tag, "urgent": urgent, "unit": unit, "role": int(role), "unless_named": int(unless_named)}


def _places(rung: Rung) -> list[dict[str, Any]]:
    """The posts of the assignment's own unit, and of the one that reviews it, that a rung tells."""
    return [
        _told(rung, REVIEWER if to.from_reviewer else OWN, role, unless_named=teller is Teller.IN_CHARGE)
        for teller in rung.tells
        if not (to := AUDIENCES[teller]).steps
        for role in to.roles
    ]


def _tell_above(s: Statements, spoken: Sequence[tuple[Group, Step]], now: datetime) -> None:
    """Notices up the tree: which unit there is the next one with somebody to tell differs from unit to unit."""
    every = s.chosen({id for group, _ in spoken for id in group.members})
    parties = {row.id: row for row in run(s.parties, every)}
    said = [(parties[id], step) for group, step in spoken for id in group.members]
    told = audience(said, now=now)
    events = {
        (id, step.rung): event for group, step in spoken for id, event in zip(group.members, group.events, strict=True)
    }
    s.tell(
        [
            (Group(None, str(id), [events[id, each.rung]]), _told(each.rung, unit, role))
            for each in told
            for id in (each.assignment_id,)
            for unit, role in each.posts
            if unit not in (parties[id].unit_id, parties[id].reviewer_unit_id)
        ],
        now=now,
    )
