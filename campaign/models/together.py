"""Many submissions that wait for one reviewer: which of them may be approved at once, decided in groups by the law."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, String, and_, case, cast, func, select, type_coerce

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

# What decides about an item. Those that have all of it in common are decided together.
ALIKE = ("person_id", "written_for", "reviewers", "state", "task_id", "reviewer_unit_id", "review_step", "chain")


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
    hands = {person for person in (actor.person_id, *(post.holder_id for post in actor.posts)) if person is not None}
    flagged, held = _flagged(ids), _held(actor, now)
    verdicts: dict[Any, Any] = {}
    refused: list[tuple[int, Refusal]] = []
    versions: dict[int, int] = {}
    for row in db.session.execute(_statement(ids, hands)):
        theirs, seen, submitted, person_id, written_for, reviewers, *alike = row
        items = list(zip(_ids(theirs), _ids(submitted), strict=True))
        versions |= zip((id for id, _ in items), _ids(seen), strict=True)
        if flagged or held:
            refused += [(id, FLAGGED) for id, version in items if version in flagged]
            refused += [(id, IN_HAND) for id, version in items if version not in flagged and id in held]
            items = [pair for pair in items if pair[1] not in flagged and pair[0] not in held]
        involved = [person if person in hands else None for person in (person_id, written_for, *_ids(reviewers))]
        key = (*alike, *involved)
        verdict = verdicts.get(key)
        if verdict is None:
            verdict = verdicts[key] = _verdict(row, involved, actor)
        if isinstance(verdict, Group):
            verdict.ids += [id for id, _ in items]
            verdict.versions += [version for _, version in items]
        else:
            refused += [(id, verdict) for id, _ in items]
    gone = [(id, MOVED) for id in ids if id not in versions]
    groups = tuple(verdict for verdict in verdicts.values() if isinstance(verdict, Group) and verdict.ids)
    return Sorted(groups, tuple(sorted(refused, key=itemgetter(0)) + gone), versions)


def _flagged(ids: Collection[int]) -> set[int]:
    """The versions of these that have a flag nobody has settled."""
    rows = select(Flag.submission_id).where(Flag.assignment_id.in_(listed(ids)), SPEAKS)
    return set(db.session.execute(rows).scalars())


def _held(actor: Actor, now: datetime) -> set[int]:
    """What somebody else has in hand: few, wherever."""
    rows = select(Claim.assignment_id).where(Claim.person_id != actor.person_id, Claim.until > now)
    return set(db.session.execute(rows).scalars())


def _ids(text: str | None) -> tuple[int, ...]:
    return tuple(map(int, text.split(","))) if text else ()


def _verdict(row: Any, involved: list[int | None], actor: Actor) -> Group | Refusal:
    """`involved`: only whether these are the actor matters to the law; everybody else is the same stranger."""
    chain = _ids(row.chain)
    submitter, written_for, *reviewers = involved
    facts = Facts(
        id=0,  # an approval asks nothing of what is the item's own: which it is, its version, its unit
        state=State(row.state),
        version=0,
        unit_id=0,
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


def _statement(ids: Collection[int], hands: Collection[int]) -> Select[Any]:
    """A row for all items that are alike; first their ids, their versions and their submissions, in one order."""
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
    each = (
        select(
            row.id, row.version, version.id.label("submission_id"),
            _one_of(version.person_id, hands).label("person_id"),
            _one_of(written.c.person_id, hands).label("written_for"),
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
        .subquery().c
    )  # fmt: skip
    own = [func.aggregate_strings(cast(each[name], String), ",") for name in ("id", "version", "submission_id")]
    alike = [each[name] for name in ALIKE]
    return select(*own, *alike).group_by(*alike)


def _one_of(person: ColumnElement[Any], hands: Collection[int]) -> ColumnElement[Any]:
    """Who it is, where it is one of these; everybody else is the same stranger."""
    return case((person.in_(hands), person), else_=None)
