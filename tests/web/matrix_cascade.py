"""The cells of the matrix for splitting, the tree of targets, registers and responsibility letters."""

from collections.abc import Iterator

from campaign.rules.organisation import Role

from .matrix import COUNTY, Thing, W, Who, World
from .matrix_case import MISSING, Case

OURS = Thing(place=COUNTY, issuer=("city", W))  # an assignment of the county's unit, which has a dispatcher


def cascade(world: World) -> Iterator[Case]:
    """Whoever sees an assignment sees what came of it; a dispatcher of its unit splits it."""
    id, twin = {"id": world.ids["county's"]}, {"id": MISSING}

    def sees(who: Who, wins: int = 200) -> int:
        return wins if who.sees(OURS) else 404

    def splits(who: Who, wins: int, others: int) -> int:
        own = who.has(Role.DISPATCHER) and who.stands_in((OURS.place, OURS.line))
        return (wins if own else others) if who.sees(OURS) else 404

    yield Case("cascading.show", lambda who: splits(who, 200, 303), id, twin=twin)
    yield Case("cascading.save", lambda who: splits(who, 422, 403), id, "POST", {"seen": "0"}, twin)
    yield Case("cascade_tree.below", lambda who: sees(who, 303), id, twin=twin)
    yield Case("cascade_tree.versions", sees, id, twin=twin)
    yield from _tasks(world)
    yield from _registers(world)
    yield from _letters(world)


def _tasks(world: World) -> Iterator[Case]:
    """The total of a task is split by its issuer; its tree is for all who see the campaign."""
    both = {"id": world.ids["issued"], "task_id": world.ids["task ISSUED"]}
    thing, missing = Thing(), {"id": MISSING, "task_id": MISSING}

    def sees(who: Who) -> int:
        return 200 if who.sees_campaign(thing) else 404

    yield Case("cascading.show_task", lambda who: 200 if who.issues(thing) else 404, both, twin=missing)
    yield Case(
        "cascading.save_task", lambda who: 422 if who.issues(thing) else 404, both, "POST", {"seen": "0"}, missing
    )
    yield Case("cascade_tree.show", sees, both, twin=missing)
    yield Case("cascade_tree.task_versions", sees, both, twin=missing)
    csv = {"kind": "csv"}
    yield Case("cascade_tree.export", sees, both | csv, twin=missing | csv)


def _registers(world: World) -> Iterator[Case]:
    """A register of the county's unit: read above, beside and below it in its line, changed by its dispatchers."""
    id, twin = {"id": world.ids["register"]}, {"id": MISSING}
    desk = (Role.SUPERVISOR, Role.DISPATCHER, Role.AUDITOR, Role.ADMINISTRATOR)
    thing = Thing(place=COUNTY, issuer=(COUNTY, W))

    def sees(who: Who) -> bool:
        below = who.post is not None and f"{who.post[0]}/".startswith(f"{COUNTY}/") and who.post[1] is W
        return who.covers(COUNTY, W) or below

    def keeps(who: Who) -> int:
        return (409 if who.issues(thing) else 403) if sees(who) else 404

    yield Case("registers.index", lambda who: 200 if who.has(*desk) else 403)
    yield Case("registers.new", lambda who: 200 if who.has(Role.DISPATCHER) else 403)
    other = {"unit": str(world.units[COUNTY, W]), "name": "在册妇女"}
    taken = {**other, "name": "另一名册"}
    yield Case(
        "registers.create", lambda who: 303 if who.issues(thing) else 403, method="POST", data=taken, label="new"
    )
    yield Case("registers.show", lambda who: 200 if sees(who) else 404, id, twin=twin)
    yield Case("registers.save", keeps, id, "POST", {"op": "save"}, twin)
    csv = {"kind": "csv"}
    yield Case("registers.export", lambda who: 200 if sees(who) else 404, id | csv, twin=twin | csv)


def _letters(world: World) -> Iterator[Case]:
    """Whoever sees an assignment reads its letter; each side signs its own."""
    id, twin = {"id": world.ids["county's"]}, {"id": MISSING}
    held = {"id": world.ids["letter"]}
    head = (Role.SUPERVISOR, Role.OFFICER, Role.DISPATCHER)

    def sees(who: Who, wins: int = 200) -> int:
        return wins if who.sees(OURS) else 404

    def own(who: Who) -> bool:
        return who.has(*head) and who.stands_in((OURS.place, OURS.line))

    yield Case("letters.index", lambda _who: 200)
    yield Case("letters.export", lambda _who: 200, {"kind": "csv"})
    yield Case("letters.of_assignment", lambda who: sees(who, 303), id, twin=twin)
    yield Case("letters.make", lambda who: sees(who, 409 if own(who) else 403), id, "POST", {}, twin)
    yield Case("letters.show", sees, held, twin=twin)
    signed = {"party": "2", "digest": world.letter_digest}
    yield Case("letters.sign_it", lambda who: sees(who, 303 if own(who) else 403), held, "POST", signed, twin)
