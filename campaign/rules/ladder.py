"""The ladder: when the clock speaks of an assignment, to whom, and how loudly; and the decision at an instant.

A ladder is data: rungs before and after each date. `plan()` says when each rung stands; `decide()` says what happens
now. The sweep, the preview before a dispatch and the timeline of an assignment all ask these two, so what a page
promises is what happens.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from .calendars import Calendar, DayKind
from .organisation import Level, Role
from .plans import Grade
from .states import WITH_OFFICER, State

NINE = 9 * 60


class Sweep(IntEnum):
    """Which job fires a rung."""

    REMIND = 1
    ESCALATE = 2


class Anchor(IntEnum):
    """The date that a rung counts from."""

    RESPOND_BY = 1
    DUE = 2
    CUT_OFF = 3
    REVIEW_DUE = 4
    RETURNED = 5
    BEHIND = 6


class Counts(IntEnum):
    """What the offset of a rung counts."""

    DAYS = 1
    WORKING_DAYS = 2
    HOURS = 3


class Criterion(IntEnum):
    """What must hold, beside the state, for a rung to speak."""

    ALWAYS = 0
    NOT_SIGNED_FOR = 1
    BEHIND = 2
    RETURNED = 3


class Teller(IntEnum):
    """Who is told."""

    OFFICER = 1
    IN_CHARGE = 2
    HEAD = 3
    SUPERVISING = 4
    ONE_UP = 5
    TWO_UP = 6
    REVIEWER = 7
    REVIEWER_UP = 8


class How(IntEnum):
    """How loudly: in the day's digest, or at once."""

    DIGEST = 1
    AT_ONCE = 2


@dataclass(frozen=True)
class Audience:
    """Where somebody sits who is told: so many units above the assignment's unit, or above its reviewing unit."""

    steps: int
    roles: tuple[Role, ...]
    from_reviewer: bool = False


# The person in charge is told where one is named, else the officers: the sweep does that.
AUDIENCES: dict[Teller, Audience] = {
    Teller.OFFICER: Audience(0, (Role.OFFICER,)),
    Teller.IN_CHARGE: Audience(0, (Role.OFFICER,)),
    Teller.HEAD: Audience(0, (Role.SUPERVISOR,)),
    Teller.SUPERVISING: Audience(1, (Role.DISPATCHER,)),
    Teller.ONE_UP: Audience(1, (Role.SUPERVISOR, Role.DISPATCHER)),
    Teller.TWO_UP: Audience(2, (Role.SUPERVISOR, Role.DISPATCHER)),
    Teller.REVIEWER: Audience(0, (Role.SUPERVISOR,), from_reviewer=True),
    Teller.REVIEWER_UP: Audience(1, (Role.SUPERVISOR, Role.DISPATCHER), from_reviewer=True),
}
STATES: dict[Anchor, tuple[State, ...]] = {
    Anchor.RESPOND_BY: (State.ISSUED,),
    Anchor.DUE: WITH_OFFICER,
    Anchor.CUT_OFF: WITH_OFFICER,
    Anchor.REVIEW_DUE: (State.SUBMITTED,),
    Anchor.RETURNED: (State.RETURNED,),
    Anchor.BEHIND: (State.ISSUED, State.ACKNOWLEDGED),
}
TAGS: dict[Anchor, tuple[str, str]] = {  # to those below, to those above
    Anchor.RESPOND_BY: ("assignment:clock:remind-sign-for", "assignment:clock:escalate-sign-for"),
    Anchor.DUE: ("assignment:clock:remind", "assignment:clock:escalate"),
    Anchor.CUT_OFF: ("assignment:clock:cut-off", "assignment:clock:escalate"),
    Anchor.REVIEW_DUE: ("assignment:clock:review-due", "assignment:clock:review-overdue"),
    Anchor.RETURNED: ("assignment:clock:returned", "assignment:clock:returned-escalate"),
    Anchor.BEHIND: ("assignment:clock:behind", "assignment:clock:behind-escalate"),
}
FURTHER = "assignment:clock:escalate-further"

