"""Scope: what a reader may see, as WHERE clauses. Outside it a thing does not exist.

A 党委 unit's posts see all lines in the subtree of their area; other posts see their own line there. Every post also
sees what is addressed to its unit, what waits at its unit for review, and all of the campaigns its unit issues.
"""

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
    true,
    union,
)
from sqlalchemy.orm import aliased

from ..models import Assignment, Campaign, CampaignUnit, SampleItem, Task, Unit
from ..models.following import Following
from ..rules.organisation import Actor, Line, PostFact
from ..rules.plans import CampaignStatus

# A subtree up to this many areas is walked from its units; a larger one is asked campaign by campaign, where the
# first assignment found is enough. Either way the work does not grow with the country.
NARROW = 5_000
BEYOND = 2**31 - 1  # no unit has this `lft`


def visible_units(actor: Actor) -> ColumnElement[bool]:
    """A clause over Unit: the units whose work this actor may see."""
    if actor.is_system:
        return true()
    if not actor.posts:
        return false()
    return or_(Unit.id.in_(actor.units()), *_subtrees(actor))


def visible_assignments(actor: Actor) -> ColumnElement[bool]:
    """A clause over Assignment joined with Unit on the receiving unit; it needs no other table in the FROM list."""
    if actor.is_system:
        return true()
    if not actor.posts:
        return false()
    units = actor.units()
    return or_(
        *_subtrees(actor),
        Assignment.unit_id.in_(units),
        Assignment.reviewer_unit_id.in_(units),
        Assignment.task_id.in_(select(Task.id).where(Task.campaign_id.in_(_issued_by(units)))),
    )


def around(actor: Actor, task_id: int) -> ColumnElement[bool]:
    """A clause over Unit: from the first to the last that has an assignment of that task which the actor may see. It
    takes nothing away from `visible_assignments`; with it a database reads this stretch of the tree, instead of asking
    of every unit of the country whether the actor sees it."""
    if actor.is_system:
        return true()
    if not actor.posts:
        return false()
    units, there = actor.units(), aliased(Unit)
    first, last = min(post.lft for post in actor.posts), max(post.rgt for post in actor.posts)
    issued = exists().where(Task.id == task_id, Task.campaign_id.in_(_issued_by(units)))
    waiting = (
        select(func.min(there.lft).label("first"), func.max(there.lft).label("last"))
        .join(Assignment, Assignment.unit_id == there.id)
        .where(Assignment.reviewer_unit_id.in_(units), Following(Assignment.task_id) == task_id)
        .subquery()
    )
    begin = case((issued, 0), (waiting.c.first < first, waiting.c.first), else_=first)
    end = case((issued, BEYOND), (waiting.c.last > last, waiting.c.last), else_=last)
    lower, upper = (select(edge).select_from(waiting).scalar_subquery() for edge in (begin, end))
    return Unit.lft.between(lower, upper)


def given_to_check(actor: Actor) -> ColumnElement[bool]:
    """A clause over Assignment: drawn in a random re-check for a unit of the actor to look at. Such an assignment is
    seen on the page of the re-check alone, with its evidence, and nowhere else."""
    return Assignment.id.in_(select(SampleItem.assignment_id).where(SampleItem.unit_id.in_(actor.units())))


def visible_campaigns(actor: Actor) -> ColumnElement[bool]:
    """A clause over Campaign: what the actor's units issue, drafts too; beyond that what was issued by a unit that the
    actor sees, or has an assignment that the actor sees."""
    if actor.is_system:
        return true()
    if not actor.posts:
        return false()
    units = actor.units()
    seen = select(Unit.id).where(Unit.id == Campaign.issuing_unit_id, visible_units(actor))
    return or_(
        Campaign.id.in_(_issued_by(units)),
        and_(
            Campaign.status != CampaignStatus.DRAFT,
            or_(
                exists(seen.correlate(Campaign)),
                *(_receives(post) for post in _widest(actor)),
                _waits_at(units),
            ),
        ),
    )


def _issued_by(units: list[int]) -> Select[tuple[int]]:
    both = union(
        select(Campaign.id.label("id")).where(Campaign.issuing_unit_id.in_(units)),
        select(CampaignUnit.campaign_id.label("id")).where(CampaignUnit.unit_id.in_(units)),
    ).subquery()
    return select(both.c.id)


def _subtrees(actor: Actor) -> list[ColumnElement[bool]]:
    return [_within(post) for post in _widest(actor)]


def _widest(actor: Actor) -> list[PostFact]:
    """The posts whose subtree no other post of the actor covers; one for each subtree and line."""
    kept: list[PostFact] = []
    for post in sorted(actor.posts, key=lambda post: (post.lft, -post.rgt, post.line)):
        if not any(_covers(other, post) for other in kept):
            kept.append(post)
    return kept


def _covers(wide: PostFact, narrow: PostFact) -> bool:
    return wide.lft <= narrow.lft and narrow.rgt <= wide.rgt and wide.line in (narrow.line, Line.PARTY)


def _within(post: PostFact) -> ColumnElement[bool]:
    inside = Unit.lft.between(post.lft, post.rgt)
    return inside if post.line is Line.PARTY else and_(Unit.line == post.line, inside)


def _receives(post: PostFact) -> ColumnElement[bool]:
    """Campaigns with an assignment in the subtree that this post sees."""
    found = (
        select(Task.campaign_id)
        .join(Assignment, Assignment.task_id == Task.id)
        .join(Unit, Unit.id == Assignment.unit_id)
    )
    if post.rgt - post.lft < NARROW:
        here = Unit.lft.between(post.lft, post.rgt)
        ours = true() if post.line is Line.PARTY else Following(Unit.line) == post.line
        return Campaign.id.in_(found.where(here, ours))
    return exists(found.where(_within(post), Task.campaign_id == Campaign.id).correlate(Campaign))


def _waits_at(units: list[int]) -> ColumnElement[bool]:
    return Campaign.id.in_(
        select(Task.campaign_id)
        .join(Assignment, Assignment.task_id == Task.id)
        .where(Assignment.reviewer_unit_id.in_(units))
    )
