"""The officer's verbs: sign for, check in, submit, withdraw; drafts and evidence on the way."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, insert, select

from ..clock import zone
from ..db import db, insert_new
from ..db import insert as insert_or_update
from ..errors import Forbidden, Invalid, Problem, Refused, say
from ..evidence.store import Stored
from ..models import (
    Assignment,
    Attachment,
    Batch,
    Capture,
    CheckIn,
    ChecklistItem,
    Draft,
    Evidence,
    EvidenceRule,
    Metric,
    MetricValue,
    Period,
    Submission,
    Task,
)
from ..models.facts import Standing
from ..models.prospects import on_signing
from ..rules.metrics import Value
from ..rules.organisation import Actor, PostFact, Role
from ..rules.requirements import EvidenceNeed, Given, MetricNeed, Needs, missing
from ..rules.states import WORKING, Action, CheckInKind, State
from ..rules.windows import first_moment
from .chains import chain_of
from .doubting import doubts_on
from .flagging import evidence_flags, keep
from .joining import Shares, check_joint, keep_joint
from .log import canonical, record
from .move import Dated, allowed, move, standing_of
from .progress import follow_curve
from .repeating import once, remember
from .timers import arm, review_due_at

LONGEST_WORDS = 20_000


@dataclass(frozen=True)
class Report:
    """What an officer reports: words, figures by metric id, evidence ids with the rule each serves (None: none), and
    what explains an implausible figure, by the key of its finding. `joint`: how much of a figure was done together
    with which unit of another line."""

    words: str = ""
    values: Mapping[int, Value] = field(default_factory=dict)
    evidence: Mapping[int, int | None] = field(default_factory=dict)
    kind: CheckInKind = CheckInKind.PROGRESS
    explanations: Mapping[str, str] = field(default_factory=dict)
    joint: Shares = field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """The same report gives the same content, whatever the order it was filled in."""
        values = {str(key): [str(part) for part in _parts(value)] for key, value in self.values.items()}
        files = {str(key): rule for key, rule in self.evidence.items()}
        content = {"words": self.words, "values": values, "evidence": files, "kind": int(self.kind)}
        if not self.joint:
            return content
        return content | {"joint": {str(k): {str(u): str(n) for u, n in v.items()} for k, v in self.joint.items()}}


@dataclass(frozen=True)
class Submitted:
    """The receipt of a submission; `repeated` when this very submission had been made before."""

    submission_id: int
    number: int
    repeated: bool = False


def _parts(value: Value) -> tuple[Any, ...]:
    return (value.number, value.numerator, value.denominator, value.text)


def acknowledge(
    assignment_id: int, *, actor: Actor, now: datetime, seen: int, client_action_id: str | None = None
) -> None:
    """Signs for the assignment: the unit has received it. Refused when it was signed for before.

    Where the task's days count from here, this gives the assignment its due date, and the clock is armed for it.
    """
    if once(client_action_id, actor=actor, subject=f"acknowledge:{assignment_id}", content={}, now=now) is not None:
        return
    facts = standing_of(assignment_id)
    step = allowed(Action.ACKNOWLEDGE, facts, actor=actor, seen=seen)
    found = on_signing(facts.id, facts.batch_id, now=now) if facts.due_at is None else None
    if found is None:
        move(step, actor=actor, now=now)
        return
    dates, behind_at = found
    dated = Dated(dates.due_at, dates.cut_off_at, behind_at)
    move(step, actor=actor, now=now, dated=dated, data={"due_at": dates.due_at})
    arm(facts.id, now=now, after=now)


def check_in(
    assignment_id: int, report: Report, *, actor: Actor, now: datetime, client_action_id: str | None = None
) -> int:
    """Records a dated update and returns its id. Refused unless the work is in the officer's hands and signed for."""
    subject = f"check-in:{assignment_id}"
    before = once(client_action_id, actor=actor, subject=subject, content=report.content(), now=now)
    if before is not None:
        return int(before)
    facts = standing_of(assignment_id)
    post = _officer_post(facts, actor)
    if facts.state not in WORKING:
        raise Refused(say("You can check in while the work is in your hands. Please sign for it first."))
    if not report.words.strip() and not report.values:
        raise Invalid(say("Please say something, or fill in a figure."))
    if not report.words.strip() and report.kind is not CheckInKind.PROGRESS:
        sentence = say("Please say what stands in the way, or what help is needed.")
        raise Invalid(sentence, [Problem("words", sentence)])
    _words_fit(report)
    caught_up = follow_curve(facts, report.values)
    row = {"assignment_id": facts.id, "kind": report.kind, "words": report.words.strip()}
    row |= {"person_id": actor.person_id, "post_id": post.id, "at": now}
    check_in_id: int = db.session.execute(insert(CheckIn).values(row).returning(CheckIn.id)).scalar_one()
    _keep_parts(facts, report, check_in_id=check_in_id)
    record(
        tag="assignment:report:check-in",
        subject="assignment",
        subject_id=facts.id,
        actor=actor,
        post_id=post.id,
        now=now,
        data={"check_in": check_in_id, "kind": report.kind.name.lower()},
    )
    if caught_up:
        arm(facts.id, now=now, after=now)
    remember(client_action_id, str(check_in_id))
    return check_in_id