OVERTAKEN = "overtaken"  # why a rung was skipped: a later one was due as well, and only the latest speaks

# After a return the officer gets this long before the clock speaks again, even when the due date has passed.
RETURN_GRACE = timedelta(days=1)


@dataclass(frozen=True)
class Rung:
    """One step: `offset` in `counts` after `anchor` (before it, if negative); days speak `at` minutes after midnight.

    Numbers are unique in a ladder and never used again for something else in a later version.
    """

    number: int
    anchor: Anchor
    offset: int
    tells: tuple[Teller, ...]
    counts: Counts = Counts.WORKING_DAYS
    how: How = How.DIGEST
    when: Criterion = Criterion.ALWAYS
    at: int = NINE

    @property
    def steps(self) -> int:
        """How many units above its own the rung reaches."""
        return max((AUDIENCES[teller].steps for teller in self.tells), default=0)

    @property
    def sweep(self) -> Sweep:
        """Who tells somebody above escalates."""
        return Sweep.ESCALATE if self.steps else Sweep.REMIND

    @property
    def tag(self) -> str:
        """The tag of its event."""
        if self.anchor is Anchor.DUE and self.steps > 1:
            return FURTHER
        return TAGS[self.anchor][min(self.steps, 1)]

    @property
    def states(self) -> tuple[State, ...]:
        """In which states it still makes sense."""
        return STATES[self.anchor]


@dataclass(frozen=True, eq=False)
class Ladder:
    """A version of a rule: its rungs, and the highest level that is ever told (none: as high as the tree).

    A version never changes, so it is compared by identity: whoever loads it keeps it.
    """

    rungs: tuple[Rung, ...]
    id: int = 0
    stop_level: Level | None = None

    def for_grade(self, grade: Grade) -> tuple[Rung, ...]:
        """The rungs that apply: a task of best effort never escalates."""
        return tuple(rung for rung in self.rungs if grade is Grade.BINDING or rung.steps == 0)

    def rung(self, number: int) -> Rung | None:
        """The rung with that number, or None."""
        return next((rung for rung in self.rungs if rung.number == number), None)


# What suits a county: the officer hears first and softly; the head when it is not signed for; the units above, one
# and then two levels up, when it is overdue; the reviewer is under the clock too.
DEFAULT = Ladder(
    (
        Rung(1, Anchor.RESPOND_BY, -1, (Teller.OFFICER,)),
        Rung(2, Anchor.RESPOND_BY, 1, (Teller.OFFICER, Teller.HEAD), how=How.AT_ONCE),
        Rung(3, Anchor.BEHIND, 0, (Teller.OFFICER,), Counts.DAYS),
        Rung(4, Anchor.DUE, -3, (Teller.OFFICER,)),
        Rung(5, Anchor.DUE, -1, (Teller.IN_CHARGE, Teller.HEAD)),
        Rung(6, Anchor.DUE, 1, (Teller.OFFICER, Teller.ONE_UP), how=How.AT_ONCE),
        Rung(7, Anchor.DUE, 4, (Teller.OFFICER, Teller.TWO_UP), how=How.AT_ONCE),
        Rung(8, Anchor.CUT_OFF, -1, (Teller.OFFICER, Teller.HEAD)),
        Rung(9, Anchor.RETURNED, 2, (Teller.OFFICER,)),
        Rung(10, Anchor.REVIEW_DUE, 0, (Teller.REVIEWER,)),
        Rung(11, Anchor.REVIEW_DUE, 1, (Teller.REVIEWER, Teller.REVIEWER_UP)),
    )
)


