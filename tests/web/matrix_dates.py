"""The cells of the matrix for occasions and for due dates that are moved by decision."""

from collections.abc import Iterator

from campaign.rules.states import State

from .matrix import Thing, Who, World
from .matrix_case import MISSING, Case, thing_of

LATER = {"on": "2027-04-20", "reason": "会期推迟", "seen": "1"}


def dates(world: World) -> Iterator[Case]:
    """Only those who issue a campaign see and move its occasions; whoever sees an assignment reads why it is due then,
    and only its issuer moves it."""
    issued, draft = Thing(), Thing(draft=True)

    def issuers(wins: int):
        return lambda who: wins if who.issues(issued) else 404

    def writes(wins: int):
        return lambda who: (wins if who.issues(draft) else 403) if who.sees_campaign(draft) else 404

    ids = {"id": world.ids["issued"], "occasion_id": world.ids["occasion"]}
    missing = {"id": MISSING, "occasion_id": MISSING}
    yield Case("campaigns.occasion", issuers(200), ids, twin=missing)
    yield Case("campaigns.occasion", issuers(303), ids, "POST", LATER, missing)
    of_draft = {"id": world.ids["draft"], "occasion_id": world.ids["draft occasion"]}
    yield Case("campaigns.occasion_delete", writes(303), of_draft, "POST", {"seen": "1"}, missing)
    yield Case("campaigns.occasion_new", writes(200), {"id": world.ids["draft"]}, twin={"id": MISSING})
    yield Case(
        "campaigns.occasion_new", writes(303), {"id": world.ids["draft"]}, "POST", {"name": "团代会"}, {"id": MISSING}
    )
    thing = thing_of(State.ACKNOWLEDGED)

    def extends(who: Who) -> int:
        if not who.sees(thing):
            return 404
        return 303 if who.issues(thing) else 403

    one = {"id": world.ids[State.ACKNOWLEDGED.name]}
    later = {"due_on": "2027-02-01", "reason": "大雪封山", "seen": "1"}
    yield Case("dating.move", lambda who: 200 if who.sees(thing) else 404, one, twin={"id": MISSING})
    yield Case("dating.move", extends, one, "POST", later, {"id": MISSING})
