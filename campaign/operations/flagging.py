"""Flags on a version: kept with it, in the same transaction. They advise a reviewer and block nothing."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert

from ..db import db
from ..models.flags import Flag
from ..rules.flags import Found

LONGEST_EXPLANATION = 400


def keep(
    assignment_id: int, submission_id: int, found: Sequence[Found], explanations: Mapping[str, str], *, now: datetime
) -> None:
    """Keeps what was found on a version, each finding once, with what the officer said to it (by its key)."""
    firsts = {one.key: one for one in reversed(found)}
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
