"""The cells of the matrix for the pages of boards, metrics and units."""

from collections.abc import Iterator

from campaign.db import db
from campaign.models import Unit

from .matrix import VILLAGE, Thing, W, Who, World
from .matrix_case import MISSING, Case


def boards(world: World) -> Iterator[Case]:
    """A metric is there for whom its campaign is; a unit for those whose post covers it."""
    csv, metric = {"kind": "csv"}, {"id": world.ids["metric"]}

    def sees(who: Who) -> int:
        return 200 if who.sees_campaign(Thing()) else 404

    def covers(wins: int):
        return lambda who: wins if who.covers(VILLAGE, W) else 404

    yield Case("metrics.show", sees, metric, twin={"id": MISSING})
    yield Case("metrics.export", sees, metric | csv, twin={"id": MISSING} | csv)
    unit, none = {"id": world.units[VILLAGE, W]}, {"id": MISSING}
    yield Case("units.show", covers(200), unit, twin=none)
    for name in ("assignments", "metrics"):
        yield Case(f"units.{name}", covers(200), unit | csv, twin=none | csv)
    area = db.session.get_one(Unit, world.units[VILLAGE, W]).area_id
    there = {"area": area, "line": "women"}
    yield Case("units.of_area", covers(303), there, twin={"area": MISSING, "line": "women"})
