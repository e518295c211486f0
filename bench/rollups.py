"""Roll-ups of a task that every village has reported: reading them at every level, comparing and rebuilding them, and
what their upkeep costs those who work."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event
from time import perf_counter
from typing import Any

from sqlalchemy import text

from campaign.db import db, micros, unit_of_work
from campaign.operations.figure_checks import figure_gaps, rebuild_figures, wrong_contributions
from campaign.operations.folding import fold
from campaign.operations.issuing import cancel
from campaign.queries.rollup import rollup
from campaign.rules.organisation import Actor

from . import country, limits
from .figures import Figure, Pair, against, timed
from .stages import Raw, Stage
from .world import DUE, NOW, dispatcher, stretch

LOOK_UP_GOAL, LIVE_GOAL, REBUILD_GOAL, UPKEEP_GOAL = 3.0, 1 / 1_000, 2.0, 0.12
FOLDS_EVERY = 2.0  # seconds, as the timetable has it
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
SELECT metric_id, area_id, period, standing, sum(n), sum(met), sum(number), sum(numerator), sum(denominator)
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
        db.session.remove()

    with stage.app.app_context():
        return against(limit, product, rounds=times)


def reading(stage: Stage, raw: Raw, shape: Sequence[int], *, times: int) -> Iterator[Figure]:
    """The page of every level against one look-up of the same rows, and against adding up the facts."""
    for name, areas in pages(shape).items():
        pair = against_look_up(stage, raw, areas, leaves=name == "township", times=times)
        yield Figure(stage.name, f"roll-up, {name}", pair.ratio, "x", LOOK_UP_GOAL, pair.detail)
        if name == "nation":
            anew = LIVE.format(areas=", ".join(map(str, areas)))
            live = timed(lambda statement=anew: raw.run(statement).fetchall())  # type: ignore[misc]
            yield Figure(stage.name, "the same, added up anew", pair.product / live, "x", LIVE_GOAL, f"{live:,.2f} s")


def through_the_product(stage: Stage, shape: Sequence[int], *, times: int) -> Iterator[Figure]:
    """The same against a look-up of one row set by the product's own way to the database: what is left is the price of
    asking for the facts of the metric, and of adding what is pending."""
    one = text(LOOK_UP.format(areas=", ".join(map(str, pages(shape)["nation"]))))

    def limit() -> None:
        db.session.connection().execute(one).fetchall()
        db.session.remove()

    def product() -> None:
        rollup(METRICS, pages(shape)["nation"], on=TODAY)
        db.session.remove()

    with stage.app.app_context():
        pair = against(limit, product, rounds=times)
    yield Figure(stage.name, "roll-up, nation, by the product's way", pair.ratio, "x", LOOK_UP_GOAL, pair.detail)


def comparing(stage: Stage, raw: Raw) -> Iterator[Figure]:
    """Every figure compared with what the assignments say, against one statement that adds up the facts."""
    with stage.app.app_context():
        limit = timed(lambda: raw.run(ONCE).fetchall())
        compared = timed(figure_gaps)
        db.session.remove()
        kept = timed(wrong_contributions)
        db.session.remove()
        with unit_of_work():
            rebuilt = timed(lambda: rebuild_figures(now=NOW))
        db.session.remove()
    detail = f"{compared:,.2f} s against {limit:,.2f} s"
    yield Figure(stage.name, "figures compared, every area", compared / limit, "x", REBUILD_GOAL, detail)
    yield Figure(stage.name, "figures rebuilt", rebuilt / limit, "x", REBUILD_GOAL, f"{rebuilt:,.2f} s")
    yield Figure(stage.name, "what each assignment counts for, compared", kept, "s", detail="beside the check of sums")


def upkeep(stage: Stage, raw: Raw, *, moves: int) -> Iterator[Figure]:
    """What folding costs beside the transitions that it follows, and what 16 writers notice of it."""
    rows = iter(raw.run("SELECT id FROM assignment WHERE task_id = 1 AND state = 4 ORDER BY id").fetchall())
    with stage.app.app_context():
        actor = dispatcher(1)
        db.session.remove()

        def move(many: int) -> None:
            for _ in range(many):
                with unit_of_work():
                    cancel(next(rows)[0], actor=actor, now=NOW, seen=4, reason="重复下达")
                db.session.remove()

        move(20)
        fold_all()  # warm
        moved, folded = timed(lambda: move(moves)), timed(fold_all)
    detail = f"{moves:,} transitions in {moved * 1e3:,.0f} ms, folded in {folded * 1e3:,.0f} ms"
    yield Figure(stage.name, "upkeep, part of the time", folded / (moved + folded), "", UPKEEP_GOAL, detail)
    shares = []
    for _ in range(3):
        alone, kept = (_sixteen(stage, actor, rows, each=moves // 16, fold_too=kept) for kept in (False, True))
        shares.append(1 - kept / alone)
    detail = f"{kept:,.0f} transitions/s with the clock folding, {alone:,.0f} without"
    yield Figure(stage.name, "upkeep, 16 writers", sorted(shares)[1], "", UPKEEP_GOAL, detail)


def _sixteen(stage: Stage, actor: Actor, rows: Iterator[Any], *, each: int, fold_too: bool) -> float:
    """Transitions per second of 16 writers."""
    ids = [[next(rows)[0] for _ in range(each)] for _ in range(16)]
    done = Event()

    def write(mine: list[int]) -> None:
        with stage.app.app_context():
            for id in mine:
                with unit_of_work():
                    cancel(id, actor=actor, now=NOW, seen=4, reason="重复下达")
                db.session.remove()

    def clock() -> None:
        with stage.app.app_context():
            while not done.wait(FOLDS_EVERY):
                fold_all()

    with ThreadPoolExecutor(17) as pool:
        folding = pool.submit(clock) if fold_too else None
        started = perf_counter()
        list(pool.map(write, ids))
        taken = perf_counter() - started
        done.set()
        if folding is not None:
            folding.result()
    with stage.app.app_context():
        fold_all()
    return 16 * each / taken


def measure(stage: Stage, shape: Sequence[int], *, times: int, moves: int) -> Iterator[Figure]:
    """All of them, on a database of its own, which is left without work and without metrics."""
    stage.reset()
    prepare(stage, stretch(shape, country.NATION))
    with stage.raw(repeated=True) as raw:
        yield from reading(stage, raw, shape, times=times)
        yield from through_the_product(stage, shape, times=times)
        yield from comparing(stage, raw)
        yield from upkeep(stage, raw, moves=moves)
    stage.reset()
    with stage.raw() as raw:
        for table in ("figure", "metric"):
            raw.run(f"DELETE FROM {table}")
