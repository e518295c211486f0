"""The cells of the matrix for recurring tasks."""

from collections.abc import Iterator

from .matrix import Thing, Who, World
from .matrix_case import MISSING, Case


def periods(world: World) -> Iterator[Case]:
    """Whoever sees the campaign sees its periods; its dispatcher ends the series."""
    ids = {"id": world.ids["recurring"], "task_id": world.ids["recurring task"]}
    missing, thing = {"id": MISSING, "task_id": MISSING}, Thing()

    def sees(who: Who) -> int:
        return 200 if who.sees_campaign(thing) else 404

    def ends(who: Who) -> int:
        if not who.sees_campaign(thing):
            return 404
        return 303 if who.issues(thing) else 403

    for name, more in (("show", {}), ("export", {"kind": "csv"}), ("units", {"number": 1}),
                       ("units_export", {"number": 1, "kind": "csv"})):  # fmt: skip
        yield Case(f"periods.{name}", sees, ids | more, twin=missing | more)
    yield Case("periods.end", ends, ids, "POST", {"reason": "改按月报送"}, missing)
    plain = {"id": world.ids["issued"], "task_id": world.ids["task ISSUED"]}
    yield Case("periods.show", lambda _who: 404, plain, twin=missing, label="of a task that does not recur")
