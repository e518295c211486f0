"""Many submissions that wait for one reviewer: which of them may be approved at once, decided in groups by the law."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, String, and_, case, cast, func, select, type_coerce

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
    """Asks the law for each kind of item once. Three statements, whatever their number."""
    hands = {actor.person_id, *(post.holder_id for post in actor.posts)} - {None}
    flagged, held = _flagged(ids), _held(actor, now)
    verdicts: dict[Any, Any] = {}
    refused: list[tuple[int, Refusal]] = []
    versions: dict[int, int] = {}
    for row in db.session.connection().execute(_statement(ids)):
        id, version, submission_id, person_id, written_for, reviewers, *alike = row
        versions[id] = version
        if submission_id in flagged or id in held:
            refused.append((id, FLAGGED if submission_id in flagged else IN_HAND))
            continue
        involved = [person if person in hands else None for person in (person_id, written_for, *_ids(reviewers))]
        key = (*alike, *involved)
        verdict = verdicts.get(key)
        if verdict is None:
            verdict = verdicts[key] = _verdict(row, involved, actor)
        if isinstance(verdict, Group):
            verdict.ids.append(id)
            verdict.versions.append(submission_id)
        else:
            refused.append((id, verdict))
    gone = [(id, MOVED) for id in ids if id not in versions]
    groups = tuple(verdict for verdict in verdicts.values() if isinstance(verdict, Group))
    return Sorted(groups, tuple(refused + gone), versions)


def _flagged(ids: Collection[int]) -> set[int]:
    """The versions of these that have a flag nobody has settled."""
    rows = select(Flag.submission_id).where(Flag.assignment_id.in_(listed(ids)), SPEAKS)
    return set(db.session.execute(rows).scalars())


def _held(actor: Actor, now: datetime) -> set[int]:
    """What somebody else has in hand: few, wherever."""
    rows = select(Claim.assignment_id).where(Claim.person_id != actor.person_id, Claim.until > now)
    return set(db.session.execute(rows).scalars())


def _ids(text: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",")) if text else ()


def _verdict(row: Any, involved: list[int | None], actor: Actor) -> Group | Refusal:
    """`involved`: only whether these are the actor matters to the law; everybody else is the same stranger."""
    chain = _ids(row.chain)
    submitter, written_for, *reviewers = involved
    facts = Facts(
        id=row.id,
        state=State(row.state),
        version=row.version,
        unit_id=0,  # an approval asks nothing of the reporting unit
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


def _statement(ids: Collection[int]) -> Select[Any]:
    row, version = Assignment.__table__.c, Submission.__table__.c
    latest = select(func.max(Submission.number)).where(Submission.assignment_id == Assignment.id).correlate(Assignment)
    written, given = Post.__table__.alias(), Post.__table__.alias()
    both = cast(Review.person_id, String) + "," + cast(given.c.person_id, String)
    reviewers = (
        select(func.aggregate_strings(both, ","))
        .join_from(Review, given, given.c.id == Review.post_id)
        .where(Review.submission_id == Submission.id, Review.decision == Action.APPROVE, STANDS)
        .correlate(Submission)
    )
    return (
        select(
            row.id, row.version, version.id.label("submission_id"), version.person_id,
            written.c.person_id.label("written_for"),
            # Nobody has decided on it at the first level: nothing to look for.
            case((row.review_step > 0, reviewers.scalar_subquery()), else_=None).label("reviewers"),
            type_coerce(row.state, BigInteger).label("state"), row.task_id, row.reviewer_unit_id,
            row.review_step, version.chain,
        )
        .select_from(Assignment.__table__)
        .join(Submission.__table__, and_(version.assignment_id == row.id,
                                         version.number == latest.scalar_subquery()))
        .join(written, written.c.id == version.post_id)
        .where(row.id.in_(listed(ids)))
        .order_by(row.id)
    )  # fmt: skip
