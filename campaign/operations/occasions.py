"""Occasions: days that a campaign's dates depend on, such as a congress. Set or moved later, they move what depends."""

import hashlib
from datetime import date, datetime

from sqlalchemy import delete, func, select, update

from ..db import db
from ..errors import Invalid, NotFound, Problem, Refused, Sentence, Stale, say
from ..models import Campaign, Occasion, Task
from ..notify.outbox import tell_batch
from ..rules.organisation import Actor
from ..rules.planning import FIRST_DAY, LAST_DAY, MOST_OCCASIONS
from ..rules.plans import CampaignStatus
from .issuing import acting_for
from .log import record
from .move import FASTER
from .redating import Redated, redate
from .repeating import once, remember

LONGEST_NAME = 120
LONGEST_REASON = 1_000
MOVED = "assignment:occasion:move"


def add_occasion(
    campaign_id: int, name: str, on: date | None, *, actor: Actor, now: datetime, client_action_id: str | None = None
) -> int:
    """Adds an occasion to a draft, on a day or with its day not known yet; its id.

    Raises Forbidden for others than dispatchers of an issuing unit, Invalid for a name that is empty or taken, Refused
    once the campaign is issued: no task could depend on it any more.
    """
    content = {"name": name, "on": str(on)}
    held = once(client_action_id, actor=actor, subject=f"occasion:new:{campaign_id}", content=content, now=now)
    if held is not None:
        return int(held)
    post_id, status = acting_for(campaign_id, actor=actor)
    if status is not CampaignStatus.DRAFT:
        raise Refused(say("The campaign has been issued and can no longer be edited."))
    db.session.execute(select(Campaign.id).where(Campaign.id == campaign_id).with_for_update(key_share=True))
    there = db.session.execute(
        select(Occasion.name, Occasion.position).where(Occasion.campaign_id == campaign_id)
    ).all()
    name = " ".join(name.split())
    _refuse("name", _wrong_name(name, [row.name for row in there]))
    _refuse("on", wrong_day(on))
    made = Occasion(
        campaign_id=campaign_id, position=max((row.position for row in there), default=0) + 1, name=name, happens_on=on
    )
    db.session.add(made)
    db.session.flush()
    data = {"occasion": made.id, "name": name, "on": on}
    record(
        tag="campaign:occasion:add", subject="campaign", subject_id=campaign_id, actor=actor, post_id=post_id, now=now,
        data=data,
    )  # fmt: skip
    remember(client_action_id, str(made.id))
    return made.id


def remove_occasion(occasion_id: int, *, actor: Actor, now: datetime, seen: int) -> None:
    """Takes away an occasion that no task depends on. Raises Refused where one does, Stale, Forbidden."""
    held = _held(occasion_id)
    post_id, _ = acting_for(held.campaign_id, actor=actor)
    if db.session.execute(select(func.count()).where(Task.occasion_id == occasion_id)).scalar_one():
        raise Refused(say("Tasks depend on this occasion. It cannot be taken away."))
    gone = delete(Occasion).where(Occasion.id == occasion_id, Occasion.version == seen).returning(Occasion.id)
    if db.session.execute(gone, execution_options={"synchronize_session": False}).first() is None:
        raise Stale(FASTER)
    db.session.expunge(held)
    record(
        tag="campaign:occasion:remove", subject="campaign", subject_id=held.campaign_id, actor=actor, post_id=post_id,
        now=now, data={"occasion": occasion_id, "name": held.name},
    )  # fmt: skip


def move_occasion(
    occasion_id: int,
    on: date | None,
    reason: str,
    *,
    actor: Actor,
    now: datetime,
    seen: int,
    client_action_id: str | None = None,
) -> list[Redated]:
    """Gives an occasion its day, another one, or none (not known), and moves everything that depends on it.

    One event stands for all, with the reason, the batches and their digest; each batch is told by one notice that goes
    into the day's digest. Raises Stale when the occasion is not the version `seen`, Invalid without a reason once the
    campaign is issued, Refused where nothing would change, Forbidden for others than the issuer's dispatchers.
    """
    content = {"on": str(on), "reason": reason}
    if (
        once(client_action_id, actor=actor, subject=f"occasion:move:{occasion_id}", content=content, now=now)
        is not None
    ):
        return []
    held = _held(occasion_id)
    post_id, status = acting_for(held.campaign_id, actor=actor)
    reason = reason.strip()
    _refuse("on", wrong_day(on))
    _refuse("reason", _wrong_reason(reason, needed=status is not CampaignStatus.DRAFT))
    was, tasks = held.happens_on, list(db.session.scalars(select(Task.id).where(Task.occasion_id == occasion_id)))
    changed = db.session.execute(
        update(Occasion)
        .where(Occasion.id == occasion_id, Occasion.version == seen)
        .values(happens_on=on, version=seen + 1)
        .returning(Occasion.id)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        raise Stale(FASTER)
    if on == was:
        raise Refused(say("The occasion is on this day already."))
    moved = redate(tasks, now=now)
    event_id = record(
        tag=MOVED, subject="occasion", subject_id=occasion_id, actor=actor, post_id=post_id, now=now, reason=reason,
        data={
            "name": held.name, "old": was, "new": on, "batches": [each.batch_id for each in moved],
            "items": sum(each.items for each in moved), "digest": digest_of(moved),
        },
    )  # fmt: skip
    for each in moved:
        tell_batch(each.batch_id, event_id=event_id, tag=MOVED, now=now)
    return moved


def digest_of(moved: list[Redated]) -> str:
    """SHA-256 over 'batch:assignments' of what moved, by batch, comma-joined: the set that one event stands for."""
    text = ",".join(f"{each.batch_id}:{each.items}" for each in sorted(moved, key=lambda each: each.batch_id))
    return hashlib.sha256(text.encode()).hexdigest()


def _held(occasion_id: int) -> Occasion:
    held = db.session.execute(
        select(Occasion).where(Occasion.id == occasion_id).execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if held is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    return held


def _wrong_name(name: str, taken: list[str]) -> Sentence | None:
    if not name:
        return say("Please name the occasion, for example the congress.")
    if len(name) > LONGEST_NAME:
        return say("At most %(most)s characters; these are %(have)s.", most=LONGEST_NAME, have=len(name))
    if name in taken:
        return say("This campaign has an occasion with this name already.")
    if len(taken) >= MOST_OCCASIONS:
        return say("At most %(most)s of these.", most=MOST_OCCASIONS)
    return None


def _wrong_reason(reason: str, *, needed: bool) -> Sentence | None:
    if needed and not reason:
        return say("Please say why, in a few words.")
    if len(reason) > LONGEST_REASON:
        return say("At most %(most)s characters; these are %(have)s.", most=LONGEST_REASON, have=len(reason))
    return None


def wrong_day(on: date | None) -> Sentence | None:
    """What is wrong with the day of an occasion; None when nothing is, or when it is not known yet."""
    return None if on is None or FIRST_DAY <= on <= LAST_DAY else say("Is the year right?")


def _refuse(where: str, sentence: Sentence | None) -> None:
    if sentence is not None:
        raise Invalid(sentence, [Problem(where, sentence)])
