"""Many approvals in one act: each is the same step of the same law, with its own event, decision and messages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..clock import local_today
from ..db import in_list, listed, run
from ..errors import Sentence
from ..models import Assignment
from ..models.timing import timings_alike
from ..models.together import Group, sorted_out
from ..rules.ladder import Step, decide
from ..rules.organisation import Actor
from ..rules.states import State
from ..rules.telling import is_urgent
from .approving_statements import statements
from .move import FASTER, move_together
from .repeating import once, remember
from .timers import arm_all, review_dues

APPROVE_MANY = "approve-many"  # what such an act is called among those that are remembered


@dataclass(frozen=True)
class Approved:
    """How many were approved, and why the others were not."""

    count: int
    refused: tuple[tuple[int, Sentence], ...]


def _result(count: int, first: int, last: int) -> str:
    """What is remembered of an act: how many, and between which ids their reviews lie, for who takes it back."""
    return f"{count} {first} {last}"


def approve_many(
    versions: dict[int, int], *, actor: Actor, now: datetime, client_action_id: str | None = None
) -> Approved:
    """Approves what waits for the actor and has no open flag, as it was seen: assignment id to its version then.

    What somebody moved since, has in hand or flagged is left out and named. The number of statements does not grow
    with the number of items.
    """
    content = {"ids": sorted(versions)}
    before = once(client_action_id, actor=actor, subject=APPROVE_MANY, content=content, now=now)
    if before is not None:
        return Approved(int(before.split()[0]) if before else 0, ())
    ids, newest = sorted(versions), _newest_review() if client_action_id else 0
    run(statements().lock, {"ids": in_list(ids)})
    found = sorted_out(ids, actor, now=now)
    moved = {id for id, version in found.versions.items() if versions[id] != version}
    together: dict[tuple[Any, ...], tuple[Group, list[tuple[int, int]]]] = {}
    due = review_dues({group.task_id for group in found.groups if group.to is not None}, now=now)
    for group in found.groups:
        kept = [pair for pair in zip(group.ids, group.versions, strict=True) if pair[0] not in moved]
        until = None if group.to is None else due[group.task_id]
        alike = (group.row.tag, group.post.id, group.step, group.to, until)
        together.setdefault(alike, (group, []))[1].extend(kept)
    for (*_, until), (group, kept) in together.items():
        if kept:
            _move(group, [id for id, _ in kept], [version for _, version in kept], until, actor, now)
    refused = [*found.refused, *((id, FASTER) for id in sorted(moved & set(found.ready)))]
    if client_action_id:
        remember(client_action_id, _result(len(ids) - len(refused), newest + 1, _newest_review()))
    return Approved(len(ids) - len(refused), tuple(refused))


def _move(
    group: Group, ids: list[int], versions: list[int], until: datetime | None, actor: Actor, now: datetime
) -> None:
    written, tag = statements(), group.row.tag
    more = f',"reviewer":{group.to},"step":{group.step}}}' if group.to else f',"step":{group.step}}}'
    given = {
        "ids": in_list(ids), "versions": in_list(versions), "now": now, "day": local_today(now), "tag": tag,
        "person": actor.person_id, "post": group.post.id, "step": group.step, "to": group.to, "more": more,
        "target": group.row.target, "after": group.row.target.name.lower(), "urgent": is_urgent(tag),
    }  # fmt: skip
    run(written.events, given)
    run(written.again if run(written.decided_before, given).first() else written.reviews, given)
    if group.row.target is not State.SUBMITTED:
        run(written.deltas, given)
    step = 0 if group.to is None else group.step + 1
    move_together(ids, group.row, now=now, reviewer_unit_id=group.to, review_step=step, review_due_at=until)
    run(written.officers if group.to is None else written.reviewers, given)
    if run(written.stood_in, given).first():
        run(written.for_officers if group.to is None else written.for_reviewers, given)
    run(written.claims, given)
    if group.to is not None:
        arm_alike(ids, now=now, after=now)


def _newest_review() -> int:
    return int(run(statements().newest, {}).scalar_one())


def count_all(ids: Collection[int], target: State) -> None:
    """A delta for the roll-up for each, before the states change."""
    run(statements().deltas, {"ids": in_list(ids), "target": target})


def arm_alike(ids: Collection[int], *, now: datetime, after: datetime) -> None:
    """The next rung of each, decided once for all that stand alike. `after`: up to then everything has been decided."""
    timings = timings_alike(ids)
    together: dict[Step, list[int]] = {}
    for row in timings.rows:
        timing = timings.of(row)
        decision = decide(timing.steps, timing.state, timing.behind_at, after, now)
        step = decision.speak[0] if decision.speak else decision.next
        if step is not None:
            together.setdefault(step, []).extend(map(int, row.ids.split(",")))
    for step, chosen in together.items():
        arm_all(Assignment.id.in_(listed(chosen)), step, when=max(step.when, now), after=after)