def submit(
    assignment_id: int,
    report: Report,
    *,
    actor: Actor,
    now: datetime,
    seen: int,
    client_action_id: str | None = None,
) -> Submitted:
    """Sends the next version to review.

    Invalid lists what is missing. Refused after the cut-off date, or when the work is not in the officer's hands.
    """
    subject = f"submit:{assignment_id}"
    before = once(client_action_id, actor=actor, subject=subject, content=report.content(), now=now)
    if before is not None:
        submission_id, number = json.loads(before)
        return Submitted(submission_id, number, repeated=True)
    facts = standing_of(assignment_id)
    step = allowed(Action.SUBMIT, facts, actor=actor, seen=seen)
    if facts.cut_off_at is not None and now > facts.cut_off_at:
        raise Refused(say("The cut-off date has passed. Nothing more is accepted for this assignment."))
    hashes = _complete(facts, report)
    check_joint(facts, report.values, report.joint)
    number = facts.submission_number + 1
    digest = hashlib.sha256(canonical({**report.content(), "evidence": hashes}).encode()).hexdigest()
    chain = chain_of(facts)
    doubted = doubts_on(facts, report.values)
    follow_curve(facts, report.values)
    move(
        step,
        actor=actor,
        now=now,
        reviewer_unit_id=chain[0],
        review_due_at=review_due_at(facts.task_id, now=now),
        data={"number": number, "digest": digest, "reviewer": chain[0]},
    )
    row = {"assignment_id": facts.id, "number": number, "words": report.words.strip(), "at": now, "digest": digest}
    row |= {"person_id": actor.person_id, "post_id": step.post.id, "chain": ",".join(map(str, chain))}
    submission_id = db.session.execute(insert(Submission).values(row).returning(Submission.id)).scalar_one()
    _keep_parts(facts, report, submission_id=submission_id)
    keep_joint(submission_id, report.joint)
    found = [*doubted, *evidence_flags(facts, submission_id, report.words, report.evidence)]
    keep(facts.id, submission_id, found, report.explanations, now=now)
    arm(facts.id, now=now, after=now)
    db.session.execute(delete(Draft).where(Draft.assignment_id == facts.id, Draft.person_id == actor.person_id))
    remember(client_action_id, json.dumps([submission_id, number]))
    return Submitted(submission_id, number)


def withdraw(
    assignment_id: int, *, actor: Actor, now: datetime, seen: int, client_action_id: str | None = None
) -> None:
    """Takes a submission back before any level has decided on it."""
    if once(client_action_id, actor=actor, subject=f"withdraw:{assignment_id}", content={}, now=now) is not None:
        return
    facts = standing_of(assignment_id)
    step = allowed(Action.WITHDRAW, facts, actor=actor, seen=seen)
    if facts.cut_off_at is not None and now > facts.cut_off_at:
        raise Refused(say("The cut-off date has passed: what you take back now could not be submitted again."))
    move(step, actor=actor, now=now, data={"number": facts.submission_number})
    arm(facts.id, now=now, after=facts.submitted_at or now)


def save_draft(assignment_id: int, fields: Mapping[str, Any], *, actor: Actor, now: datetime) -> None:
    """Keeps what was typed so far. A draft is not an act: it is not logged and decides nothing."""
    facts = standing_of(assignment_id)
    _officer_post(facts, actor)
    if facts.state not in (State.ISSUED, *WORKING):  # an old window must not bring back what was handed in
        raise Refused(say("The work is not in your hands now, so there is no draft to keep."))
    text = canonical(dict(fields))
    if len(text) > 4 * LONGEST_WORDS:
        raise Invalid(say("The draft is too long to keep."))
    row = {"assignment_id": facts.id, "person_id": actor.person_id, "fields": text, "saved_at": now}
    statement = insert_or_update(Draft).values(row)
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["assignment_id", "person_id"],
            set_={"fields": statement.excluded.fields, "saved_at": statement.excluded.saved_at},
        )
    )


