"""The cells of the matrix around reviews: undo, claims, remarks, flags, versions, many at once, random re-checks."""

from collections.abc import Callable, Iterator

from campaign.rules.organisation import Role
from campaign.rules.states import NOT_ASKED, State

from .matrix import OTHER, Thing, W, Who, World
from .matrix_case import MISSING, Case, Expect, anybody, role, thing_of
from .reviewed import CHECKER

DESK = (Role.SUPERVISOR, Role.DISPATCHER, Role.AUDITOR, Role.ADMINISTRATOR)
DRAWERS = (Role.DISPATCHER, Role.SUPERVISOR)
ASKED = (State.ACKNOWLEDGED, State.SUBMITTED, State.RETURNED, State.CANCELLED)  # the law itself knows them all
REPORTED = (State.SUBMITTED, State.RETURNED, State.APPROVED)
ELSEWHERE = Thing(place=f"{OTHER}/t0/v0", issuer=(OTHER, W), waits_at=(f"{OTHER}/t0", W), state=State.SUBMITTED)


def found(thing: Thing, act: Callable[[Who], int] = anybody) -> Expect:
    return lambda who: act(who) if who.sees(thing) else 404


def desk(act: Expect) -> Expect:
    return lambda who: act(who) if who.has(*DESK) else 403


def reviewing(world: World) -> Iterator[Case]:
    """Everything about reviews but the queue, the submission itself, approve and return."""
    asked = [(world.ids[state.name], thing_of(state)) for state in ASKED] + [(world.ids["foreign"], ELSEWHERE)]
    for id, thing in asked:
        given = {"values": {"id": id}, "twin": {"id": MISSING}, "label": f"{thing.state} {thing.place}"}
        post = given | {"method": "POST", "data": {"seen": "1", "remark": "请看第二页"}}
        late = 403 if thing.state in REPORTED else 409  # nobody has decided on any of them just now
        yield Case("reviews.undo", desk(found(thing, lambda _who, late=late: late)), **post)
        yield Case("reviews.claim", desk(found(thing, _decides(thing))), **post)
        yield Case("reviews.remark", found(thing, _remarks(thing)), **post)
        if thing.state is State.SUBMITTED:  # the same whatever the state
            yield Case("reviews.put_down", desk(found(thing, lambda _who: 303)), **post)
            yield Case("reviews.may", found(thing), **given)
            yield Case("reviews.versions", found(thing), **given)
    waiting = thing_of(State.SUBMITTED)
    flag = {"id": world.ids["SUBMITTED"], "flag_id": world.ids["flag"]}
    decides = desk(found(waiting, _decides(waiting)))
    yield Case("reviews.decide_flag", decides, flag, "POST", {"verdict": "2"}, flag | {"id": MISSING})
    yield Case("reviews.phrases", role(Role.SUPERVISOR))
    yield Case("reviews.keep_phrase", role(Role.SUPERVISOR, wins=303), method="POST", data={"words": "请补照片"})
    yield Case("reviews.remove_phrase", role(Role.SUPERVISOR, wins=303), {"id": 1}, "POST")
    yield Case("reviews.flag_counts", role(Role.AUDITOR, Role.ADMINISTRATOR))
    yield Case("reviews.export_flags", role(Role.AUDITOR, Role.ADMINISTRATOR), {"kind": "csv"})
    yield Case("reviews.many", role(Role.SUPERVISOR))
    yield Case("reviews.approve_them", role(Role.SUPERVISOR, wins=303), method="POST")
    yield Case("reviews.undo_many", role(Role.SUPERVISOR, wins=404), method="POST", data={"act": str(MISSING)})
    yield Case("reviews.export", role(Role.SUPERVISOR), {"kind": "csv"})


def _decides(thing: Thing) -> Expect:
    return lambda who: 409 if thing.state is not State.SUBMITTED else 303 if who.reviews(thing) else 403


def _remarks(thing: Thing) -> Expect:
    """The officer, the units that review or issue it; until something is reported nobody reviews."""
    above = (thing.place.rsplit("/", 1)[0], thing.line)

    def act(who: Who) -> int:
        issues = who.has(*DRAWERS) and who.stands_in(thing.issuer)
        reviews = thing.state in REPORTED and who.has(Role.SUPERVISOR) and who.stands_in(above)
        return (409 if thing.state in NOT_ASKED else 303) if who.reports(thing) or issues or reviews else 403

    return act


def rechecks(world: World) -> Iterator[Case]:
    """A draw is its issuer's, of who oversees the issuer, and of the unit that checks; nobody else's."""
    issuer = Thing().issuer

    def checks(who: Who) -> bool:
        return who.has(Role.OFFICER) and who.stands_in((CHECKER, W))

    def concerned(who: Who) -> int:
        overseen = who.has(Role.AUDITOR, Role.ADMINISTRATOR) and who.covers(*issuer)
        return 200 if checks(who) or overseen or (who.has(*DRAWERS) and who.stands_in(issuer)) else 404

    yield Case("rechecks.index", anybody)
    yield Case("rechecks.export", anybody, {"kind": "csv"})
    yield Case("rechecks.new", role(*DRAWERS))
    yield Case("rechecks.keep", role(*DRAWERS, wins=409), method="POST")
    sample = {"id": world.ids["sample"]}
    yield Case("rechecks.show", concerned, sample, twin={"id": MISSING})
    yield Case("rechecks.export_draw", concerned, sample | {"kind": "xlsx"}, twin={"id": MISSING, "kind": "xlsx"})
    item = sample | {"assignment_id": world.ids["APPROVED"]}
    gone = sample | {"assignment_id": MISSING}
    yield Case("rechecks.item", concerned, item, twin=gone)
    reports: Expect = lambda who: 303 if checks(who) else 404  # noqa: E731
    yield Case("rechecks.report", reports, item, "POST", {"result": "1"}, gone)
