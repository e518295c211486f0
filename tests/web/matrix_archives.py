"""The cells of the matrix for archives of ledgers."""

from collections.abc import Iterator

from campaign.rules.organisation import Role

from .matrix import VILLAGE, Thing, W, Who, World
from .matrix_case import MISSING, Case, anybody


def archives(world: World) -> Iterator[Case]:
    """A unit's own people and auditors who see it ask for its ledger; what was made is its asker's alone."""

    def asks(who: Who) -> int:
        own = who.stands_in((VILLAGE, W)) or (who.has(Role.AUDITOR) and who.sees(Thing()))
        return 303 if own else 404

    yield Case("archives.index", anybody)
    unit = {"what": f"u{world.units[VILLAGE, W]}"}
    yield Case("archives.ask", asks, method="POST", data=unit, label="of the village")
    yield Case("archives.ask", lambda _who: 404, method="POST", data={"what": f"u{MISSING}"}, label="of none")
    yield Case("archives.fetch", lambda _who: 404, {"id": MISSING})
