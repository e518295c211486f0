"""What the law needs to know of an assignment, as one SELECT that verbs and questions read alike."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, and_, bindparam, cast, func, select
from sqlalchemy.orm import aliased

from ..db import flush_pending, run
from ..rules.states import Action
from ..rules.transitions import Facts
from .assignments import Assignment
from .campaigns import Campaign, CampaignUnit, Task
from .organisation import Post, Unit
from .reporting import STANDS, Review, Submission


@dataclass(slots=True)
class Standing(Facts):
    """The facts of the law, and what an operation on the assignment needs beside them. `parent_id`: the assignment that
    it was split from."""

    task_id: int = 0
    campaign_id: int = 0
    batch_id: int = 0
    parent_id: int | None = None
    due_at: datetime | None = None
    respond_by: datetime | None = None
    cut_off_at: datetime | None = None
    review_due_at: datetime | None = None
    behind_at: datetime | None = None
    since: datetime | None = None
    suspended_at: datetime | None = None
    submitted_at: datetime | None = None
    review_step: int = 0
    submission_id: int | None = None
    submission_number: int = 0
    submission_digest: str = ""
    chain: tuple[int, ...] = ()


def _ids(text: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",")) if text else ()


def _statement() -> Select[Any]:
    """One row per assignment; the subqueries read a handful of rows each.

    Written on the tables: through the ORM the same statement takes twice as long to run.
    """
    assignment, task, campaign, partner, review = (
        noun.__table__.c for noun in (Assignment, Task, Campaign, CampaignUnit, Review)
    )
    submission, version = Submission.__table__.alias("submission"), Submission.__table__.alias("version")
    latest = (
        select(func.max(version.c.number))
        .where(version.c.assignment_id == assignment.id)
        .correlate(Assignment.__table__)
    )
    co_issuers = select(func.aggregate_strings(cast(partner.unit_id, String), ",")).where(
        partner.campaign_id == campaign.id
    )
    given_in, written_in = Post.__table__.alias(), Post.__table__.alias()
    both = cast(review.person_id, String) + "," + cast(given_in.c.person_id, String)  # who decided, and for whom
    reviewers = (
        select(func.aggregate_strings(both, ","))
        .join_from(Review.__table__, given_in, given_in.c.id == review.post_id)
        .where(review.submission_id == submission.c.id, review.decision == Action.APPROVE, STANDS)
    )
    of_latest = and_(submission.c.assignment_id == assignment.id, submission.c.number == latest.scalar_subquery())
    return (
        select(
            assignment.id, assignment.state, assignment.version, assignment.unit_id, assignment.task_id,
            assignment.batch_id, assignment.parent_id, assignment.due_at, assignment.respond_by, assignment.cut_off_at,
            assignment.review_due_at, assignment.behind_at, assignment.since, assignment.suspended_at,
            assignment.reviewer_unit_id, assignment.review_step,
            campaign.id.label("campaign_id"),
            campaign.issuing_unit_id,
            co_issuers.scalar_subquery().label("co_issuers"),
            submission.c.id.label("submission_id"),
            submission.c.number,
            submission.c.person_id,
            written_in.c.person_id.label("submitted_for"),
            submission.c.chain,
            submission.c.digest,
            submission.c.at.label("submitted_at"),
            reviewers.scalar_subquery().label("reviewers"),
        )
        .select_from(Assignment.__table__)
        .join(Task.__table__, task.id == assignment.task_id)
        .join(Campaign.__table__, campaign.id == task.campaign_id)
        .outerjoin(submission, of_latest)
        .outerjoin(written_in, written_in.c.id == submission.c.post_id)
        .where(assignment.id == bindparam("assignment"))
    )  # fmt: skip


_STANDING = _statement()


def facts_of(assignment_id: int, reason: str = "") -> Standing | None:
    """The facts of one assignment, or None where there is none. `reason`: the words given for the action in hand."""
    flush_pending()  # what is pending would be missed; almost always nothing is
    row = run(_STANDING, {"assignment": assignment_id}).first()
    return None if row is None else standing_from(row, reason)


def standing_in_full(assignment_id: int) -> Select[Any]:
    """What `standing_from` reads, for a page that asks more in the same trip."""
    return _STANDING.params(assignment=assignment_id)


def standing_from(row: Any, reason: str = "") -> Standing:
    """The facts of a row of `standing_in_full`."""
    chain = _ids(row.chain)
    return Standing(
        id=row.id,
        state=row.state,
        version=row.version,
        unit_id=row.unit_id,
        issuing_units=(row.issuing_unit_id, *_ids(row.co_issuers)),
        reviewer_unit_id=row.reviewer_unit_id,
        submitter_id=row.person_id,
        submitted_for_id=row.submitted_for,
        reviewers_so_far=_ids(row.reviewers),
        levels_remain=row.review_step + 1 < len(chain),
        units_above=chain[row.review_step + 1 :] if row.reviewer_unit_id else (),
        reason=reason,
        asks_above=row.suspended_at is not None,
        task_id=row.task_id,
        campaign_id=row.campaign_id,
        batch_id=row.batch_id,
        parent_id=row.parent_id,
        due_at=row.due_at,
        respond_by=row.respond_by,
        cut_off_at=row.cut_off_at,
        review_due_at=row.review_due_at,
        behind_at=row.behind_at,
        since=row.since,
        suspended_at=row.suspended_at,
        submitted_at=row.submitted_at,
        review_step=row.review_step,
        submission_id=row.submission_id,
        submission_number=row.number or 0,
        submission_digest=row.digest or "",
        chain=chain,
    )


@dataclass(frozen=True)
class Superior:
    """A unit above another; `steps` counts how many units above."""

    id: int
    level: int
    lft: int
    steps: int


def superiors_of(unit_ids: list[int]) -> Select[tuple[int, int, int, int, int]]:
    """All units above each of these, as rows (unit_id, id, level, lft, steps), by one recursive statement."""
    start = (
        select(Unit.id.label("unit_id"), Unit.superior_id.label("id"), func.coalesce(1, 1).label("steps"))
        .where(Unit.id.in_(unit_ids), Unit.superior_id.is_not(None))
        .cte("above", recursive=True)
    )
    upper = aliased(Unit)
    above = start.union_all(
        select(start.c.unit_id, upper.superior_id, start.c.steps + 1)
        .join(upper, upper.id == start.c.id)
        .where(upper.superior_id.is_not(None), start.c.steps < 12)
    )
    unit = aliased(Unit)
    return (
        select(above.c.unit_id, unit.id, unit.level, unit.lft, above.c.steps)
        .join(unit, unit.id == above.c.id)
        .order_by(above.c.unit_id, above.c.steps)
    )
