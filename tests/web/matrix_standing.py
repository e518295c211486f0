"""The cells of the matrix for standing in, handing over, vacancies and the person in charge."""

from collections.abc import Iterator
from datetime import timedelta

from campaign.rules.organisation import Role
from campaign.rules.states import OPEN, State
from tests import make

from .matrix import COUNTY, LENT, OTHER, TOWN, VILLAGE, Thing, W, Who, World
from .matrix_case import MISSING, Case, Expect, role, thing_of

READERS = (Role.ADMINISTRATOR, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR)
HERE, FAR = Thing(), Thing(place=OTHER)


def standing(world: World) -> Iterator[Case]:
    """Whose post it is may lend it, and who administers it; both sides may end it."""
    yield Case("standing_in.index", lambda _who: 200)
    yield Case("standing_in.name", lambda _who: 422, method="POST")
    days = {"valid_from": make.TODAY.isoformat(), "valid_to": (make.TODAY + timedelta(days=3)).isoformat()}
    to = {"delegate_id": str(world.ids["officer of the party there"])}

    def lends(who: Who) -> int:
        mine = who.name == "officer of the unit" or (who.has(Role.ADMINISTRATOR) and who.covers(VILLAGE, W))
        return 303 if mine else 404

    for post, expect in ((world.ids["post"], lends), (MISSING, lambda _who: 404)):
        data = {"post": str(post), **to, **days}
        yield Case("standing_in.name", expect, method="POST", data=data, label=f"post {post == MISSING}")
    lent, holder = next(iter(LENT.items()))

    def ends(who: Who) -> int:
        return 303 if who.name in (lent, holder) else 404

    yield Case("standing_in.end", ends, {"id": world.ids["link"]}, "POST", twin={"id": MISSING})


def hand_overs(world: World) -> Iterator[Case]:
    """People whose posts an administrator moves; auditors read the pages, but move nothing."""

    def reached(thing: Thing, read: bool, wins: int) -> Expect:
        roles = (Role.ADMINISTRATOR, Role.AUDITOR) if read else (Role.ADMINISTRATOR,)
        return lambda who: (wins if who.oversees(thing) else 404) if who.has(*roles) else 403

    for name, thing in (("officer of the unit", HERE), ("dispatcher of another county", FAR)):
        given = {"values": {"id": world.ids[name]}, "twin": {"id": MISSING}, "label": name}
        for page in ("hand_over", "person_stand_in"):
            yield Case(f"admin.{page}", reached(thing, True, 200), **given)
            yield Case(f"admin.{page}", reached(thing, False, 422), **given | {"method": "POST"})
    holder = next(iter(LENT.values()))
    for whose, wins in ((holder, 303), ("officer of the unit", 404)):
        ids = {"id": world.ids[whose], "link_id": world.ids["link"]}
        thing = Thing(place=TOWN) if whose == holder else HERE
        yield Case("admin.person_stand_in_end", reached(thing, False, wins), ids, "POST",
                   twin=ids | {"link_id": MISSING}, label=whose)  # fmt: skip


def vacancies(world: World) -> Iterator[Case]:
    """Gaps are seen from the desk; what waits at a unit within one's scope, and moved by who reviews or dispatches."""
    yield Case("vacancies.index", role(*READERS))
    yield Case("vacancies.export", role(*READERS), {"kind": "csv"})
    for place in (TOWN, COUNTY, f"{OTHER}/t0"):
        ids = {"unit_id": world.units[place, W]}

        def sees(who: Who, place: str = place) -> int:
            return (200 if who.covers(place, W) else 404) if who.has(*READERS) else 403

        def moves(who: Who, sees: Expect = sees) -> int:
            return sees(who) if sees(who) != 200 else 422 if who.has(Role.SUPERVISOR, Role.DISPATCHER) else 403

        yield Case("vacancies.show", sees, ids, twin={"unit_id": MISSING}, label=place)
        yield Case("vacancies.move_up", moves, ids, "POST", twin={"unit_id": MISSING}, label=place)


def in_charge(world: World) -> Iterator[Case]:
    """Named by the people of the unit, while it is open."""
    for state in State:
        thing = thing_of(state)

        def names(who: Who, thing: Thing = thing, open: bool = state in OPEN) -> int:
            return 404 if not who.sees(thing) else 403 if not who.reports(thing) else 303 if open else 409

        ids, data = {"id": world.ids[state.name]}, {"seen": "1", "person_id": ""}
        yield Case("in_charge.name", names, ids, "POST", data, {"id": MISSING}, label=str(state))


def all_of_it(world: World) -> Iterator[Case]:
    """Every cell of this module."""
    for part in (standing, hand_overs, vacancies, in_charge):
        yield from part(world)
