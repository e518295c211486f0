"""Who may urge an assignment, and whether it can be urged, as columns that the verb and the page share."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Case, ColumnElement, Integer, and_, case, exists, literal, or_, select, union

from ..rules.organisation import Actor, Line, PostFact, Role
from ..rules.standstill import BOSSES, Verdict
from ..rules.states import WITH_OFFICER, State
from .assignments import Assignment
from .campaigns import Campaign, CampaignUnit, Task
from .organisation import Post, Unit, holds_on


def urging_post(actor: Actor) -> ColumnElement[int | None]:
    """The post in which the actor may urge an assignment (Assignment joined with Unit), NULL where there is none: of a
    supervisor or dispatcher in whose subtree the unit lies, or of a dispatcher of an issuing unit."""
    posts = sorted((post for post in actor.posts if post.role in BOSSES), key=lambda post: post.lft - post.rgt)
    if not posts:
        return literal(None, Integer)
    return case(*((_reaches(post), literal(post.id, Integer)) for post in posts), else_=literal(None, Integer))


def _reaches(post: PostFact) -> ColumnElement[bool]:
    inside: ColumnElement[bool] = Unit.lft.between(post.lft, post.rgt)
    if post.line is not Line.PARTY:
        inside = and_(inside, Unit.line == post.line)
    if post.role is not Role.DISPATCHER:
        return inside
    issued = union(
        select(Campaign.id.label("id")).where(Campaign.issuing_unit_id == post.unit_id),
        select(CampaignUnit.campaign_id.label("id")).where(CampaignUnit.unit_id == post.unit_id),
    ).subquery()
    return or_(inside, Assignment.task_id.in_(select(Task.id).where(Task.campaign_id.in_(select(issued.c.id)))))


def verdict_number(cooled: datetime, today: date) -> Case[Any]:
    """The number of the verdict, as `rules/standstill.verdict` says it; a test holds the two together."""
    officer = exists().where(Post.unit_id == Assignment.unit_id, Post.role == Role.OFFICER, holds_on(today))
    return case(
        (Assignment.state == State.SUBMITTED, literal(int(Verdict.IN_REVIEW))),
        (Assignment.state == State.DISPUTED, literal(int(Verdict.SUSPENDED))),
        (Assignment.state.not_in(WITH_OFFICER), literal(int(Verdict.FINISHED))),
        (Assignment.suspended_at.is_not(None), literal(int(Verdict.SUSPENDED))),
        (Assignment.urged_at > cooled, literal(int(Verdict.RECENT))),
        (officer, literal(int(Verdict.URGED))),
        else_=literal(int(Verdict.NO_OFFICER)),
    )
