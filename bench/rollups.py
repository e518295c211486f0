"""Roll-ups of a task that every village has reported: reading them at every level, comparing and rebuilding them, and
what their upkeep costs those who work."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from statistics import median
from threading import Event, Lock
from time import perf_counter
from typing import Any

from campaign.db import db, micros, unit_of_work
from campaign.operations.figure_checks import figure_gaps, rebuild_figures, wrong_contributions
from campaign.operations.folding import fold
from campaign.operations.issuing import cancel
from campaign.queries.rollup import rollup
from campaign.rules.organisation import Actor

from . import country, limits
from .figures import Act, Figure, Pair, against, timed
from .stages import Raw, Stage
from .world import DUE, NOW, dispatcher, stretch

LOOK_UP_GOAL, LIVE_GOAL, REBUILD_GOAL, UPKEEP_GOAL = 3.0, 1 / 1_000, 2.0, 0.12
FOLDS_EVERY = 2.0  # seconds, as the timetable has it
PLANNED = 12  # runs: PostgreSQL plans the first ten of a statement anew, which no page of a busy connection sees
PAIRS, MOST_A_SECOND = 5, 4_000  # of runs of 16 writers; transitions, so that there are enough for all runs
TODAY = date(2026, 11, 20)
METRICS = (1, 2, 3)
METRIC = """
INSERT INTO metric (id, task_id, position, name, kind, comparator, target, aggregation, over_time, required, quota,
                    unit_of_measure, numerator_name, denominator_name, note)
VALUES (:id, 1, :id, :name, :kind, 1, :target, :aggregation, 2, true, :quota, '', '', '', '')
"""
SUBMISSIONS = """
INSERT INTO submission (assignment_id, number, words, person_id, post_id, at, chain, digest)
SELECT id, 1, '', 6, 1, :now, '3', :digest FROM assignment WHERE task_id = 1 ORDER BY id
"""
VALUES = """
INSERT INTO metric_value (submission_id, metric_id, number, numerator, denominator)
SELECT s.id, m.id, CASE m.kind WHEN 1 THEN 10000 * (s.id % 12) WHEN 4 THEN 10000 * (s.id % 2) END,
       CASE m.kind WHEN 3 THEN 10000 * (s.id % 90) END, CASE m.kind WHEN 3 THEN 10000 * 100 END
FROM submission AS s CROSS JOIN metric AS m ORDER BY s.id, m.id
"""
STATES = "UPDATE assignment SET state = CASE id % 4 WHEN 0 THEN 4 ELSE 5 END, version = 4 WHERE task_id = 1"
TOUCH = "INSERT INTO figure_touch (assignment_id) SELECT id FROM assignment WHERE task_id = 1 ORDER BY id"
LOOK_UP = """
SELECT metric_id, area_id, period, standing, sum(n), sum(met), sum(number), sum(numerator), sum(denominator),
       sum(credited)
FROM figure WHERE metric_id IN (1, 2, 3) AND area_id IN ({areas}) GROUP BY metric_id, area_id, period, standing
"""
LIVE = """
SELECT v.metric_id, above.id, a.state, count(*), sum(v.number), sum(v.numerator), sum(v.denominator)
FROM area AS above JOIN unit AS u ON u.lft BETWEEN above.lft AND above.rgt
JOIN assignment AS a ON a.unit_id = u.id AND a.task_id = 1
JOIN submission AS s ON s.assignment_id = a.id
     AND s.number = (SELECT max(number) FROM submission AS t WHERE t.assignment_id = a.id)
JOIN metric_value AS v ON v.submission_id = s.id AND v.metric_id IN (1, 2, 3)
WHERE above.id IN ({areas}) GROUP BY v.metric_id, above.id, a.state
"""
ONCE = """
SELECT v.metric_id, u.superior_id, a.state, count(*), sum(v.number), sum(v.numerator), sum(v.denominator)
FROM assignment AS a JOIN unit AS u ON u.id = a.unit_id
JOIN submission AS s ON s.assignment_id = a.id
     AND s.number = (SELECT max(number) FROM submission AS t WHERE t.assignment_id = a.id)
