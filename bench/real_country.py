"""The real country: the tree of every province, county and village as `china_areas.py` makes it, brought in by the
product's own import, and what is done and read on it.

    python -m bench.real_country china.csv [--database sqlite]

Beside `make bench`, whose country is invented and needs nothing from elsewhere.
The widest area of each level is looked at.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

from campaign.db import db, unit_of_work
from campaign.documents.tables import read_table
from campaign.operations import issuing
from campaign.operations.areas import import_areas
from campaign.rules.organisation import SYSTEM, Level, Role

from . import country, limits, rollups
from .figures import Figure, against, table, timed
from .pages import STATEMENTS_GOAL, count, signed_in, visit
from .stages import STAGES, Raw, Stage, stage
from .world import DUE, NOW, dispatcher

DISPATCH_GOAL, LOOK_UP_GOAL, SPLIT_GOAL = 1.25, 3.0, 300.0  # the last one in milliseconds
COUNTY_TASK, COUNTY_METRIC = 4, 4
LEVELS = (Level.NATION, Level.PROVINCE, Level.CITY, Level.COUNTY, Level.TOWNSHIP)
WIDEST = """
SELECT up.id, count(*) AS below FROM area AS up JOIN area AS down ON down.parent_id = up.id
WHERE up.level = :level GROUP BY up.id ORDER BY below DESC, up.id LIMIT 1
"""
FULLEST = """
SELECT up.id, count(*) AS villages
FROM area AS up JOIN area AS down ON down.lft BETWEEN up.lft AND up.rgt AND down.level = 5
WHERE up.level = 3 GROUP BY up.id ORDER BY villages DESC LIMIT 1
"""
OF_COUNTIES = "UPDATE task SET receiving_level = 3 WHERE id = :id"
DISPATCHERS = """
INSERT INTO post (person_id, unit_id, role, valid_from)
SELECT id + 10, id, :role, '2026-01-01' FROM unit WHERE level < 5 AND id > 3
"""


def bring_in(on: Stage, areas: Path) -> Iterator[Figure]:
    """The import, then people, campaigns and tasks as the invented country has them."""

    def act() -> None:
        with areas.open("rb") as stream, unit_of_work():
            import_areas(read_table(stream, areas.name), actor=SYSTEM, now=NOW)

    with on.app.app_context():
        taken = timed(act)
        db.session.remove()
    with on.raw() as raw:
        found = raw.run("SELECT count(*) FROM area").fetchone()[0]
        raw.begin()
        country.people(raw)
        country.campaigns(raw)
        raw.run(DISPATCHERS, role=int(Role.DISPATCHER))
        raw.run(OF_COUNTIES, id=COUNTY_TASK)
        raw.commit()
    on.settle()
    on.keep()
    memory = getrusage(RUSAGE_SELF).ru_maxrss / 1024
    yield Figure(on.name, f"import of {found:,} areas", taken, "s", detail=f"{memory:,.0f} MB at the highest")


def dispatching(on: Stage, part: limits.Stretch, *, rounds: int) -> Iterator[Figure]:
    """One task to every village, each time on a database without work."""

    def limit() -> None:
        with on.raw() as raw:
            limits.dispatch(raw, part, now=NOW, due=DUE)

    def product() -> None:
        with on.app.app_context():
            with unit_of_work():
                done = issuing.dispatch(part.task, actor=dispatcher(1), now=NOW)
            db.session.remove()
        assert done.items == part.items

    pair = against(limit, product, rounds=rounds, before=on.reset)
    yield Figure(on.name, f"dispatch to {part.items:,} villages", pair.ratio, "x", DISPATCH_GOAL, pair.detail)


def reading(on: Stage, raw: Raw, *, times: int) -> Iterator[Figure]:
    """Figures of what lies below the widest area of each level, against one look-up of the same rows."""
    for level in LEVELS:
        above, many = raw.run(WIDEST, level=int(level)).fetchone()
        areas = [row[0] for row in raw.run("SELECT id FROM area WHERE parent_id = :up", up=above).fetchall()]
        pair = rollups.against_look_up(on, raw, areas, leaves=level is Level.TOWNSHIP, times=times)
        what = f"roll-up of {many} below a {level.name.lower()}"
        yield Figure(on.name, what, pair.ratio, "x", LOOK_UP_GOAL, pair.detail)


def pages(on: Stage, raw: Raw, *, times: int) -> Iterator[Figure]:
    """Board, figures, metric and unit pages at the widest areas."""
    client = signed_in(on, 11)
    for level in LEVELS:
        area = raw.run(WIDEST, level=int(level)).fetchone()[0]
        for name, path in (
            ("board", f"/campaigns/1/board?area={area}"), ("figures", f"/campaigns/1/board/figures?area={area}"),
            ("metric", f"/metrics/1?area={area}"), ("unit", f"/units/{area}"),
        ):  # fmt: skip
            yield _page(on, f"{name}, widest {level.name.lower()}", client, path, times)


def splitting(on: Stage, raw: Raw, *, times: int) -> Iterator[Figure]:
    """The page on which the county with the most villages splits its target among all of them."""
    county, villages = raw.run(FULLEST).fetchone()
    with on.app.app_context(), unit_of_work():
        issuing.dispatch(COUNTY_TASK, actor=dispatcher(1), now=NOW)
    statement = "SELECT id FROM assignment WHERE task_id = :task AND unit_id = :unit"
    mine = raw.run(statement, task=COUNTY_TASK, unit=county).fetchone()[0]
    client = signed_in(on, county + 10)
    path = f"/assignments/{mine}/split?level={int(Level.VILLAGE)}"
    taken = sorted(timed(visit(client, path)) for _ in range(times))[times // 2]
    what = f"page: splitting among {villages:,} villages"
    yield Figure(on.name, what, taken * 1e3, "ms", SPLIT_GOAL, f"{count(on, client, path)} statements")


def _page(on: Stage, name: str, client: Any, path: str, times: int) -> Figure:
    asked = count(on, client, path)
    taken = sorted(timed(visit(client, path)) for _ in range(times))[times // 2]
    return Figure(on.name, f"page: {name}", asked, "statements", STATEMENTS_GOAL, f"{taken * 1e3:,.1f} ms")


def measure(on: Stage, areas: Path, *, rounds: int, times: int) -> Iterator[Figure]:
    """Everything on one database."""
    yield from bring_in(on, areas)
    with on.raw() as raw:
        lft, rgt = raw.run("SELECT lft, rgt FROM area WHERE parent_id IS NULL").fetchone()
        villages = raw.run("SELECT count(*) FROM area WHERE level = 5").fetchone()[0]
    part = limits.Stretch(1, lft, rgt, villages)
    yield from dispatching(on, part, rounds=rounds)
    on.reset()
    rollups.prepare(on, part)
    with on.raw(repeated=True) as raw:
        yield from reading(on, raw, times=times)
        yield from pages(on, raw, times=times)
        yield from splitting(on, raw, times=times)


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.real_country", description=__doc__)
    parser.add_argument("areas", type=Path)
    parser.add_argument("--database", choices=[*STAGES, "both"], default="both")
    asked = parser.parse_args()
    figures: list[Figure] = []
    for kind in STAGES if asked.database == "both" else [asked.database]:
        with stage(kind, ()) as on:
            for figure in measure(on, asked.areas, rounds=3, times=9):
                print(f"{figure.database}: {figure.what}: {figure.value:,.2f} {figure.unit}", file=sys.stderr)
                figures.append(figure)
    print(table(figures))


if __name__ == "__main__":
    main()
