"""THE TABLE: which action leads from which states to which, by whom, under which guards, and who is told.

The buttons on the page, the operations, the diagram in the docs and the tests all read this table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from ..errors import Sentence, say
from .organisation import Actor, PostFact, Role
from .states import OPEN, WORKING, Action, State


class Party(IntEnum):
    """Who may act: the post that the action belongs to."""

    REPORTER = 1
    REVIEWER = 2
    ISSUER = 3


class Audience(IntEnum):
    """Who is told of a transition."""

    NOBODY = 0
    REPORTERS = 1
    REVIEWERS = 2


@dataclass(frozen=True)
class Facts:
    """What the law needs to know of one assignment to decide an action."""

    id: int
    state: State
    version: int
    unit_id: int
    issuing_units: tuple[int, ...]
    reviewer_unit_id: int | None = None
    submitter_id: int | None = None
    reviewers_so_far: tuple[int, ...] = ()
    levels_remain: bool = False
    reason: str = ""


Guard = Callable[[Facts, Actor], Sentence | None]


def not_own_work(facts: Facts, actor: Actor) -> Sentence | None:
    """Nobody reviews what they submitted, nor decides twice on the same version at two levels."""
    if actor.person_id == facts.submitter_id:
        return say("You submitted this yourself. Somebody else must review it.")
    if actor.person_id in facts.reviewers_so_far:
        return say("You have already approved this version at another level. Somebody else must review it here.")
    return None


def reason_given(facts: Facts, _actor: Actor) -> Sentence | None:
    """A step back needs words that say why."""
    return None if facts.reason.strip() else say("Please say why, in a few words.")


def not_yet_reviewed(facts: Facts, _actor: Actor) -> Sentence | None:
    """What a level has decided on is no longer the submitter's to take back."""
    return say("A level has already approved this version. It cannot be withdrawn.") if facts.reviewers_so_far else None


def levels_remain(facts: Facts, _actor: Actor) -> bool:
    """A further level must still review after this one."""
    return facts.levels_remain


def last_level(facts: Facts, _actor: Actor) -> bool:
    """This level's approval is the final one."""
    return not facts.levels_remain


@dataclass(frozen=True)
class Transition:
    """One row: `when` chooses between rows of the same action; `guards` refuse with a sentence."""

    action: Action
    sources: tuple[State, ...]
    target: State
    party: Party
    tag: str
    guards: tuple[Guard, ...] = ()
    tells: Audience = Audience.NOBODY
    when: Callable[[Facts, Actor], bool] | None = None


TABLE: tuple[Transition, ...] = (
    Transition(
        Action.ACKNOWLEDGE, (State.ISSUED,), State.ACKNOWLEDGED, Party.REPORTER, "assignment:sign-for:acknowledge"
    ),
    Transition(
        Action.SUBMIT,
        WORKING,
        State.SUBMITTED,
        Party.REPORTER,
        "assignment:submission:submit",
        tells=Audience.REVIEWERS,
    ),
    Transition(
        Action.WITHDRAW,
        (State.SUBMITTED,),
        State.ACKNOWLEDGED,
        Party.REPORTER,
        "assignment:submission:withdraw",
        (not_yet_reviewed,),
    ),
    Transition(
        Action.APPROVE,
        (State.SUBMITTED,),
        State.SUBMITTED,
        Party.REVIEWER,
        "assignment:review:pass-up",
        (not_own_work,),
        Audience.REVIEWERS,
        levels_remain,
    ),
    Transition(
        Action.APPROVE,
        (State.SUBMITTED,),
        State.APPROVED,
        Party.REVIEWER,
        "assignment:review:approve",
        (not_own_work,),
        Audience.REPORTERS,
        last_level,
    ),
    Transition(
        Action.RETURN,
        (State.SUBMITTED,),
        State.RETURNED,
        Party.REVIEWER,
        "assignment:review:return",
        (not_own_work, reason_given),
        Audience.REPORTERS,
    ),
    Transition(
        Action.REOPEN,
        (State.APPROVED,),
        State.ACKNOWLEDGED,
        Party.ISSUER,
        "assignment:issuer:reopen",
        (reason_given,),
        Audience.REPORTERS,
    ),
    Transition(
        Action.CANCEL,
        OPEN,
        State.CANCELLED,
        Party.ISSUER,
        "assignment:issuer:cancel",
        (reason_given,),
        Audience.REPORTERS,
    ),
)

PARTY_ROLES = {Party.REPORTER: Role.OFFICER, Party.REVIEWER: Role.SUPERVISOR, Party.ISSUER: Role.DISPATCHER}


def post_for(party: Party, facts: Facts, actor: Actor) -> PostFact | None:
    """The post in which this actor may act as that party on this assignment, or None."""
    units: tuple[int | None, ...] = {
        Party.REPORTER: (facts.unit_id,),
        Party.REVIEWER: (facts.reviewer_unit_id,),
        Party.ISSUER: facts.issuing_units,
    }[party]
    return next((post for unit in units if (post := actor.post_in(unit, PARTY_ROLES[party]))), None)


def row_for(action: Action, facts: Facts, actor: Actor) -> Transition | None:
    """The row of the table that this action takes from this state, or None."""
    rows = (row for row in TABLE if row.action is action and facts.state in row.sources)
    return next((row for row in rows if row.when is None or row.when(facts, actor)), None)


@dataclass(frozen=True)
class Offer:
    """An action that the page offers; `refusal` tells why it is shown but off."""

    action: Action
    refusal: Sentence | None = None


def offers(facts: Facts, actor: Actor) -> list[Offer]:
    """What this actor may do to this assignment now, in the order of the table. Reasons are asked later."""
    found: dict[Action, Offer] = {}
    for action in Action:
        row = row_for(action, facts, actor)
        if row is None or post_for(row.party, facts, actor) is None:
            continue
        refusals = (guard(facts, actor) for guard in row.guards if guard is not reason_given)
        found[action] = Offer(action, next((refusal for refusal in refusals if refusal), None))
    return list(found.values())
