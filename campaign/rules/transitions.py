"""THE TABLE: which action leads from which states to which, by whom, under which guards, and who is told.

The buttons on the page, the operations, the diagram in the docs and the tests all read this table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from ..errors import Sentence, say
from .organisation import Actor, PostFact, Role
from .states import OPEN, WITH_OFFICER, WORKING, Action, State


class Party(IntEnum):
    """Who may act: the post that the action belongs to."""

    REPORTER = 1
    REVIEWER = 2
    ISSUER = 3
    ABOVE = 4
    DECIDER = 5
    LAST_REVIEWER = 6


class Audience(IntEnum):
    """Who is told of a transition."""

    NOBODY = 0
    REPORTERS = 1
    REVIEWERS = 2
    DECIDERS = 3


@dataclass(slots=True)  # nobody changes them; frozen, they would take four times as long to make, at every step
class Facts:
    """What the law needs to know of one assignment to decide an action.

    `submitted_for_id`: the holder of the post in which it was submitted; the submitter unless a stand-in acted.
    `reviewers_so_far` holds for each approval both who gave it and for whom. `units_above`: the levels after the one
    at which it waits. `vacant_here`: nobody can review where it waits; asked only where somebody would pass it over.
    `asks_above`: a question or a request of the unit waits for an answer, and its clock stands still.
    `deciding_units`: who decides on what the unit asks for, the nearest first; known only where a request is in hand.
    `decided_by_id`, `decided_in`: who took the last decision on the version that counts, and for which unit; `untold`:
    nobody has been told of it yet. Known only where it might be taken back.
    """

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
    submitted_for_id: int | None = None
    units_above: tuple[int, ...] = ()
    vacant_here: bool = False
    asks_above: bool = False
    deciding_units: tuple[int, ...] = ()
    decided_by_id: int | None = None
    decided_in: int | None = None
    untold: bool = False


Guard = Callable[[Facts, Actor], Sentence | None]


def hands(actor: Actor, post: PostFact | None) -> set[int]:
    """Who acts when this actor acts in that post: the actor, and the holder for whom they stand in."""
    return {actor.person_id, actor.person_id if post is None or post.holder_id is None else post.holder_id}


def not_own_work(facts: Facts, actor: Actor) -> Sentence | None:
    """Nobody reviews what they submitted, nor decides twice on the same version at two levels: neither in person, nor
    by a stand-in, nor as one."""
    acting = hands(actor, post_for(Party.REVIEWER, facts, actor))
    if actor.person_id == facts.submitter_id:
        return say("You submitted this yourself. Somebody else must review it.")
    if actor.person_id == facts.submitted_for_id:
        return say("This was submitted on your behalf. Somebody else must review it.")
    if acting & {facts.submitter_id, facts.submitted_for_id}:
        return say("You stand in here for the person whose work this is. Somebody else must review it.")
    if actor.person_id in facts.reviewers_so_far:
        return say("You have already approved this version at another level. Somebody else must review it here.")
    if acting & set(facts.reviewers_so_far):
        return say("The person you stand in for has already approved this version. Somebody else must review it here.")
    return None


def not_own_way(facts: Facts, actor: Actor) -> Sentence | None:
    """Nobody takes a level out of the way of their own work."""
    if hands(actor, post_for(Party.ABOVE, facts, actor)) & {facts.submitter_id, facts.submitted_for_id}:
        return say("This is your own work. Somebody else must decide that a level is passed over.")
    return None


def nobody_there(facts: Facts, _actor: Actor) -> Sentence | None:
    """A level is passed over only while nobody can review there."""
    return None if facts.vacant_here else say("Somebody can review it where it waits, so it stays there.")


def reason_given(facts: Facts, _actor: Actor) -> Sentence | None:
    """A step back needs words that say why."""
    return None if facts.reason.strip() else say("Please say why, in a few words.")


def not_yet_reviewed(facts: Facts, _actor: Actor) -> Sentence | None:
    """What a level has decided on is no longer the submitter's to take back."""
    return say("A level has already approved this version. It cannot be withdrawn.") if facts.reviewers_so_far else None


def nothing_pending(facts: Facts, _actor: Actor) -> Sentence | None:
    """One thing at a time: the clock cannot stand still twice."""
    pending = say("You already wait for an answer from above. Wait for it, or take back what you asked.")
    return pending if facts.asks_above else None


