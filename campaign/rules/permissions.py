"""What somebody may do to a submission, and how it stands at each level: asked alike by pages, programs and tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from ..errors import Sentence, say
from .organisation import Actor, Role
from .states import NOT_ASKED, Action, State
from .transitions import Facts, offers

REMARKS = (Role.OFFICER, Role.SUPERVISOR, Role.DISPATCHER)
OVERSEE = (Role.AUDITOR, Role.ADMINISTRATOR)


class Here(IntEnum):
    """How a submission stands at one level of its chain; worked out, never stored."""

    WAITING_BELOW = 1
    READY_HERE = 2
    APPROVED_HERE = 3
    ACCEPTED_ABOVE = 4


@dataclass(frozen=True)
class Permissions:
    """The six. `refusal`: why approve and return are shown but off, where they belong to the actor."""

    approve: bool
    return_: bool
    claim: bool
    undo: bool
    comment: bool
    see_who: bool
    refusal: Sentence | None = None

    @property
    def reviews(self) -> bool:
        """Whether the decision is this actor's, now or but for the refusal."""
        return self.approve or self.return_ or self.refusal is not None


@dataclass(frozen=True)
class Holder:
    """Who has the submission in hand."""

    person_id: int
    name: str


def permissions(facts: Facts, actor: Actor, chain: Sequence[int] = (), held: Holder | None = None) -> Permissions:
    """What the actor may. `chain`: the units that review this version, `held`: whose claim is alive, if any.

    Nothing here decides by itself: approve, return and undo are what the table of transitions offers.
    """
    offered = {offer.action: offer.refusal for offer in offers(facts, actor)}
    reviewing = Action.APPROVE in offered
    refusal = offered.get(Action.APPROVE)
    claim = reviewing and refusal is None
    if claim and held is not None and held.person_id != actor.person_id:
        refusal = say("%(name)s has this in hand. Take it over if you want to decide yourself.", name=held.name)
    involved = (facts.unit_id, *chain, *facts.issuing_units)
    mine = [post for post in actor.posts if post.unit_id in involved]
    return Permissions(
        approve=reviewing and refusal is None,
        return_=Action.RETURN in offered and refusal is None,
        claim=claim,
        undo=Action.UNDO in offered and offered[Action.UNDO] is None,
        comment=facts.state not in NOT_ASKED and any(post.role in REMARKS for post in mine),
        see_who=bool(mine) or actor.has_role(*OVERSEE),
        refusal=refusal if reviewing else None,
    )


def levels(state: State, chain: Sequence[int], step: int) -> list[Here]:
    """How the latest version stands at each level of its chain. `step`: at which level it waits, while it waits."""
    if state is State.APPROVED:
        step = len(chain)
    elif state is not State.SUBMITTED:
        return [Here.WAITING_BELOW for _ in chain]
    return [
        Here.WAITING_BELOW if at > step
        else Here.READY_HERE if at == step
        else Here.APPROVED_HERE if at == step - 1
        else Here.ACCEPTED_ABOVE
        for at in range(len(chain))
    ]  # fmt: skip
