"""The cells of the matrix for ladders, questions upwards and urging by hand."""

from collections.abc import Iterator

from campaign.rules.organisation import Role
from campaign.rules.states import State

from .matrix import COUNTY, TOWN, Thing, W, Who, World
from .matrix_case import MISSING, Case, Expect, role

DESK = (Role.SUPERVISOR, Role.DISPATCHER, Role.AUDITOR, Role.ADMINISTRATOR)
BOSSES, WRITERS = (Role.SUPERVISOR, Role.DISPATCHER), (Role.DISPATCHER, Role.ADMINISTRATOR)
ASKED = Thing(state=State.ACKNOWLEDGED)


def at_desk(roles: tuple[Role, ...], act: Expect) -> Expect:
    """403 for whoever has none of these roles."""
    return lambda who: act(who) if who.has(*roles) else 403


def ladders_and_questions(world: World) -> Iterator[Case]:
    """All of them."""
    yield from _ladders(world)
    yield from _questions(world)
    yield from _urging(world)


def _ladders(world: World) -> Iterator[Case]:
    """The default is everybody's; a ladder of the county's unit is for the units of its line there and below."""

    def in_sight(who: Who) -> bool:
        return who.post is not None and who.post[1] is W and (who.post[0] + "/").startswith(COUNTY + "/")

    def owns(who: Who) -> bool:
        return who.has(*WRITERS) and who.stands_in((COUNTY, W))

    yield Case("ladders.index", role(*DESK))
    yield Case("ladders.export", role(*DESK), {"kind": "csv"})
    yield Case("ladders.new", role(*WRITERS))
    yield Case("ladders.new", lambda _who: 403, method="POST", label="for no unit of theirs")
    default, own, none = {"id": 1}, {"id": world.ids["ladder"]}, {"id": MISSING}
    yield Case("ladders.show", role(*DESK), default, twin=none, label="the default")
    yield Case("ladders.show", at_desk(DESK, lambda who: 200 if in_sight(who) else 404), own, twin=none)
    for method, wins in (("GET", 200), ("POST", 422)):
        yield Case("ladders.edit", at_desk(WRITERS, lambda _who: 404), default, method, twin=none, label="the default")
        edits = at_desk(WRITERS, lambda who, wins=wins: wins if owns(who) else 404)
        yield Case("ladders.edit", edits, own, method, twin=none)


def _questions(world: World) -> Iterator[Case]:
    """Asked by the officer, answered by the unit that is asked or the one above it."""

    def seen(act: Expect) -> Expect:
        return lambda who: act(who) if who.sees(ASKED) else 404

    def answers(who: Who) -> bool:
        return who.has(*BOSSES) and (who.stands_in((TOWN, W)) or who.stands_in((COUNTY, W)))

    yield Case("questions.index", role(*BOSSES))
    yield Case("questions.export", role(*BOSSES), {"kind": "csv"})
    asked, one, none = {"id": world.ids["asked"]}, {"id": world.ids["question"]}, {"id": MISSING}
    for method, wins in (("GET", 200), ("POST", 422)):
        yield Case(
            "questions.ask", lambda who, wins=wins: wins if who.reports(ASKED) else 404, asked, method, twin=none
        )
    yield Case("questions.show", seen(lambda _who: 200), one, twin=none)
    words = {"words": "可以"}
    yield Case("questions.answer", seen(lambda who: 303 if answers(who) else 403), one, "POST", words, none)
    yield Case("questions.withdraw", seen(lambda who: 303 if who.reports(ASKED) else 403), one, "POST", {}, none)


def _asks(wins: int) -> Expect:
    return lambda who: wins if who.reports(ASKED) else 404


def _urging(world: World) -> Iterator[Case]:
    """Supervisors and dispatchers above the unit, and those of the issuing one."""
    one = {"id": world.ids[State.ACKNOWLEDGED.name]}  # no twin: the link to the other language repeats the query

    def reached(wins: int) -> Expect:
        return at_desk(BOSSES, lambda who: wins if who.covers(ASKED.place, W) or who.issues(ASKED) else 404)

    yield Case("urging.show", role(*BOSSES))
    yield Case("urging.show", reached(200), one, label="one")
    yield Case("urging.confirm", reached(303), one, "POST", {"words": "请抓紧"})