JOIN metric_value AS v ON v.submission_id = s.id
WHERE a.task_id = 1 GROUP BY v.metric_id, u.superior_id, a.state
"""
# What a rebuild leaves, by the fewest plain statements; what each metric wants is written into them.
CONTRIBUTIONS = """
INSERT INTO contribution (assignment_id, metric_id, unit_id, standing, n, met, number, numerator, denominator, credited)
SELECT a.id, v.metric_id, a.unit_id, CASE a.state WHEN 4 THEN 3 WHEN 5 THEN 4 END, 1,
       CASE WHEN v.metric_id = 1 AND v.number >= 60000 OR v.metric_id = 3 AND v.number >= 10000
                 OR v.metric_id = 2 AND v.numerator * 1000000 >= 700000 * v.denominator THEN 1 ELSE 0 END,
       CASE v.metric_id WHEN 1 THEN v.number ELSE 0 END, CASE v.metric_id WHEN 2 THEN v.numerator ELSE 0 END,
       CASE v.metric_id WHEN 2 THEN v.denominator ELSE 0 END, 0
FROM assignment AS a JOIN submission AS s ON s.assignment_id = a.id
     AND s.number = (SELECT max(number) FROM submission AS t WHERE t.assignment_id = a.id)
JOIN metric_value AS v ON v.submission_id = s.id
WHERE a.task_id = 1 AND a.state IN (4, 5)
"""
FIGURES = """
INSERT INTO figure (metric_id, area_id, line, period, standing, n, met, number, numerator, denominator, credited,
                    changed_at)
WITH RECURSIVE climb(metric_id, area_id, line, standing, n, met, number, numerator, denominator) AS (
    SELECT * FROM (
        SELECT c.metric_id, u.superior_id AS area_id, u.line, c.standing, sum(c.n), sum(c.met), sum(c.number),
               sum(c.numerator), sum(c.denominator)
        FROM contribution AS c JOIN unit AS u ON u.id = c.unit_id
        GROUP BY u.superior_id, c.metric_id, c.standing, u.line
    ) AS lowest
    UNION ALL
    SELECT climb.metric_id, up.parent_id, climb.line, climb.standing, climb.n, climb.met, climb.number, climb.numerator,
           climb.denominator
    FROM climb JOIN area AS up ON up.id = climb.area_id WHERE up.parent_id IS NOT NULL
)
SELECT metric_id, area_id, line, 0, standing, sum(n), sum(met), sum(number), sum(numerator), sum(denominator), 0, :now
FROM climb GROUP BY metric_id, area_id, line, standing
"""
KEPT = ("figure", "contribution")
SAME = "SELECT count(*), sum(n), sum(met), sum(number), sum(numerator), sum(denominator) FROM {table}"
OF_LEAVES = """
SELECT v.metric_id, u.area_id, a.state, v.number, v.numerator, v.denominator
FROM unit AS u JOIN assignment AS a ON a.unit_id = u.id AND a.task_id + 0 = 1
JOIN submission AS s ON s.assignment_id = a.id
     AND s.number = (SELECT max(number) FROM submission AS t WHERE t.assignment_id = a.id)