@dataclass(frozen=True)
class Anchors:
    """The dates of an assignment that rungs count from, as instants in UTC; None where there is none."""

    respond_by: datetime | None = None
    due_at: datetime | None = None
    cut_off_at: datetime | None = None
    review_due_at: datetime | None = None
    returned_at: datetime | None = None
    behind_at: datetime | None = None

    def of(self, anchor: Anchor) -> datetime | None:
        """The date of that anchor."""
        return (
            self.respond_by, self.due_at, self.cut_off_at, self.review_due_at, self.returned_at, self.behind_at
        )[anchor - 1]  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A rung at its time: `anchor_at` is the date that it counts from, and part of what makes a firing unique."""

    when: datetime
    rung: Rung
    anchor_at: datetime


def moment_of(rung: Rung, anchor_at: datetime, calendar: Calendar, zone: str) -> datetime:
    """When the rung speaks of that date, in UTC. Days count from the local day of the date; they never end at midnight,
    when people sleep, but at the minute the rung names."""
    if rung.counts is Counts.HOURS:
        return anchor_at + timedelta(hours=rung.offset)
    place = ZoneInfo(zone)
    day: date = anchor_at.astimezone(place).date()
    kind = DayKind.WORKING if rung.counts is Counts.WORKING_DAYS else DayKind.CALENDAR
    local = datetime.combine(calendar.after(day, rung.offset, kind), time(rung.at // 60, rung.at % 60), tzinfo=place)
    return local.astimezone(UTC)


@lru_cache(maxsize=4096)
def plan(ladder: Ladder, grade: Grade, anchors: Anchors, calendar: Calendar, zone: str) -> tuple[Step, ...]:
    """Every rung that has its date, by time and then by number."""
    steps = [
        Step(moment_of(rung, anchor_at, calendar, zone), rung, anchor_at)
        for rung in ladder.for_grade(grade)
        if (anchor_at := anchors.of(rung.anchor)) is not None
    ]
    return tuple(sorted(steps, key=lambda step: (step.when, step.rung.number)))


@dataclass(frozen=True)
class Decision:
    """What happens now: those of one moment speak, those they overtake are skipped, and one is armed next."""

    speak: tuple[Step, ...] = ()
    skip: tuple[Step, ...] = ()
    next: Step | None = None


NOTHING = Decision()


def holds(rung: Rung, state: State, behind_at: datetime | None, at: datetime) -> bool:
    """Whether the rung still makes sense in that state at that instant."""
    if state not in rung.states:
        return False
    if rung.when is Criterion.NOT_SIGNED_FOR:
        return state is State.ISSUED
    if rung.when is Criterion.RETURNED:
        return state is State.RETURNED
    return rung.when is not Criterion.BEHIND or (behind_at is not None and behind_at <= at)


def always(rung: Rung, state: State) -> bool:
    """Whether the rung speaks in that state whatever else is the case."""
    return rung.when is Criterion.ALWAYS and state in rung.states


def may_speak(step: Step, state: State) -> bool:
    """Whether the step may come to speak before somebody arms the clock anew; signing for does not."""
    coming = (State.ISSUED, State.ACKNOWLEDGED) if state is State.ISSUED else (state,)
    return any(may in step.rung.states for may in coming)


def decide(
    steps: tuple[Step, ...], state: State, behind_at: datetime | None, after: datetime, now: datetime
) -> Decision:
    """What the clock does at `now` when everything up to `after` has been decided before.

    Of the rungs in between that still make sense only those of the latest moment speak. Armed is the next one that may
    come to make sense.
    """
    ahead = [step for step in steps if step.when > after]
    due = [step for step in ahead if step.when <= now and holds(step.rung, state, behind_at, now)]
    coming = (step for step in ahead if step.when > now and may_speak(step, state))
    latest = due[-1].when if due else now
    speak, skip = (tuple(step for step in due if (step.when == latest) is said) for said in (True, False))
    return Decision(speak, skip, next(coming, None))


def first_step(steps: tuple[Step, ...], now: datetime) -> tuple[datetime, Step] | None:
    """What to arm at a dispatch, and until when everything counts as decided: reminders whose time is already past are
    left out, escalations never are."""
    for step in steps:
        if step.rung.anchor in (Anchor.REVIEW_DUE, Anchor.RETURNED):
            continue
        if step.when > now or step.rung.sweep is Sweep.ESCALATE:
            return min(now, step.when - timedelta(microseconds=1)), step
    return None
