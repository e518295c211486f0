"""The cells of the matrix for the pages of boards, metrics and units."""

from collections.abc import Iterator

from campaign.db import db
from campaign.models import Unit

from .matrix import VILLAGE, P, Thing, U, W, Who, World
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
    yield Case("metrics.units", sees, metric, twin={"id": MISSING})
    yield Case("metrics.units_export", sees, metric | csv, twin={"id": MISSING} | csv)
    unit, none = {"id": world.units[VILLAGE, W]}, {"id": MISSING}
    yield Case("units.show", covers(200), unit, twin=none)
    for name in ("assignments", "metrics"):
        yield Case(f"units.{name}", covers(200), unit | csv, twin=none | csv)
    area = db.session.get_one(Unit, world.units[VILLAGE, W]).area_id

    def leads(who: Who) -> int:
        return 303 if any(who.covers(VILLAGE, line) for line in (P, W, U)) else 404

    yield Case("units.of_area", leads, {"area": area}, twin={"area": MISSING})
    yield from comparison(world)


def comparison(world: World) -> Iterator[Case]:
    """Who sees the campaign reads whether units are compared; its issuer's dispatcher switches it."""
    for name, thing in (("issued", Thing()), ("draft", Thing(draft=True))):
        given = {"values": {"id": world.ids[name]}, "twin": {"id": MISSING}, "label": name}
        yield Case("comparison.show", lambda who, it=thing: 200 if who.sees_campaign(it) else 404, **given)
        ground = {"ground": "市委办〔2026〕3号文件第五条"}

        def switches(who: Who, it: Thing = thing) -> int:
            if not who.sees_campaign(it):
                return 404
            return (409 if it.draft else 303) if who.issues(it) else 403

        yield Case("comparison.switch", switches, method="POST", data=ground, **given)
    csv, metric = {"kind": "csv"}, {"id": world.ids["metric"]}
    yield Case(
        "comparison.of_metric", lambda who: 200 if who.sees_campaign(Thing()) else 404, metric, twin={"id": MISSING}
    )
    export = {"twin": {"id": MISSING} | csv}
    yield Case("comparison.export", lambda who: 200 if who.sees_campaign(Thing()) else 404, metric | csv, **export)