JOIN metric_value AS v ON v.submission_id = s.id AND v.metric_id + 0 IN (1, 2, 3)
WHERE u.area_id IN ({areas})
"""


def prepare(stage: Stage, part: limits.Stretch) -> None:
    """Every village has the task, with three metrics, and has reported; three quarters are approved."""
    with stage.raw() as raw:
        for id, name, kind, target, aggregation, quota in (
            (1, "建会数", 1, 60_000, 1, 1), (2, "建会率", 3, 700_000, 2, 0), (3, "有挂牌", 4, 10_000, 3, 0),
        ):  # fmt: skip
            raw.run(METRIC, id=id, name=name, kind=kind, target=target, aggregation=aggregation, quota=quota)
        raw.run("UPDATE campaign SET issued_at = :now", now=micros(NOW))
        limits.dispatch(raw, part, now=NOW, due=DUE)
        raw.begin()
        raw.run(SUBMISSIONS, now=micros(NOW), digest=limits.DIGEST)
        raw.run(VALUES)
        raw.run(STATES)
        raw.run(TOUCH)
        raw.commit()
    stage.settle()
    with stage.app.app_context():
        fold_all()
    stage.settle()


def fold_all() -> int:
    """As the job does it; how many rows."""
    total = 0
    while True:
        with unit_of_work():
            folded = fold(now=NOW)
        db.session.remove()
        total += folded
        if not folded:
            return total


def pages(shape: Sequence[int]) -> dict[str, list[int]]:
    """What a board shows at each level: the areas right below the first one of the level above."""
    sizes = country.sizes(shape)
    names = ("nation", "province", "city", "county", "township")
    return {
        name: [level + 2 + number * sizes[level + 1] for number in range(shape[level])]
        for level, name in enumerate(names)
    }


def against_look_up(stage: Stage, raw: Raw, areas: Sequence[int], *, leaves: bool, times: int) -> Pair:
    """What is read of those areas against one look-up of the same rows. `leaves`: they are villages, of which no sum is
    kept."""
    statement = (OF_LEAVES if leaves else LOOK_UP).format(areas=", ".join(map(str, areas)))

    def limit() -> None:
        raw.run(statement).fetchall()

    def product() -> None:
        assert rollup(METRICS, areas, on=TODAY)

    with stage.app.app_context():
        for _ in range(PLANNED):
            limit()
            product()
        pair = against(limit, product, rounds=times)  # in the transaction that a page has anyway
        db.session.remove()
        return pair


def reading(stage: Stage, raw: Raw, shape: Sequence[int], *, times: int) -> Iterator[Figure]:
    """The page of every level against one look-up of the same rows, and against adding up the facts."""
    for name, areas in pages(shape).items():
        pair = against_look_up(stage, raw, areas, leaves=name == "township", times=times)
        yield Figure(stage.name, f"roll-up, {name}", pair.ratio, "x", LOOK_UP_GOAL, pair.detail)
        if name == "nation":
            anew = LIVE.format(areas=", ".join(map(str, areas)))
            live = timed(lambda statement=anew: raw.run(statement).fetchall())  # type: ignore[misc]
            yield Figure(stage.name, "the same, added up anew", pair.product / live, "x", LIVE_GOAL, f"{live:,.2f} s")


def by_itself(stage: Stage, raw: Raw, shape: Sequence[int], *, times: int) -> Iterator[Figure]:
    """The same with a transaction begun and ended for it, as nothing in the product asks."""
    look_up = LOOK_UP.format(areas=", ".join(map(str, pages(shape)["nation"])))

    def product() -> None:
        rollup(METRICS, pages(shape)["nation"], on=TODAY)
        db.session.remove()

    with stage.app.app_context():
        pair = against(lambda: raw.run(look_up).fetchall(), product, rounds=times)
    yield Figure(stage.name, "roll-up, nation, with its own transaction", pair.ratio, "x", detail=pair.detail)


def comparing(stage: Stage, raw: Raw) -> Iterator[Figure]:
    """Every figure compared with what each assignment counts for, and that with the assignments: each against one
    statement that adds up the facts by township."""
    with stage.app.app_context():
        compared = against(lambda: raw.run(ONCE).fetchall(), _read_only(figure_gaps), rounds=3)
        each = against(lambda: raw.run(ONCE).fetchall(), _read_only(wrong_contributions), rounds=3)
    yield Figure(stage.name, "figures compared, every area", compared.ratio, "x", REBUILD_GOAL, compared.detail)
    what = "what each assignment counts for, compared"
    yield Figure(stage.name, what, each.ratio, "x", REBUILD_GOAL, each.detail)


def _read_only(act: Act) -> Act:
    def done() -> None:
        assert not act()
        db.session.remove()

    return done


def rebuilding(stage: Stage, raw: Raw) -> Iterator[Figure]:
    """Figures and contributions put together from nothing, against two plain statements that leave the same rows."""

    def empty() -> None:
        for table in KEPT:
            raw.run(f"DELETE FROM {table}")
        stage.settle()

    def limit() -> None:
        raw.begin()
        raw.run(CONTRIBUTIONS)
        raw.run(FIGURES, now=micros(NOW))
        raw.commit()

    def product() -> None:
        with unit_of_work():
            rebuild_figures(now=NOW)
        db.session.remove()

    def left() -> list[Any]:
        return [raw.run(SAME.format(table=table)).fetchone() for table in KEPT]

    with stage.app.app_context():
        empty()
        limit()
        expected = left()
        pair = against(limit, product, rounds=3, before=empty, warm=False)
        empty()
        product()
        assert left() == expected, "the limit leaves other rows"
    yield Figure(stage.name, "figures rebuilt from nothing", pair.ratio, "x", REBUILD_GOAL, pair.detail)


def upkeep(stage: Stage, raw: Raw, *, moves: int, rounds: int = 7) -> Iterator[Figure]:
    """What folding costs beside the transitions that it follows, and what 16 writers notice of it: the median of
    several rounds, and for the writers of pairs that follow each other."""
    stage.settle()  # everything was just rebuilt: PostgreSQL still takes the tables for empty
    rows = raw.run("SELECT id FROM assignment WHERE task_id = 1 AND state = 4 ORDER BY id").fetchall()
    ids = iter(rows)
    with stage.app.app_context():
        actor = dispatcher(1)
        db.session.remove()

        def move(many: int) -> None:
            for _ in range(many):
                _cancel(next(ids)[0], actor)

        move(20)
        fold_all()  # warm
        pairs = [(timed(lambda: move(moves)), timed(fold_all)) for _ in range(rounds)]
    moved, folded = (median(each) for each in zip(*pairs, strict=True))
    detail = f"{moves:,} transitions in {moved * 1e3:,.0f} ms, folded in {folded * 1e3:,.0f} ms"
    part = median(folding / (moving + folding) for moving, folding in pairs)
    yield Figure(stage.name, "upkeep, part of the time", part, "", UPKEEP_GOAL, detail)
    seconds, shares = len(rows) / (2 * PAIRS * MOST_A_SECOND), []
    for _ in range(PAIRS):
        alone, kept = (_sixteen(stage, actor, ids, seconds, fold_too=kept) for kept in (False, True))
        shares.append(1 - kept / alone)
    detail = f"the last pair {kept:,.0f} transitions/s with the clock folding, {alone:,.0f} without, {seconds:g} s each"
    yield Figure(stage.name, "upkeep, 16 writers", median(shares), "", UPKEEP_GOAL, detail)


def _cancel(id: int, actor: Actor) -> None:
    with unit_of_work():
        cancel(id, actor=actor, now=NOW, seen=4, reason="重复下达")
    db.session.remove()


def _sixteen(stage: Stage, actor: Actor, ids: Iterator[Any], seconds: float, *, fold_too: bool) -> float:
    """Transitions per second of 16 writers, over several folds."""
    taking, done = Lock(), Event()

    def write(_writer: int) -> int:
        written = 0
        with stage.app.app_context():
            while not done.is_set():
                with taking:
                    id = next(ids)[0]
                _cancel(id, actor)
                written += 1
        return written

    def clock() -> None:
        with stage.app.app_context():
            while not done.wait(min(FOLDS_EVERY, seconds / 4)):
                fold_all()

    with ThreadPoolExecutor(17) as pool:
        folding = pool.submit(clock) if fold_too else None
        started = perf_counter()
        writers = [pool.submit(write, writer) for writer in range(16)]
        done.wait(seconds)
        done.set()
        written = sum(writer.result() for writer in writers)
        taken = perf_counter() - started
        if folding is not None:
            folding.result()
    with stage.app.app_context():
        fold_all()
    return written / taken


def measure(stage: Stage, shape: Sequence[int], *, times: int, moves: int) -> Iterator[Figure]:
    """All of them, on a database of its own, which is left without work and without metrics."""
    stage.reset()
    prepare(stage, stretch(shape, country.NATION))
    with stage.raw(repeated=True) as raw:
        yield from reading(stage, raw, shape, times=times)
        yield from by_itself(stage, raw, shape, times=times)
        yield from comparing(stage, raw)
        yield from rebuilding(stage, raw)
        yield from upkeep(stage, raw, moves=moves)
    stage.reset()
    with stage.raw() as raw:
        for table in ("figure", "metric"):
            raw.run(f"DELETE FROM {table}")
