"""The cells of the matrix for requests upwards."""

from collections.abc import Iterator

from campaign.rules.organisation import Role
from campaign.rules.states import State

from .matrix import COUNTY, Thing, W, Who, World
from .matrix_case import MISSING, Case, Expect, anybody

REQUESTED = Thing()


def requests(world: World) -> Iterator[Case]:
    """Asked by the officer, decided by the unit that issued it."""

    def seen(act: Expect) -> Expect:
        return lambda who: act(who) if who.sees(REQUESTED) else 404

    def decides(who: Who) -> bool:
        return who.has(Role.SUPERVISOR, Role.DISPATCHER) and who.stands_in((COUNTY, W))

    yield Case("requests.index", anybody)
    yield Case("requests.export", anybody, {"kind": "csv"})
    issued = world.ids[State.ISSUED.name]
    for wish in ("extension", "dispute", "not-applicable"):
        for method, wins in (("GET", 200), ("POST", 422)):
            yield Case(
                "requests.ask", lambda who, wins=wins: wins if who.reports(REQUESTED) else 404,
                {"id": issued, "wish": wish}, method, {}, {"id": MISSING, "wish": wish},
            )  # fmt: skip
    one, none = {"id": world.ids["request"]}, {"id": MISSING}
    yield Case("requests.show", seen(lambda _who: 200), one, twin=none)
    ruling = {"decision": "refuse", "words": "期限不宜再延"}
    yield Case("requests.decide", seen(lambda who: 303 if decides(who) else 403), one, "POST", ruling, none)
    yield Case("requests.consent", seen(lambda _who: 403), one, "POST", {}, none)
    yield Case("requests.withdraw", seen(lambda who: 303 if who.reports(REQUESTED) else 403), one, "POST", {}, none)
