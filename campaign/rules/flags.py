"""Flags: advisory findings on figures, words and evidence. A flag never blocks; a reviewer decides on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class FlagKind(IntEnum):
    """What was found. The first two hundred speak of figures, then of evidence, then of words."""

    LEAP = 101
    PART_ABOVE_WHOLE = 102
    BELOW_APPROVED = 103
    PARTS_DIFFER = 104
    AGAINST_TREND = 105
    SAME_BYTES = 201
    SAME_PICTURE = 202
    OUTSIDE_WINDOW = 203
    SAME_WORDS = 301


class Verdict(IntEnum):
    """What a reviewer decided on a flag."""

    STANDS = 1
    FALSE_ALARM = 2
    EXPLAINED = 3


@dataclass(frozen=True)
class Found:
    """One finding. `key` names it within its version, so that an explanation typed before the submission finds it.

    `score`: how sure, in per cent. `data`: what the sentence needs, figures as text.
    """

    kind: FlagKind
    key: str
    score: int = 100
    metric_id: int | None = None
    evidence_id: int | None = None
    against_submission_id: int | None = None
    against_evidence_id: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