def no_question_pending(facts: Facts, _actor: Actor) -> Sentence | None:
    """What is asked above is answered or withdrawn before the work is handed in: the clock cannot do both."""
    pending = say("What you asked above still waits for an answer. Take it back first, then submit.")
    return pending if facts.asks_above else None


def nobody_told(facts: Facts, _actor: Actor) -> Sentence | None:
    """What others have been told of is no longer taken back in silence."""
    gone = say("The message about this decision has gone out. It can no longer be taken back.")
    return None if facts.untold else gone


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
        (no_question_pending,),
        Audience.REVIEWERS,
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
        Action.PASS_OVER,
        (State.SUBMITTED,),
        State.SUBMITTED,
        Party.ABOVE,
        "assignment:review:pass-over",
        (nobody_there, not_own_way, reason_given),
        Audience.REVIEWERS,
        levels_remain,
    ),
    Transition(
        Action.REOPEN,
        (State.APPROVED, State.NOT_APPLICABLE),
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
    Transition(
        Action.DISPUTE,
        (State.ISSUED,),
        State.DISPUTED,
        Party.REPORTER,
        "assignment:request:dispute",
        (nothing_pending, reason_given),
        Audience.DECIDERS,
    ),
    Transition(
        Action.SETTLE,
        (State.DISPUTED,),
        State.ISSUED,
        Party.DECIDER,
        "assignment:request:settle",
        (reason_given,),
        Audience.REPORTERS,
    ),
    Transition(
        Action.RETRACT,
        (State.DISPUTED,),
        State.ISSUED,
        Party.REPORTER,
        "assignment:request:retract",
        (),
        Audience.DECIDERS,
    ),
    Transition(
        Action.EXEMPT,
        WITH_OFFICER,
        State.NOT_APPLICABLE,
        Party.DECIDER,
        "assignment:request:exempt",
        (reason_given,),
        Audience.REPORTERS,
    ),
    Transition(
        Action.UNDO,
        (State.SUBMITTED, State.RETURNED, State.APPROVED),
        State.SUBMITTED,
        Party.LAST_REVIEWER,
        "assignment:review:undo",
        (nobody_told,),
    ),
)

_ROWS = {action: [row for row in TABLE if row.action is action] for action in Action}
PARTY_ROLES = {
    Party.REPORTER: (Role.OFFICER,),
    Party.REVIEWER: (Role.SUPERVISOR,),
    Party.ISSUER: (Role.DISPATCHER,),
    Party.ABOVE: (Role.SUPERVISOR, Role.DISPATCHER),
    Party.DECIDER: (Role.DISPATCHER, Role.SUPERVISOR),
    Party.LAST_REVIEWER: (Role.SUPERVISOR,),
}
PARTY_UNITS: dict[Party, Callable[[Facts, Actor], tuple[int | None, ...]]] = {
    Party.REPORTER: lambda facts, actor: (facts.unit_id,),
    Party.REVIEWER: lambda facts, actor: (facts.reviewer_unit_id,),
    Party.ISSUER: lambda facts, actor: facts.issuing_units,
    Party.ABOVE: lambda facts, actor: facts.units_above,
    Party.DECIDER: lambda facts, actor: facts.deciding_units,
    Party.LAST_REVIEWER: lambda facts, actor: (facts.decided_in,) if facts.decided_by_id == actor.person_id else (),
}


def post_for(party: Party, facts: Facts, actor: Actor) -> PostFact | None:
    """The post in which this actor may act as that party on this assignment, or None.

    An own post before one stood in for; for a review one in which it is nobody's own work, where there is one.
    """
    found = [post for unit in PARTY_UNITS[party](facts, actor) for post in actor.posts_in(unit, *PARTY_ROLES[party])]
    if party is Party.REVIEWER:
        involved = {facts.submitter_id, facts.submitted_for_id, *facts.reviewers_so_far}
        found.sort(key=lambda post: bool(hands(actor, post) & involved))
    return next(iter(found), None)


def row_for(action: Action, facts: Facts, actor: Actor) -> Transition | None:
    """The row of the table that this action takes from this state, or None."""
    for row in _ROWS[action]:
        if facts.state in row.sources and (row.when is None or row.when(facts, actor)):
            return row
    return None


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
        if nobody_there in row.guards and not facts.vacant_here:
            continue  # not a button that is off: where somebody can review there is no gap to speak of
        refusals = (guard(facts, actor) for guard in row.guards if guard is not reason_given)
        found[action] = Offer(action, next((refusal for refusal in refusals if refusal), None))
    return list(found.values())
