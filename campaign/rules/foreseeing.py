"""What the clock will say if nothing is done: the same decisions as the sweep's, taken in advance, timer by timer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from .ladder import Step, decide
from .states import State

MOST_TIMERS = 1_000  # ends a ladder that would never end


@dataclass(frozen=True)
class Armed:
    """A timer as it stands: when it comes, and until when everything has been decided."""

    at: datetime
    after: datetime


@dataclass(frozen=True)
class Foreseen:
    """What will happen at an instant: these rungs speak at once, and those are overtaken by them."""

    at: datetime
    speak: tuple[Step, ...]
    skip: tuple[Step, ...]


def foresee(
    steps: tuple[Step, ...],
    state: State,
    behind_at: datetime | None,
    timers: Iterable[Armed],
    *,
    not_before: datetime | None = None,
    fired: Iterable[tuple[int, datetime]] = (),
) -> tuple[Foreseen, ...]:
    """What these timers will do, by time, while the assignment stands as it does.

    `fired`: rungs that have spoken or were skipped, by number and the date they count from; they do so once.
    """
    waiting, done, found = sorted(timers, key=lambda timer: timer.at), set(fired), list[Foreseen]()
    for _ in range(MOST_TIMERS):
        if not waiting:
            break
        timer = waiting.pop(0)
        at = max(timer.at, not_before) if not_before else timer.at
        decision = decide(steps, state, behind_at, timer.after, at)
        speak, skip = (
            tuple(step for step in chosen if (step.rung.number, step.anchor_at) not in done)
            for chosen in (decision.speak, decision.skip)
        )
        done |= {(step.rung.number, step.anchor_at) for step in (*speak, *skip)}
        if speak or skip:
            found.append(Foreseen(at, speak, skip))
        if decision.next is not None:
            coming = Armed(decision.next.when, at)
            waiting = sorted({*waiting, coming}, key=lambda timer: (timer.at, timer.after))
    return tuple(found)


def next_timer(
    steps: tuple[Step, ...],
    state: State,
    behind_at: datetime | None,
    *,
    after: datetime,
    now: datetime,
    not_before: datetime | None = None,
) -> tuple[Armed, ...]:
    """The timer that stands when everything up to `after` has been decided, as it was armed; none when nothing is
    left to come."""
    decision = decide(steps, state, behind_at, after, now)
    step = decision.speak[0] if decision.speak else decision.next
    if step is None:
        return ()
    return (Armed(max(step.when, not_before or step.when, now if decision.speak else step.when), after),)
