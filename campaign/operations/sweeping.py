"""Firing rungs: what is due is claimed from the timers, decided by the law, then logged, told and armed anew.

One call handles one chunk in a fixed number of statements. `Firing` is unique per rung and date, so a second scheduler,
a restart and an impatient operator are all the same to it. A timer may be stale; the assignment's state decides.
"""

import json
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
from .sweep_statements import ANYTHING_DUE, Group, Statements, statements

CHUNK = 1_000
OWN, REVIEWER = 0, -1  # stand for the unit of the assignment itself, and for the one that reviews it


@dataclass(frozen=True)
class Fired:
    """What a chunk did: timers claimed, rungs fired; the rest were stale or had fired before."""

    claimed: int
    fired: int


@dataclass
class Doings:
    """What the decisions of a chunk come to: rows that name their group first, as the statements want them."""

    firings: list[tuple[int, int, int, str]] = field(default_factory=list)  # group, rung, anchor, why skipped
    timers: list[tuple[int, int, int, int, int]] = field(default_factory=list)  # group, sweep, when, rung, after
    spoken: list[tuple[int, Step]] = field(default_factory=list)


def fire(sweep: Sweep, *, now: datetime, limit: int = CHUNK, only: Iterable[int] | None = None) -> Fired:
    """Claims up to `limit` due timers of that sweep, earliest first, and does what the ladders say.

    `only`: no other assignments than these, so that a chunk that fails can be tried piece by piece.
    """
    s = statements()
    groups = s.claim(sweep, now=now, most=limit, only=only)
    doings = _decided(groups, now)
    sizes = [len(group.members) for group in groups]
    return Fired(sum(sizes), _written(s, groups, sizes, doings, now))


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
    for at, group in enumerate(groups):
        timing, after = timings.of(group.row), from_micros(group.row.after)
        if timing.suspended_at is not None:
            continue  # whoever lets it go on arms it again
        if timing.not_before is not None and timing.not_before > now:
            _wait(doings, at, timing.steps, timing.not_before, after)
        else:
            _note(doings, at, decide(timing.steps, timing.state, timing.behind_at, after, now), now)
    return doings


def _wait(doings: Doings, at: int, steps: Sequence[Step], until: datetime, after: datetime) -> None:
    """A return has silenced the clock: it looks again when that ends."""
    rung = next((step.rung for step in steps if step.when > after), None)
    if rung is not None:
        doings.timers.append((at, rung.sweep, micros(until), rung.number, micros(after)))


def _note(doings: Doings, at: int, decision: Decision, now: datetime) -> None:
    doings.firings += [(at, step.rung.number, micros(step.anchor_at), OVERTAKEN) for step in decision.skip]
    doings.firings += [(at, step.rung.number, micros(step.anchor_at), "") for step in decision.speak]
    doings.spoken += [(at, step) for step in decision.speak]
    if decision.next is not None:
        rung = decision.next.rung
        doings.timers.append((at, rung.sweep, micros(decision.next.when), rung.number, micros(now)))


def _written(s: Statements, groups: Sequence[Group], sizes: Sequence[int], doings: Doings, now: datetime) -> int:
    """Writes timers, firings, events and notices; how many rungs were new. The firing row is the claim of its rung."""
    s.write(s.timers, groups, doings.timers)
    mark = secrets.randbits(62)
    added = s.write(s.firings, groups, doings.firings, at=micros(now), run=mark)
    spoken = [(groups[at], step) for at, step in doings.spoken]
    if added < sum(sizes[row[0]] for row in doings.firings):
        spoken = _only_new(s, spoken, mark)
    if spoken:
        _say(s, spoken, now)
    return sum(len(group.members) for group, _ in spoken)


def _only_new(s: Statements, spoken: Sequence[tuple[Group, Step]], mark: int) -> list[tuple[Group, Step]]:
    """Some rungs had fired before, by a timer that was left over: they do not speak again."""
    every = {id for group, _ in spoken for id in group.members}
    new = {(row.assignment_id, row.rung) for row in run(s.new, {**s.chosen(every), "run": mark})}
    kept = []
    for group, step in spoken:
        members = [id for id in group.members if (id, step.rung.number) in new]
        new -= {(id, step.rung.number) for id in members}  # two timers of one assignment in one chunk: said once
        if members:
            kept.append((Group(group.row, json.dumps(members)), step))
    return kept


def _say(s: Statements, spoken: Sequence[tuple[Group, Step]], now: datetime) -> None:
    """An event for each, and notices to whom its rung names."""
    groups = s.numbered([group for group, _ in spoken])
    heads = [(at, step.rung.tag, groups[at].events[0]) for at, (_, step) in enumerate(spoken)]
    events = [(*head, canonical({"rung": step.rung.number})) for head, (_, step) in zip(heads, spoken, strict=True)]
    s.write(s.events, groups, events, at=micros(now), system=SYSTEM_PERSON_ID)
    here = [row for head, (_, step) in zip(heads, spoken, strict=True) for row in _places(head, step.rung)]
    s.tell(groups, here, now=now)
    above = [(group, step) for group, (_, step) in zip(groups, spoken, strict=True) if step.rung.steps]
    if above:
        _tell_above(s, above, now)


def _places(head: tuple[Any, ...], rung: Rung) -> list[tuple[Any, ...]]:
    """The posts of the assignment's own unit, and of the one that reviews it, that a rung tells."""
    urgent = int(rung.how is How.AT_ONCE)
    return [
        (*head, urgent, REVIEWER if to.from_reviewer else OWN, int(role), int(teller is Teller.IN_CHARGE))
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
    of_each = [events[each.assignment_id, each.rung] for each in told]
    groups = [Group(None, f"[{each.assignment_id}]", [event]) for each, event in zip(told, of_each, strict=True)]
    rows = [
        (at, each.rung.tag, of_each[at], int(each.rung.how is How.AT_ONCE), unit, role, 0)
        for at, each in enumerate(told)
        for unit, role in each.posts
        if unit not in (parties[each.assignment_id].unit_id, parties[each.assignment_id].reviewer_unit_id)
    ]
    s.tell(groups, rows, now=now)
