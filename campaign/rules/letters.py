"""Who signs a responsibility letter, for which side."""

from .organisation import Actor, PostFact, Role
from .targets import Party

SIGNS = {
    Party.ABOVE: (Role.DISPATCHER, Role.SUPERVISOR),
    Party.BELOW: (Role.OFFICER, Role.SUPERVISOR, Role.DISPATCHER),
}


def signing_post(party: Party, above_id: int, below_id: int, actor: Actor) -> PostFact | None:
    """The post in which the actor signs for that side: of the unit above, or of the unit that received the task."""
    return actor.post_in(above_id if party is Party.ABOVE else below_id, *SIGNS[party])
