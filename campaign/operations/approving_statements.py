"""What many approvals in one act write, each statement once for the database in use: they go to the driver itself."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    Executable,
    Select,
    String,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    type_coerce,
)

from ..db import Code, Instant, db, insert_new, listed_as
from ..models import Assignment, Claim, Delegation, Event, Notice, Post, Review, Submission, TallyDelta
from ..models.organisation import holds_on, stands_in_on
from ..rules.organisation import Role
from ..rules.states import Action, State

_A, _S, _R, _E = (noun.__table__.c for noun in (Assignment, Submission, Review, Event))
_NOW, _DAY = bindparam("now", type_=Instant), bindparam("day", type_=Date)
_PERSON, _POST, _STEP, _TO = (bindparam(name, type_=BigInteger) for name in ("person", "post", "step", "to"))
_TAG, _AFTER, _MORE = (bindparam(name, type_=String) for name in ("tag", "after", "more"))


@dataclass(frozen=True)
class Statements:
    """`ids`: the assignments; `versions`: the submissions that wait. `again`: where the same step of one of them was
    decided before; `stood_in`: where somebody stands in for another today."""

    lock: Executable
    newest: Executable
    decided_before: Executable
    stood_in: Executable
    events: Executable
    reviews: Executable
    again: Executable
    deltas: Executable
    claims: Executable
    officers: Executable
    reviewers: Executable
    for_officers: Executable
    for_reviewers: Executable


def statements() -> Statements:
    """Those of the database in use."""
    return _written(db.session.get_bind().dialect.name)


@cache
def _written(_database: str) -> Statements:
    locked = select(_A.id).where(_A.id.in_(listed_as("ids"))).order_by(_A.id).with_for_update()
    before = select(_R.id).where(_R.submission_id.in_(listed_as("versions")), _R.step == _STEP).limit(1)
    in_force = Delegation.ended_at.is_(None), Delegation.valid_from <= _DAY, Delegation.valid_to >= _DAY
    return Statements(
        lock=select(func.count()).select_from(locked.subquery()),  # none of them comes here for it
        newest=select(func.coalesce(func.max(_R.id), 0)),
        decided_before=before,
        stood_in=select(Delegation.id).where(*in_force).limit(1),
        events=_events(),
        reviews=_reviews(literal(0)),
        again=_reviews(_turn()),
        deltas=_deltas(),
        claims=delete(Claim.__table__).where(Claim.__table__.c.assignment_id.in_(listed_as("ids"))),  # type: ignore[arg-type]
        officers=_notices(Role.OFFICER, _A.unit_id, stand_ins=False),
        reviewers=_notices(Role.SUPERVISOR, _TO, stand_ins=False),
        for_officers=_notices(Role.OFFICER, _A.unit_id, stand_ins=True),
        for_reviewers=_notices(Role.SUPERVISOR, _TO, stand_ins=True),
    )


def _into(noun: Any, names: list[str], rows: Select[Any]) -> Executable:
    return insert(noun.__table__).from_select(names, rows)


def _events() -> Executable:
    """One for each, its data written as `canonical` writes them; `more` is what follows the number."""
    data = literal('{"digest":"') + _S.digest + literal('","number":') + cast(_S.number, String) + _MORE
    rows = (
        select(
            _NOW, _TAG, literal("assignment"), _S.assignment_id, _PERSON, _POST,
            literal(State.SUBMITTED.name.lower()), _AFTER, literal(""), data,
        )
        .where(_S.id.in_(listed_as("versions")))
        .order_by(_S.assignment_id)
    )  # fmt: skip
    names = ["at", "tag", "subject", "subject_id", "person_id", "post_id", "from_state", "to_state", "reason", "data"]
    return _into(Event, names, rows)


def _turn() -> Any:
    before = Review.__table__.alias("before").c
    earlier = before.submission_id == _S.id, before.step == _STEP
    return select(func.coalesce(func.max(before.turn) + 1, 0)).where(*earlier).correlate(Submission).scalar_subquery()


def _reviews(turn: Any) -> Executable:
    rows = (
        select(
            _S.assignment_id, _S.id, _STEP, _A.reviewer_unit_id, literal(Action.APPROVE, Code(Action)), literal(""),
            _S.digest, _PERSON, _POST, _NOW, turn, _A.since, _A.review_due_at,
        )
        .join(Assignment.__table__, _A.id == _S.assignment_id)
        .where(_S.id.in_(listed_as("versions")))
        .order_by(_S.assignment_id)
    )  # fmt: skip
    names = [
        "assignment_id", "submission_id", "step", "unit_id", "decision", "words", "digest", "person_id", "post_id",
        "at", "turn", "since", "due_at",
    ]  # fmt: skip
    return _into(Review, names, rows)


def _deltas() -> Executable:
    """One for the roll-up for each, before the states change."""
    due, behind = (func.coalesce(type_coerce(moment, BigInteger), 0) for moment in (_A.due_at, _A.behind_at))
    to = bindparam("target", type_=Code(State))
    rows = select(_A.task_id, _A.unit_id, _A.state, due, behind, to, due, behind)
    names = ["task_id", "unit_id", "from_state", "from_due", "from_behind", "to_state", "to_due", "to_behind"]
    return _into(TallyDelta, names, rows.where(_A.id.in_(listed_as("ids"))))


def _notices(role: Role, unit: Any, *, stand_ins: bool) -> Executable:
    """To who holds that post, or to who stands in for them; who does both is told once."""
    there = and_(Post.role == role, Post.unit_id == unit, holds_on(_DAY))  # type: ignore[arg-type]
    urgent = bindparam("urgent", type_=Notice.urgent.type)
    rows = (
        select(
            _TAG, _E.id, Delegation.delegate_id if stand_ins else Post.person_id, _A.id, _NOW, urgent
        )
        .select_from(Assignment.__table__)
        .join(Event.__table__, and_(_E.subject == "assignment", _E.subject_id == _A.id))
        .join(Post.__table__, there)
    )  # fmt: skip
    if stand_ins:
        rows = rows.join(Delegation.__table__, stands_in_on(_DAY))  # type: ignore[arg-type]
    rows = rows.where(_A.id.in_(listed_as("ids")), _E.tag == _TAG, _E.at == _NOW)
    names = ["tag", "event_id", "person_id", "assignment_id", "created_at", "urgent"]
    return insert_new(Notice).from_select(names, rows)
