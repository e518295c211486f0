"""Moving the day of an occasion on which very many due dates depend, against a plain UPDATE of the same rows."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import count

from campaign.clock import zone
from campaign.db import db, micros, unit_of_work
from campaign.operations.occasions import move_occasion
from campaign.rules.dates import end_of_day

from . import country, dispatching
from .figures import Figure, against
from .stages import Stage
from .world import NOW, dispatcher, stretch

GOAL = 3.0
CONGRESS = date(2026, 12, 21)  # the day before it is due
OCCASION = (
    "INSERT INTO occasion (id, campaign_id, position, name, happens_on, version) VALUES (1, 2, 1, '党代会', :on, 1)"
)
BOUND = "UPDATE task SET due_kind = 3, due_on = NULL, due_days = -1, occasion_id = 1 WHERE id = 2"
PLAIN = "UPDATE assignment SET due_at = :due WHERE task_id = 2 AND state IN (1, 2, 3, 4)"
UNBOUND = "UPDATE task SET due_kind = 1, due_on = '2026-12-20', occasion_id = NULL WHERE id = 2"


def measure(stage: Stage, shape: Sequence[int], *, rounds: int) -> Iterator[Figure]:
    """The units of a province have a task whose date hangs on a congress; each run moves it by a day more."""
    stage.reset()
    with stage.raw() as raw:
        raw.run(OCCASION, on=CONGRESS if raw.postgres else CONGRESS.isoformat())
        raw.run(BOUND)
    dispatching.by_product(stage, country.PROVINCE)
    days = (CONGRESS + timedelta(days=number) for number in count(1))
    versions = count(1)

    def product() -> None:
        with unit_of_work():
            moved = move_occasion(1, next(days), "会期推迟", actor=actor, now=NOW, seen=next(versions))
        assert sum(each.items for each in moved) == part.items
        db.session.remove()

    def limit() -> None:
        with stage.raw() as raw:
            raw.begin()
            raw.run(PLAIN, due=due())
            raw.commit()

    def due() -> int:
        """The date that they have: the limit moves nothing from its place, so that the product finds what it left."""
        with stage.raw() as raw:
            return int(raw.run("SELECT due_at FROM assignment WHERE task_id = 2 LIMIT 1").fetchone()[0])

    part = stretch(shape, country.PROVINCE)
    with stage.app.app_context():
        actor = dispatcher(country.PROVINCE)
        assert due() == micros(end_of_day(CONGRESS - timedelta(days=1), zone()))
        pair = against(limit, product, rounds=rounds)
        db.session.remove()
    stage.reset()
    with stage.raw() as raw:
        raw.run(UNBOUND)
        raw.run("DELETE FROM occasion")
    yield Figure(stage.name, f"moving the date of {part.items:,}", pair.ratio, "x", GOAL, pair.detail)
