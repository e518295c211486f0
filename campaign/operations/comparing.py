"""Whether the units of a campaign may be set side by side: off until a dispatcher of the issuer writes down why."""

from datetime import datetime

from sqlalchemy import update

from ..db import db
from ..errors import Invalid, Problem, Refused, say
from ..models import Campaign
from ..rules.organisation import Actor
from ..rules.plans import CampaignStatus
from .issuing import acting_for
from .log import record
from .repeating import once

SHORTEST_GROUND, LONGEST_GROUND = 10, 1_000


def allow(campaign_id: int, ground: str, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> None:
    """Switches the comparison on, or gives it another ground. Raises Invalid for a ground that says nothing."""
    written = " ".join(ground.split())
    content = {"ground": written}
    if once(client_action_id, actor=actor, subject=f"compare:{campaign_id}", content=content, now=now) is not None:
        return
    post_id, status = acting_for(campaign_id, actor=actor)
    if status is not CampaignStatus.ISSUED:
        raise Refused(say("Units are compared only in a campaign that is under way."))
    if not SHORTEST_GROUND <= len(written) <= LONGEST_GROUND:
        problem = say(
            "Please name the ground in %(least)s to %(most)s characters.", least=SHORTEST_GROUND, most=LONGEST_GROUND
        )
        raise Invalid(problem, [Problem("ground", problem)])
    _write(campaign_id, written)
    record(
        tag="campaign:comparison:allow", subject="campaign", subject_id=campaign_id, actor=actor, post_id=post_id,
        now=now, reason=written,
    )  # fmt: skip


def stop(campaign_id: int, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> None:
    """Switches the comparison off; nothing that was compared remains anywhere."""
    if once(client_action_id, actor=actor, subject=f"compare-no-more:{campaign_id}", content={}, now=now) is not None:
        return
    post_id, _status = acting_for(campaign_id, actor=actor)
    if not _write(campaign_id, ""):
        raise Refused(say("Units are not compared in this campaign."))
    record(
        tag="campaign:comparison:stop", subject="campaign", subject_id=campaign_id, actor=actor, post_id=post_id,
        now=now,
    )  # fmt: skip


def _write(campaign_id: int, ground: str) -> bool:
    """Whether that changed anything."""
    changed = db.session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.compared_ground != ground)
        .values(compared_ground=ground)
        .execution_options(synchronize_session=False)
        .returning(Campaign.id)
    )
    return changed.first() is not None