def keep_evidence(assignment_id: int, stored: Stored, name: str, *, actor: Actor, now: datetime) -> int:
    """Records a stored file as evidence of the assignment; the same bytes again give the same id."""
    facts = standing_of(assignment_id)
    post = _officer_post(facts, actor)
    same = select(Evidence.id).where(Evidence.assignment_id == facts.id, Evidence.sha256 == stored.sha256)
    kept = db.session.execute(same).scalar()
    if kept is not None:  # sent again, as after an answer that was lost: the first answer, whatever happened since
        return int(kept)
    if facts.state not in (State.ISSUED, *WORKING):
        raise Refused(say("Evidence can be added while the work is in your hands."))
    row = {"assignment_id": facts.id, "sha256": stored.sha256, "size": stored.size, "media_type": stored.media_type}
    row |= {"name": name[:255], "person_id": actor.person_id, "post_id": post.id, "at": now}
    added = db.session.execute(insert_new(Evidence).values(row).returning(Evidence.id)).scalar()
    if added is None:  # two uploads of the same bytes at once: the other one was first
        return db.session.execute(same).scalar_one()
    record(
        tag="assignment:evidence:keep",
        subject="assignment",
        subject_id=facts.id,
        actor=actor,
        post_id=post.id,
        now=now,
        data={"evidence": added, "sha256": stored.sha256, "name": name[:255]},
    )
    return int(added)


def _officer_post(facts: Standing, actor: Actor) -> PostFact:
    post = actor.post_in(facts.unit_id, Role.OFFICER)
    if post is None:
        raise Forbidden(say("None of your posts may do this here."))
    return post


def _words_fit(report: Report) -> None:
    if len(report.words) > LONGEST_WORDS:
        raise Invalid(say("The text is too long: at most %(most)s characters.", most=LONGEST_WORDS))


def needs_of(facts: Standing) -> Needs:
    """What the task asks of a submission of this assignment."""
    metrics = db.session.execute(
        select(Metric.id, Metric.name, Metric.required).where(Metric.task_id == facts.task_id).order_by(Metric.position)
    )
    rules = db.session.execute(
        select(
            EvidenceRule.id, EvidenceRule.name, EvidenceRule.kind, EvidenceRule.min_count, EvidenceRule.in_time,
            ChecklistItem.metric_id, ChecklistItem.position, func.coalesce(ChecklistItem.name, ""),
        )
        .outerjoin(ChecklistItem, ChecklistItem.id == EvidenceRule.item_id)
        .where(EvidenceRule.task_id == facts.task_id)
        .order_by(EvidenceRule.position)
    )  # fmt: skip
    row = db.session.execute(
        select(Task.min_characters, Batch.dispatched_at, Period.opens_on)
        .select_from(Assignment)
        .join(Task, Task.id == Assignment.task_id)
        .join(Batch, Batch.id == Assignment.batch_id)
        .outerjoin(Period, and_(Period.task_id == Assignment.task_id, Period.number == Assignment.period))
        .where(Assignment.id == facts.id)
    ).one()
    return Needs(
        tuple(MetricNeed(*row) for row in metrics.tuples()),
        tuple(EvidenceNeed(*row) for row in rules.tuples()),
        row.min_characters,
        first_moment(row.dispatched_at, row.opens_on, zone()),
    )


def _complete(facts: Standing, report: Report) -> list[str]:
    """The hashes of the evidence named, sorted, when nothing is missing; raises Invalid with the list otherwise."""
    _words_fit(report)
    needs = needs_of(facts)
    files = db.session.execute(
        select(Evidence.id, Evidence.media_type, Evidence.sha256, Evidence.at, Capture.captured_at)
        .outerjoin(Capture, Capture.evidence_id == Evidence.id)
        .where(Evidence.assignment_id == facts.id, Evidence.id.in_(list(report.evidence)))
    ).all()
    found = {row.id: row for row in files}
    strange_files = set(report.evidence) - set(found)
    strange_figures = set(report.values) - {metric.id for metric in needs.metrics}
    strange_rules = set(report.evidence.values()) - {None, *(rule.id for rule in needs.evidence)}
    if strange_files or strange_figures or strange_rules:
        raise Invalid(say("The form is damaged. Please open the page again."))
    named = [Given(report.evidence[row.id], row.media_type, row.captured_at, row.at) for row in files]
    problems = missing(needs, report.words, report.values, named)
    if problems:
        raise Invalid(say("Not everything that is asked is there yet."), problems)
    return sorted(row.sha256 for row in files)


def _keep_parts(
    facts: Standing, report: Report, *, submission_id: int | None = None, check_in_id: int | None = None
) -> None:
    owner = {"submission_id": submission_id, "check_in_id": check_in_id}
    values = [
        {**owner, "metric_id": metric_id, "number": v.number, "numerator": v.numerator, "denominator": v.denominator,
         "text": v.text}
        for metric_id, v in report.values.items()
    ]  # fmt: skip
    if values:
        db.session.execute(insert(MetricValue), values)
    if report.evidence:
        mine = select(Evidence.id).where(Evidence.assignment_id == facts.id, Evidence.id.in_(list(report.evidence)))
        known = set(db.session.execute(mine).scalars())
        files = [
            {**owner, "evidence_id": key, "rule_id": rule} for key, rule in report.evidence.items() if key in known
        ]
        db.session.execute(insert(Attachment), files)
