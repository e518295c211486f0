"""What looks or reads like something else: pictures by their fingerprints, texts by their sketches.

Two pictures are near when few of the 64 bits differ. One bit may differ in each quarter looked up, so whatever differs
in at most seven bits shares a quarter with one of the looked-up numbers and is found; up to ten, nearly always.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, bindparam, func, literal_column, or_, select, union_all

from ..db import db
from ..rules.turning import turned
from ..rules.wording import BANDS
from .assignments import Assignment
from .facts import Standing
from .keeping import Fingerprint, WordPrint
from .organisation import Unit
from .reporting import Attachment, Evidence, Submission

NEAR = 10  # of 64 bits; pictures that have nothing in common differ in about 32
QUARTER, QUARTERS = 0xFFFF, ("first", "second", "third", "fourth")
AT_ONCE = 4  # pictures in one look-up
MOST_OF_A_QUARTER = 20_000  # rows read for one quarter: a sky that half the country shares must not cost seconds
MOST_ALIKE, MOST_NEAR = 200, 1_000  # fingerprints near to one picture, and files that have these
MOST_USES = 400
MOST_SHARING, MOST_LIKELY, MOST_READ = 300, 200, 8  # versions: of each number, of all numbers, whose words are read
UNSIGNED, HALF = (1 << 64) - 1, 1 << 63
_print = Fingerprint.__table__.c
_CANDIDATES = union_all(
    *(
        select(
            select(literal_column(str(place)).label("place"), _print.bits)
            .where(_print[name].in_(bindparam(name, expanding=True)))
            .limit(MOST_OF_A_QUARTER)
            .subquery(name)
        )
        for place, name in enumerate(QUARTERS)
    )
)
_WITH_THESE = (
    select(_print.sha256, _print.bits)
    .where(_print.first.in_(bindparam("first", expanding=True)), _print.bits.in_(bindparam("bits", expanding=True)))
    .limit(MOST_NEAR)
)
_word, _said, _work = WordPrint.__table__.c, Submission.__table__.c, Assignment.__table__.c


def _alike() -> Select[tuple[int, str]]:
    """Of each number a few versions only: how thousands begin tells nothing, and what was copied shares other numbers
    as well. Whose they are is asked of the likeliest alone."""
    sharing = union_all(
        *(
            select(
                select(_word.submission_id)
                .where(_word.value == bindparam(f"value{place}"))
                .order_by(_word.submission_id)
                .limit(MOST_SHARING)
                .subquery(f"sharing{place}")
            )
            for place in range(BANDS)
        )
    ).subquery("sharing")
    shared = func.count().label("shared")
    likely = (
        select(sharing.c.submission_id, shared)
        .group_by(sharing.c.submission_id)
        .order_by(shared.desc(), sharing.c.submission_id)
        .limit(MOST_LIKELY)
        .subquery("likely")
    )
    return (
        select(_said.id, _said.words)
        .join(likely, likely.c.submission_id == _said.id)
        .join(Assignment.__table__, _work.id == _said.assignment_id)
        .where(_work.unit_id != bindparam("unit"))
        .order_by(likely.c.shared.desc(), _said.id)
        .limit(MOST_READ)
    )


_ALIKE = _alike()
Asked = Sequence[tuple[str, int]]  # pictures, each in one of its eight ways


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
    """For each of these pictures (hash: fingerprint) the hashes of others that look nearly like it, also when they were
    turned or mirrored, with the number of bits that differ. Two statements for every four pictures."""
    found: dict[str, dict[str, int]] = {sha256: {} for sha256 in prints}
    names = sorted(prints)
    for at in range(0, len(names), AT_ONCE):
        asked = names[at : at + AT_ONCE]
        near = _near_fingerprints([(name, way) for name in asked for way in turned(prints[name] & UNSIGNED)])
        signed = [bits - (1 << 64) if bits >= HALF else bits for bits in near]
        if not near:
            continue
        wanted = {"first": sorted({bits >> 48 for bits in near}), "bits": signed}
        for sha256, bits in db.session.connection().execute(_WITH_THESE, wanted):
            for name, differ in near[bits & UNSIGNED].items():
                if sha256 != name:
                    found[name][sha256] = differ
    return found


def _near_fingerprints(asked: Asked) -> dict[int, dict[str, int]]:
    """The fingerprints (unsigned) that are kept and near to one of these, and to which by how many bits.

    Each row comes from the index of one quarter, and is compared only with those that were looked for there.
    """
    wanted = _looked_up(asked)
    near: dict[str, dict[int, int]] = defaultdict(dict)
    looked_for = {name: list(numbers) for name, numbers in zip(QUARTERS, wanted, strict=True)}
    for place, signed in db.session.connection().execute(_CANDIDATES, looked_for).all():
        bits = signed & UNSIGNED
        for name, own in wanted[place][bits >> (48 - 16 * place) & QUARTER]:
            differ = (bits ^ own).bit_count()
            if differ <= NEAR:
                near[name][bits] = min(differ, near[name].get(bits, NEAR))
    told: dict[int, dict[str, int]] = defaultdict(dict)
    for name, ways in near.items():
        for bits, differ in sorted(ways.items(), key=lambda one: one[1])[:MOST_ALIKE]:
            told[bits][name] = differ
    return told


def uses_of(hashes: Sequence[str], facts: Standing) -> list[Use]:
    """The submissions of other assignments that name files with these hashes, the oldest first. What the same unit
    handed in for another task is none: one piece may serve several tasks of a unit."""
    if not hashes:
        return []
    superior = select(Unit.superior_id).where(Unit.id == facts.unit_id).scalar_subquery()
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
            Evidence.assignment_id != facts.id,
            or_(Assignment.unit_id != facts.unit_id, Assignment.task_id == facts.task_id),
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
    asked = {f"value{place}": value for place, value in enumerate(sketch)} | {"unit": unit_id}
    return [(row.id, row.words) for row in db.session.connection().execute(_ALIKE, asked)]


def _looked_up(asked: Asked) -> list[dict[int, list[tuple[str, int]]]]:
    """For each quarter the numbers to look for, those that differ in one bit as well, and who looks for each."""
    wanted: list[dict[int, list[tuple[str, int]]]] = [defaultdict(list) for _name in QUARTERS]
    for name, bits in asked:
        for place, numbers in enumerate(wanted):
            quarter = bits >> (48 - 16 * place) & QUARTER
            for number in (quarter, *(quarter ^ 1 << bit for bit in range(16))):
                numbers[number].append((name, bits))
    return wanted
