"""Many submissions that wait for one reviewer: which of them may be approved at once, decided in groups by the law."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, and_, case, cast, exists, func, select

from ..db import db, listed
from ..rules.leaving_out import FLAGGED, IN_HAND, MOVED, Refusal
from ..rules.organisation import Actor, PostFact
from ..rules.states import Action, State
from ..rules.transitions import Facts, Transition, post_for, row_for
from .assignments import Assignment
from .flags import SPEAKS, Flag
from .organisation import Post
from .reporting import STANDS, Review, Submission
from .reviewing import Claim


@dataclass
class Group:
    """Items that the law treats alike and that go to the same place. `to`: the next reviewing unit, None at the end."""

    row: Transition
    post: PostFact
    task_id: int
    step: int
    to: int | None
    ids: list[int] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Sorted:
    """What may be approved at once, and why the others may not. `versions`: each item as it stands now."""

    groups: tuple[Group, ...]
    refused: tuple[tuple[int, Refusal], ...]
    versions: dict[int, int]

    @property
    def ready(self) -> list[int]:
        """The ids of what may be approved, ascending."""
        return sorted(id for group in self.groups for id in group.ids)


def sorted_out(ids: Collection[int], actor: Actor, *, now: datetime) -> Sorted:
    """Asks the law for each kind of item once. One statement, whatever their number."""
    hands = {actor.person_id, *(post.holder_id for post in actor.posts)} - {None}
    groups: dict[Any, Group] = {}
    verdicts: dict[Any, Any] = {}
    refused: list[tuple[int, Refusal]] = []
    versions: dict[int, int] = {}
    for row in db.session.execute(_statement(ids, actor, now)):
        versions[row.id] = row.version
        if row.flagged or row.held:
            refused.append((row.id, FLAGGED if row.flagged else IN_HAND))
            continue
        involved = tuple(_known(hands, (row.person_id, row.written_for, *_ids(row.reviewers))))
        key = (row.state, row.reviewer_unit_id, row.review_step, row.chain, row.task_id, involved)
        if key not in verdicts:
            verdicts[key] = _verdict(row, hands, actor)
        verdict = verdicts[key]
        if isinstance(verdict, Refusal):
            refused.append((row.id, verdict))
            continue
        group = groups.setdefault(key, verdict)
        group.ids.append(row.id)
        group.versions.append(row.submission_id)
    gone = [(id, MOVED) for id in ids if id not in versions]
    return Sorted(tuple(groups.values()), tuple(refused + gone), versions)


def _known(hands: set[Any], people: Iterable[int | None]) -> Iterable[int | None]:
    """Only whether these are the actor matters to the law: everybody else is one and the same stranger."""
    return (person if person in hands else None for person in people)


def _ids(text: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",")) if text else ()


def _verdict(row: Any, hands: set[Any], actor: Actor) -> Group | Refusal:
    chain = _ids(row.chain)
    submitter, written_for, *reviewers = _known(hands, (row.person_id, row.written_for, *_ids(row.reviewers)))
    facts = Facts(
        id=row.id,
        state=State(row.state),
        version=row.version,
        unit_id=row.unit_id,
        issuing_units=(),
        reviewer_unit_id=row.reviewer_unit_id,
        submitter_id=submitter,
        submitted_for_id=written_for,
        reviewers_so_far=tuple(person for person in reviewers if person is not None),
        levels_remain=row.review_step + 1 < len(chain),
    )
    law = row_for(Action.APPROVE, facts, actor)
    post = None if law is None else post_for(law.party, facts, actor)
    if law is None or post is None:
        return MOVED  # what is not theirs tells nobody that it exists
    refusal = next((said for guard in law.guards if (said := guard(facts, actor))), None)
    if refusal is not None:
        return refusal
    to = chain[row.review_step + 1] if facts.levels_remain else None
    return Group(law, post, row.task_id, row.review_step, to)


def _statement(ids: Collection[int], actor: Actor, now: datetime) -> Select[Any]:
    latest = select(func.max(Submission.number)).where(Submission.assignment_id == Assignment.id).correlate(Assignment)
    written, given = Post.__table__.alias(), Post.__table__.alias()
    both = cast(Review.person_id, String) + "," + cast(given.c.person_id, String)
    reviewers = (
        select(func.aggregate_strings(both, ","))
        .join_from(Review, given, given.c.id == Review.post_id)
        .where(Review.submission_id == Submission.id, Review.decision == Action.APPROVE, STANDS)
        .correlate(Submission)
    )
    flagged = exists().where(Flag.submission_id == Submission.id, SPEAKS).correlate(Submission)
    held = exists().where(Claim.assignment_id == Assignment.id, Claim.person_id != actor.person_id, Claim.until > now)
    return (
        select(
            Assignment.id, Assignment.version, Assignment.state, Assignment.unit_id, Assignment.task_id,
            Assignment.reviewer_unit_id, Assignment.review_step, Submission.id.label("submission_id"),
            Submission.chain, Submission.person_id, written.c.person_id.label("written_for"),
            # Nobody has decided on it at the first level: nothing to look for.
            case((Assignment.review_step > 0, reviewers.scalar_subquery()), else_=None).label("reviewers"),
            flagged.label("flagged"), held.label("held"),
        )
        .join(Submission, and_(Submission.assignment_id == Assignment.id,
                               Submission.number == latest.scalar_subquery()))
        .join(written, written.c.id == Submission.post_id)
        .where(Assignment.id.in_(listed(ids)))
        .order_by(Assignment.id)
    )  # fmt: skip
