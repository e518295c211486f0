"""The cells of the matrix for calendars."""

from collections.abc import Iterator
from typing import Any

from campaign.rules.organisation import Role

from .matrix import Who, World
from .matrix_case import MISSING, Case, Expect, role


def calendars(world: World) -> Iterator[Case]:
    """Everybody's is read by all who oversee and kept at the root; the county's is read in it and kept by its 党委."""
    read, change = (Role.ADMINISTRATOR, Role.AUDITOR), Role.ADMINISTRATOR

    def of_county(keeps: int | None, reads: int) -> Expect:
        def gets(who: Who) -> int:
            if not who.has(*read):
                return 403
            if who.name == "administrator of another subtree":
                return 404
            return keeps if keeps and who.name == "administrator inside" else reads

        return gets

    yield Case("admin.calendars", role(*read))
    yield Case("admin.calendars_export", role(*read), {"kind": "csv"})
    yield Case("admin.calendar_own", role(change, wins=422), method="POST")
    for own, id in ((False, 1), (True, world.ids["calendar"])):
        given: dict[str, Any] = {"twin": {"id": MISSING}, "label": "of the county" if own else "everybody's"}
        yield Case("admin.calendar", of_county(None, 200) if own else role(*read), {"id": id}, **given)
        export = given | {"twin": {"id": MISSING, "kind": "csv"}}
        reads = of_county(None, 200) if own else role(*read)
        yield Case("admin.calendar_export", reads, {"id": id, "kind": "csv"}, **export)
        for name in ("calendar_change", "calendar_import"):
            yield Case(f"admin.{name}", of_county(200, 403) if own else role(*read, wins=403), {"id": id}, **given)

            def changes(who: Who, own: bool = own) -> int:
                return of_county(422, 403)(who) if own and who.has(change) else 403

            yield Case(f"admin.{name}", changes, {"id": id}, "POST", **given)
