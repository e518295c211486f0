"""Flags on a version: kept with it, in the same transaction. They advise a reviewer and block nothing.

Nothing here decides about people, and nothing says what a reviewer may not see: of what a finding is against only ids
are kept, and whoever shows it asks whether this reader may see them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from ..clock import zone
from ..db import db, listed
from ..models import Assignment, Batch, Capture, Evidence, EvidenceRule, Fingerprint, Period, Task
from ..models.facts import Standing
from ..models.flags import Flag
from ..models.keeping import WordPrint
from ..models.likeness import Use, alike_words, near_pictures, uses_of
from ..rules.flags import FlagKind, Found
from ..rules.windows import When, first_moment, when_taken
from ..rules.wording import SAME, resemblance, sketch

LONGEST_EXPLANATION = 400
MOST_OTHERS = 25  # of the pictures that look like one; a blank form looks like thousands


@dataclass(frozen=True)
class _File:
    """A piece of evidence that the version names."""

    id: int
    sha256: str
    at: datetime
    is_photo: bool
    bits: int | None
    taken_at: datetime | None
    in_time: bool


def keep(
    assignment_id: int, submission_id: int, found: Sequence[Found], explanations: Mapping[str, str], *, now: datetime
) -> None:
    """Keeps what was found on a version, each finding once, with what the officer said to it (by its key)."""
    firsts: dict[str, Found] = {}
    for one in found:
        firsts.setdefault(one.key, one)
    rows = [
        {
            "assignment_id": assignment_id,
            "submission_id": submission_id,
            "key": one.key,
            "kind": one.kind,
            "score": one.score,
            "metric_id": one.metric_id,
            "evidence_id": one.evidence_id,
            "against_submission_id": one.against_submission_id,
            "against_evidence_id": one.against_evidence_id,
            "data": json.dumps(dict(one.data), ensure_ascii=False, sort_keys=True),
            "explanation": explanations.get(one.key, "").strip()[:LONGEST_EXPLANATION],
            "at": now,
        }
        for one in firsts.values()
    ]
    if rows:
        db.session.execute(insert(Flag), rows)


def evidence_flags(facts: Standing, submission_id: int, words: str, evidence: Mapping[int, int | None]) -> list[Found]:
    """What is found on the evidence (by id, with the rule each serves) and the words of a version that was just
    written; the words are remembered for the versions of others. At most seven statements, whatever is there, and two
    more for every four pictures."""
    return [*_on_files(facts, evidence), *_on_words(facts, submission_id, words)]


def _on_files(facts: Standing, evidence: Mapping[int, int | None]) -> list[Found]:
    if not evidence:
        return []
    files = _files(facts.id, evidence)
    near = near_pictures({file.sha256: file.bits for file in files if file.bits is not None})
    nearest = (sorted(others, key=others.__getitem__)[:MOST_OTHERS] for others in near.values())
    hashes = {file.sha256 for file in files}.union(*nearest)
    uses: dict[str, list[Use]] = {}
    for use in uses_of(sorted(hashes), facts):
        uses.setdefault(use.sha256, []).append(use)
    found = [one for file in files if (one := _used_before(facts, file, near.get(file.sha256, {}), uses))]
    return found + _out_of_time(facts, files)


def _files(assignment_id: int, evidence: Mapping[int, int | None]) -> list[_File]:
    rules = [rule for rule in evidence.values() if rule is not None]
    in_time = select(EvidenceRule.id).where(EvidenceRule.id.in_(listed(rules)), EvidenceRule.in_time)
    timed = set(db.session.execute(in_time).scalars()) if rules else set()
    rows = db.session.execute(
        select(Evidence.id, Evidence.sha256, Evidence.at, Evidence.media_type, Fingerprint.bits, Capture.captured_at)
        .outerjoin(Fingerprint, Fingerprint.sha256 == Evidence.sha256)
        .outerjoin(Capture, Capture.evidence_id == Evidence.id)
        .where(Evidence.assignment_id == assignment_id, Evidence.id.in_(listed(evidence)))
        .order_by(Evidence.id)
    )
    return [
        _File(
            row.id, row.sha256, row.at, row.media_type.startswith("image/"), row.bits, row.captured_at,
            evidence[row.id] in timed,
        )
        for row in rows
    ]  # fmt: skip


def _used_before(
    facts: Standing, file: _File, near: Mapping[str, int], uses: Mapping[str, Sequence[Use]]
) -> Found | None:
    """The same bytes, or else the picture that is nearest. Of several uses the one that the reviewer most likely may
    see: of a unit beside, then of any other, then of the unit's own."""
    same = uses.get(file.sha256, ())
    if same:
        return _found(facts, file, FlagKind.SAME_BYTES, 0, same)
    for sha256, differ in sorted(near.items(), key=lambda item: (item[1], item[0])):
        if uses.get(sha256):
            return _found(facts, file, FlagKind.SAME_PICTURE, differ, uses[sha256])
    return None


def _found(facts: Standing, file: _File, kind: FlagKind, differ: int, uses: Sequence[Use]) -> Found:
    best = min(uses, key=lambda use: (use.unit_id == facts.unit_id, not use.beside, use.submission_id))
    data: dict[str, Any] = {"times": len(uses), "own": best.unit_id == facts.unit_id}
    data |= {"same_task": best.task_id == facts.task_id}
    return Found(
        kind=kind,
        key=f"{kind.name.lower()}:{file.id}",
        score=100 - round(differ * 100 / 64),
        evidence_id=file.id,
        against_submission_id=best.submission_id,
        against_evidence_id=best.evidence_id,
        data=data,
    )


def _out_of_time(facts: Standing, files: Sequence[_File]) -> list[Found]:
    """What was captured before the task began or after it was due, or by a clock that cannot be right. What says
    nothing of its time is told only where the task asks for it. The time itself is not for every reader: not kept here.
    """
    if not any(file.taken_at or file.in_time for file in files):
        return []
    row = db.session.execute(
        select(Batch.dispatched_at, Period.opens_on)
        .select_from(Assignment)
        .join(Batch, Batch.id == Assignment.batch_id)
        .outerjoin(Period, (Period.task_id == Assignment.task_id) & (Period.number == Assignment.period))
        .where(Assignment.id == facts.id)
    ).one()
    begins = first_moment(row.dispatched_at, row.opens_on, zone())
    found = []
    for file in files:
        when = when_taken(file.taken_at, begins=begins, due_at=facts.due_at, sent_at=file.at)
        if when is When.INSIDE or (when is When.UNKNOWN and not (file.in_time and file.is_photo)):
            continue
        data = {"when": when.name.lower()}
        key = f"outside_window:{file.id}"
        found.append(Found(FlagKind.OUTSIDE_WINDOW, key, score=when.value, evidence_id=file.id, data=data))
    return found


def _on_words(facts: Standing, submission_id: int, words: str) -> list[Found]:
    made = sketch(words)
    if not made:
        return []
    asked = db.session.execute(select(Task.what, Task.why).where(Task.id == facts.task_id)).one()
    best, share = 0, 0.0
    for other, theirs in alike_words(made, facts.unit_id):
        likeness = resemblance(words, theirs, f"{asked.what}\n{asked.why}")
        if likeness > share:
            best, share = other, likeness
    rows = [{"value": value, "submission_id": submission_id} for value in set(made)]
    db.session.execute(insert(WordPrint.__table__), rows)  # type: ignore[arg-type]
    if share < SAME:
        return []
    score = round(share * 100)
    return [Found(FlagKind.SAME_WORDS, "same_words", score=score, against_submission_id=best)]
