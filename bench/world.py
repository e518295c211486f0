"""What stands in the database while single acts and pages are measured: a million open assignments in the middle of
their life, some waiting for review, some about to be reminded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from campaign.db import micros, unit_of_work
from campaign.operations.folding import fold
from campaign.operations.signing_in import open_session
from campaign.queries.people import actor_of
from campaign.rules.dates import end_of_day
from campaign.rules.organisation import Actor

from . import country, limits
from .limits import Stretch
from .stages import Raw, Stage

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)
DUE = end_of_day(date(2026, 12, 20), "Asia/Shanghai")
SOON_DUE = end_of_day(date(2026, 11, 25), "Asia/Shanghai")  # whose first reminder came at nine this morning
MINUTE = timedelta(minutes=1)
BUSY = 6  # the officer of a whole township
OWN_NOTICES = 20_000

SUBMISSIONS = """
INSERT INTO submission (assignment_id, number, words, person_id, post_id, at, chain, digest)
SELECT id, 1, '已完成', 6, 1, :now, '3', :digest FROM assignment WHERE unit_id BETWEEN :lft AND :rgt ORDER BY id
"""
WAITING = """
UPDATE assignment SET state = 3, version = 3, reviewer_unit_id = 3, review_due_at = :now + id % 4 * 86400000000
WHERE unit_id BETWEEN :lft AND :rgt
"""
SOON = "UPDATE assignment SET due_at = :due WHERE id IN (SELECT id FROM chosen)"
CHOSEN = f"""
CREATE TEMPORARY TABLE chosen AS SELECT a.id FROM assignment AS a
WHERE a.task_id = 1 AND a.unit_id % {country.EVERY} = 0 AND a.unit_id > :after ORDER BY a.id LIMIT :many
"""
LAST = "SELECT max(unit_id), count(*) FROM assignment WHERE id IN (SELECT id FROM chosen)"
EARLIER = "UPDATE timer SET fires_at = :fires, after = 0 WHERE assignment_id IN (SELECT id FROM chosen)"
NOTICES = """
INSERT INTO notice (tag, event_id, person_id, assignment_id, created_at)
SELECT :tag, e.id, 6, (SELECT min(id) FROM assignment WHERE task_id = 1), :now
FROM event AS e WHERE e.tag = 'bench' ORDER BY e.id
"""
EVENTS = """
INSERT INTO event (at, tag, subject, subject_id, person_id, reason, data)
WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < :many)
SELECT :now + i, 'bench', 'bench', i, 1, '', '{}' FROM series
"""


@dataclass(frozen=True)
class World:
    """`open`: how many assignments; `due`: the moments at which the next `each` of them fall due, one after another."""

    open: int
    due: dict[int, tuple[datetime, ...]]


def stretch(shape: Sequence[int], issuer: int, task: int | None = None) -> Stretch:
    """The villages below an issuing unit."""
    subtree = country.sizes(shape)[issuer - 1]
    return Stretch(task or issuer, issuer, issuer + subtree - 1, country.villages(shape, issuer))


def fill(stage: Stage, shape: Sequence[int], *, many: int, due_sets: dict[int, int]) -> World:
    """Opens at least so many assignments and folds them; nothing is due before the first moment of `due`.

    `due_sets`: how many sets of each size will fall due.
    """
    whole, provinces = stretch(shape, country.NATION), country.sizes(shape)[1]
    count = -(-(many - whole.items) // country.villages(shape, country.PROVINCE))
    second = Stretch(4, 1, 1 + max(count, 0) * provinces, max(count, 0) * country.villages(shape, country.PROVINCE))
    with stage.raw() as raw:
        for part in (whole, second):
            if part.items:
                limits.dispatch(raw, part, now=NOW, due=DUE)
        moments = _sooner(raw, due_sets)
    with stage.app.app_context(), unit_of_work():
        fold(now=NOW)
    stage.settle()
    return World(whole.items + second.items, moments)


def submit_a_city(stage: Stage, shape: Sequence[int]) -> None:
    """All assignments of the first city wait at its level, and the officer of a township has been told much."""
    city = stretch(shape, country.CITY)
    with stage.raw() as raw:
        raw.begin()
        raw.run(SUBMISSIONS, now=micros(NOW), digest=limits.DIGEST, lft=city.lft + 60, rgt=city.rgt)
        raw.run(WAITING, now=micros(NOW), lft=city.lft + 60, rgt=city.rgt)
        raw.run(EVENTS, now=micros(NOW), many=OWN_NOTICES)
        raw.run(NOTICES, tag=limits.TAG, now=micros(NOW))
        raw.commit()
    stage.settle()


def _sooner(raw: Raw, sets: dict[int, int]) -> dict[int, tuple[datetime, ...]]:
    """Sets of assignments whose timers come a minute after those of the set before; all have an officer."""
    found: dict[int, tuple[datetime, ...]] = {}
    last, moment = 0, NOW
    for each, count in sets.items():
        moments = []
        for _ in range(count):
            moment += MINUTE
            raw.begin()
            raw.run(CHOSEN, after=last, many=each)
            raw.run(SOON, due=micros(SOON_DUE))
            raw.run(EARLIER, fires=micros(moment))
            last, chosen = raw.run(
                "SELECT max(unit_id), count(*) FROM assignment WHERE id IN (SELECT id FROM chosen)"
            ).fetchone()
            if chosen < each:
                raise SystemExit(f"the country has too few officers for {sets}")
            raw.run("DROP TABLE chosen")
            raw.commit()
            moments.append(moment)
        found[each] = tuple(moments)
    return found


def dispatcher(issuer: int) -> Actor:
    """The person who dispatches for that issuing unit; needs an application context."""
    return person(issuer + 10)


def person(person_id: int) -> Actor:
    """Somebody with their posts; needs an application context."""
    found = actor_of(person_id, TODAY)
    assert found is not None
    return found


def sign_in(person_id: int, now: datetime) -> str:
    """A session of that person: its secret; needs an application context."""
    with unit_of_work():
        return open_session(actor=person(person_id), now=now)
