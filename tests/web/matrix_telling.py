"""The cells of the matrix for how people are told: one's own wishes and calendar, and what gave up."""

from collections.abc import Iterator

from campaign.rules.organisation import Role
from campaign.rules.telling import Channel

from .matrix import Thing, Who, World
from .matrix_case import MISSING, Case, anybody, role


def telling(world: World) -> Iterator[Case]:
    """Everybody's own pages; letters that gave up belong to the administrators of their receiver."""
    yield Case("preferences.messages", anybody)
    yield Case("preferences.messages", lambda _who: 422, method="POST", data={"digest_at": "1"})
    yield Case("preferences.test", lambda _who: 409, {"number": int(Channel.WEBHOOK)}, "POST")  # it is not set up
    yield Case("feed.page", anybody)
    yield Case("inbox.messages_export", anybody, {"kind": "csv"})
    yield Case("feed.make", lambda _who: 303, method="POST")
    yield Case("feed.calendar", lambda _who: 404, {"token": "nobodys"})
    yield Case("feed.end", lambda _who: 303, method="POST")
    none = {"channel": str(int(Channel.WEBHOOK))}
    yield Case("admin.resend_all", role(Role.ADMINISTRATOR, wins=409), method="POST", data=none)

    def discards(who: Who) -> int:
        return (303 if who.oversees(Thing()) else 404) if who.has(Role.ADMINISTRATOR) else 403

    sent, reason = {"id": world.ids["delivery"]}, {"reason": "该同志已离职"}
    yield Case("admin.discard", discards, sent, "POST", reason, {"id": MISSING})
