"""The cells of the matrix for baselines: only those who issue a campaign see and freeze them."""

from collections.abc import Iterator

from .matrix import Thing, World
from .matrix_case import MISSING, Case

LINES = {"lines": "", "source": "2025年底"}


def kinds(world: World) -> Iterator[Case]:
    """The baseline of a figure, its export, and freezing it."""
    issued = Thing()

    def issuers(wins: int):
        return lambda who: wins if who.issues(issued) else 404

    ids = {"id": world.ids["issued"], "metric_id": world.ids["metric"]}
    missing = {"id": MISSING, "metric_id": MISSING}
    yield Case("campaigns.baseline", issuers(200), ids, twin=missing)
    yield Case("campaigns.baseline_export", issuers(200), ids, twin=missing)
    yield Case("campaigns.baseline", issuers(303), ids, "POST", LINES, missing)
