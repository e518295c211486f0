"""Made-up things for the page of all components: what a template reads, without a database behind it."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from ..rules.dates import Light
from ..rules.plans import EvidenceKind
from ..rules.states import ReturnReason, State

LONG = "How the service centre for the rights of women and children is kept, with everything that belongs to it"
CARDS = (
    (Light.RETURNED, State.RETURNED, 2),
    (Light.OVERDUE, State.ACKNOWLEDGED, -1),
    (Light.BEHIND, State.ACKNOWLEDGED, 9),
    (Light.NEW, State.ISSUED, 3),
    (Light.OPEN, State.ACKNOWLEDGED, None),
)


def samples_of_work(now: datetime) -> dict[str, Any]:
    """Cards of the to-do list, boxes of evidence, what is missing, and the words of a reviewer."""
    cards = [
        SimpleNamespace(
            id=0,
            title=LONG if light is Light.OVERDUE else "Training in practical skills",
            issuer_name="A township",
            unit_name="A village",
            light=light,
            state=state,
            version=1,
            suspended=light is Light.OPEN,
            rrule="FREQ=MONTHLY;BYMONTHDAY=14" if light is Light.DUE else "",
            period=3,
            opens_on=now.date(),
            respond_by=now + timedelta(days=3),
            due_at=None if days is None else now + timedelta(days=days),
        )
        for light, state, days in CARDS
    ]
    return {
        "cards": cards,
        "boxes": _boxes(),
        "missing": [
            ("sample_number", "The number of persons is not filled in"),
            ("sample-need-1", "List of persons: 1 more file"),
        ],
        "said": SimpleNamespace(
            person_name="A reviewer",
            for_name="A supervisor",
            unit_name="A township",
            at=now,
            reason=ReturnReason.EVIDENCE_MISSING,
            words="The list has 196 persons, the report 214. Please look again.",
        ),
    }


def _boxes() -> list[SimpleNamespace]:
    """Two kinds of evidence: one lacks a file, the other has a mistake."""
    files = [
        SimpleNamespace(id=0, name="list.xlsx", size=18_000, is_photo=False, is_large=False, sha256=""),
        SimpleNamespace(
            id=0,
            name="a photo with a name that is longer than its tile.jpg",
            size=290_000,
            is_photo=True,
            is_large=False,
            sha256="",
        ),
    ]
    rules = [
        SimpleNamespace(
            id=1,
            name="List of persons",
            kind=EvidenceKind.DOCUMENT,
            min_count=2,
            ground="Article 9 of the plan",
            in_time=False,
            item=None,
        ),
        SimpleNamespace(
            id=2, name="Photos of the place", kind=EvidenceKind.PHOTO, min_count=1, ground="", in_time=True, item=None
        ),
    ]
    plain = {"doubts": {}, "hints": {}, "waits": False}
    wrong = ("One sentence that says what is the matter.",)
    return [
        SimpleNamespace(id="sample-need-1", rule=rules[0], files=files, short=1, errors=(), **plain),
        SimpleNamespace(id="sample-need-2", rule=rules[1], files=files[1:], short=0, errors=wrong, **plain),
    ]
