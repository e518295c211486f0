"""What looks or reads like something else: pictures by their fingerprints, texts by their sketches.

Two pictures are near when few of the 64 bits differ. One bit may differ in each quarter looked up, so whatever differs
in at most seven bits shares a quarter with one of the looked-up numbers and is found; up to ten, nearly always.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, bindparam, func, select, union_all

from ..db import db
from .assignments import Assignment
from .keeping import Fingerprint, WordPrint
from .organisation import Unit
from .reporting import Attachment, Evidence, Submission

NEAR = 10  # of 64 bits; pictures that have nothing in common differ in about 32
QUARTER, QUARTERS = 0xFFFF, ("first", "second", "third", "fourth")
AT_ONCE = 8  # pictures in one look-up
MOST_OF_A_QUARTER = 20_000  # rows read for one quarter: a sky that half the country shares must not cost seconds
MOST_USES = 400
MOST_SHARING, MOST_READ = 3_000, 8
UNSIGNED = (1 << 64) - 1
_print = Fingerprint.__table__.c
_NEAR = union_all(
    *(
        select(
            select(_print.sha256, _print.bits)
            .where(_print[name].in_(bindparam(name, expanding=True)))
            .limit(MOST_OF_A_QUARTER)
            .subquery(name)
        )
        for name in QUARTERS
    )
)


@dataclass(frozen=True)
class Use:
    """A submission that names a file of this hash, of another assignment. `beside`: its unit has the same superior."""

    sha256: str
    evidence_id: int
    submission_id: int
    unit_id: int
    task_id: int
    beside: bool


def near_pictures(prints: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """For each of these pictures (hash: fingerprint) the hashes of others that look nearly like it, with the number of
    bits that differ. One statement for every eight pictures."""
    found: dict[str, dict[str, int]] = {sha256: {} for sha256 in prints}
    names = sorted(prints)
    for at in range(0, len(names), AT_ONCE):
        asked = {name: prints[name] & UNSIGNED for name in names[at : at + AT_ONCE]}
        for sha256, bits in db.session.connection().execute(_NEAR, _looked_up(asked.values())):
            for name, own in asked.items():
                differ = ((bits & UNSIGNED) ^ own).bit_count()
                if differ <= NEAR and sha256 != name:
                    found[name][sha256] = differ
    return found


def uses_of(hashes: Sequence[str], assignment_id: int) -> list[Use]:
    """The submissions of other assignments that name files with these hashes, the oldest first."""
    if not hashes:
        return []
    unit = select(Unit.superior_id).join(Assignment, Assignment.unit_id == Unit.id)
    superior = unit.where(Assignment.id == assignment_id).scalar_subquery()
    rows = db.session.execute(
        select(
            Evidence.sha256, Evidence.id, Attachment.submission_id, Assignment.unit_id, Assignment.task_id,
            func.coalesce(Unit.superior_id == superior, False),
        )
        .join(Attachment, Attachment.evidence_id == Evidence.id)
        .join(Assignment, Assignment.id == Evidence.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(
            Evidence.sha256.in_(hashes),
            Evidence.assignment_id != assignment_id,
            Attachment.submission_id.is_not(None),
        )
        .order_by(Attachment.submission_id)
        .limit(MOST_USES)
    )  # fmt: skip
    return [Use(*row) for row in rows]


def alike_words(sketch: Sequence[int], unit_id: int) -> list[tuple[int, str]]:
    """Submissions of other units whose words may be mostly the same: id and words, at most eight, likeliest first."""
    if not sketch:
        return []
    sharing = (
        select(WordPrint.submission_id, WordPrint.value)
        .where(WordPrint.value.in_(sketch))
        .limit(MOST_SHARING)
        .subquery("sharing")
    )
    shared = func.count().label("shared")
    likely: Select[tuple[int, int]] = (
        select(sharing.c.submission_id, shared)
        .join(Submission, Submission.id == sharing.c.submission_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .where(Assignment.unit_id != unit_id)
        .group_by(sharing.c.submission_id)
        .order_by(shared.desc(), sharing.c.submission_id)
        .limit(MOST_READ)
    )
    best = likely.subquery("likely")
    rows = db.session.execute(
        select(Submission.id, Submission.words)
        .join(best, best.c.submission_id == Submission.id)
        .order_by(best.c.shared.desc(), Submission.id)
    )
    return [(row.id, row.words) for row in rows]


def _looked_up(prints: Iterable[int]) -> dict[str, list[int]]:
    """For each quarter its number in these fingerprints, and all numbers that differ from it in one bit."""
    asked: dict[str, set[int]] = {name: set() for name in QUARTERS}
    for bits in prints:
        for place, name in enumerate(QUARTERS):
            quarter = bits >> (48 - 16 * place) & QUARTER
            asked[name] |= {quarter, *(quarter ^ 1 << bit for bit in range(16))}
    return {name: sorted(numbers) for name, numbers in asked.items()}
