"""The moment in the past: what was counted in the middle of the walk, and what the product says of that moment later.

The count of then is kept in memory; the product is asked afterwards, when much has moved on: it must tell from its log
and its versions what stood then.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from campaign import clock, create_app
from campaign.config import Settings
from campaign.db import db
from campaign.models import Person
from campaign.queries.board import Asked
from campaign.queries.board_metrics import figures_page
from campaign.queries.people import actor_of
from campaign.queries.rollup_facts import RolledUp
from campaign.queries.rollup_past import rollup_at
from campaign.rules.figures import Standing
from campaign.rules.organisation import Actor, Line

from .walk_boards import AUDITOR
from .walk_people import Tables
from .walk_reading import Tally
from .walk_recount import RATIO, SUM, Counted, number
from .walk_tree import Tree


@dataclass(frozen=True)
class Moment:
    """What was counted at that instant, while nobody acted."""

    at: datetime
    count: Tree


def remember(tables: Tables) -> Moment:
    """Counts everything now."""
    now = clock.now()
    return Moment(now, Tree(tables, clock.local_today(now)))


def look_back(moment: Moment, folder: Path, database: str, campaigns: list[int]) -> int:
    """Asks the product for that moment: every metric of these campaigns in every area, for each line and for all; what
    it adds up anew, and what the page of figures takes back from today's. Prints the count; how many figures differ."""
    tally, count = Tally(), moment.count
    app = create_app(Settings(data_dir=str(folder), database_url=database, env="demo"))
    with app.app_context():
        reader = _reader()
        for campaign in campaigns:
            metrics = [id for id in count.metrics if count.campaign_of(id) == campaign]
            lines = sorted({count.units[each["unit_id"]]["line"] for task in count.tasks.values()
                            if task["campaign_id"] == campaign for each in count.of_task[task["id"]]})  # fmt: skip
            for line in (None, *lines):
                found = {id: count.counted(id, line) for id in metrics}
                for area in sorted({area for each in found.values() for area in each}):
                    said = rollup_at(metrics, area, at=moment.at, lines=None if line is None else [Line(line)])
                    shown = _shown(campaign, area, line, reader, moment.at)
                    for id in metrics:
                        where, here = f"past metric {id} in {area}, line {line}", found[id].get(area) or Counted()
                        _same(tally, where, count, id, here, said[id])
                        if id in shown:
                            _same(tally, f"page of the {where}", count, id, here, shown[id])
                        else:
                            tally.same(f"page of the {where}", "not asked of anybody", 0, here.asked)
            db.session.rollback()
        db.session.remove()
        db.engine.dispose()
    print(f"{sum(tally.compared.values()):,} figures of {moment.at:%H:%M:%S} compared, {len(tally.wrong)} differences")
    for each in tally.wrong[:40]:
        print("  differs:", each)
    return len(tally.wrong)


def _reader() -> Actor:
    person = db.session.scalars(db.select(Person.id).where(Person.login == AUDITOR)).one()
    actor = actor_of(person, clock.local_today(clock.now()))
    assert actor is not None
    return actor


def _shown(campaign: int, area: int, line: int | None, reader: Actor, at: datetime) -> dict[int, RolledUp]:
    """What the page of figures takes for that moment, by metric."""
    asked, now = Asked(area, None if line is None else Line(line)), clock.now()
    page = figures_page(campaign, asked, actor=reader, now=now, today=clock.local_today(now), at=at, most=None)
    assert page.at == at
    return {row.metric.id: row.stand.rolled for row in page.rows}


def _same(tally: Tally, where: str, count: Tree, metric: int, here: Counted, said: RolledUp) -> None:
    for standing in Standing:
        sums, name = said.sums(standing), standing.name.lower()
        tally.same(where, f"{name}, units", sums.n, here.n[name])
        number_of, above, under = map(number, here.sums[name])
        if count.metrics[metric]["aggregation"] == SUM:
            alone = sums.credited if said.alone else Decimal(0)
            tally.same(where, f"{name}, sum", sums.number + alone, number_of)
        elif count.metrics[metric]["aggregation"] == RATIO:
            tally.same(where, f"{name}, parts", (sums.numerator, sums.denominator), (above, under))
    tally.same(where, "units that meet", said.units_met, here.met)
    if count.metrics[metric]["aggregation"] == SUM:
        own = None if here.own is None else number(here.own)
        tally.same(where, "target of its own", said.own_target, own)
