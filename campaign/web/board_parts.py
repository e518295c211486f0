"""What the pages of a board share: what the address asks for, the way between them, and the pictures of states."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from ..queries.board import BY_AREA, BY_COVERAGE, Asked, Board, Head
from ..queries.board_figures import Cell, Place
from ..queries.history import trend
from ..rules.dates import Light
from ..rules.organisation import Line
from .access import page_now
from .assignments import LIGHTS
from .filters import day as day_words
from .filters import day_number, local, number, percent
from .pictures import Column, Series, Step, funnel, lines, spaced, split, stack

LONGEST_SEARCH = 60
SPANS = (7, 30, 90)  # days of a trend
MOST_LABELS = 5  # under a trend: more would touch each other on a phone
LINES = {line.name.lower(): line for line in Line}
BARS = ("approved", "pending", "returned", "missing")  # from the bottom up, as in the bar of coverage


@dataclass(frozen=True)
class Picture:
    """A picture with what stands behind it: its heading row and its rows."""

    drawn: Markup
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Then:
    """The tree of the day of issue, where it is another one than today's: how many areas left the one shown since, and
    how many came to it."""

    day: date
    left: int
    came: int


def as_of(head: Head, place: Place) -> Then | None:
    """What is to be said of the tree on a page of that area; None where nothing near it moved."""
    if head.issued_at is None:
        return None
    here = (place.lft, place.rgt)
    went = sum(not here[0] <= each.lft <= here[1] and head.tree.holds(here, each.lft) for each in head.tree.moves)
    came = sum(here[0] < each.lft <= here[1] and not head.tree.holds(here, each.lft) for each in head.tree.moves)
    return Then(local(head.issued_at).date(), went, came) if went or came or place.today else None


def asked_of(whole: bool = False) -> Asked:
    """What the address asks for; what it does not understand is left out."""
    given = request.args
    sort = given.get("sort", BY_AREA)
    return Asked(
        area_id=given.get("area", type=int),
        line=LINES.get(given.get("line", "")),
        light=LIGHTS.get(given.get("light", "")),
        text=given.get("q", "").strip()[:LONGEST_SEARCH],
        sort=sort if sort == BY_COVERAGE or (sort.isdecimal() and len(sort) < 19) else BY_AREA,
        after=given.get("after", type=int),
        before=given.get("before", type=int),
        whole=whole,
    )


def span() -> int:
    """How many days of the trend the address asks for."""
    wanted = request.args.get("days", type=int)
    return wanted if wanted in SPANS else SPANS[1]


def addresses(id: int, asked: Asked) -> Callable[..., str]:
    """A function that gives the address of a page of this board with some of what is asked changed; None takes it
    away."""
    kept: dict[str, Any] = {
        "area": asked.area_id,
        "line": asked.line.name.lower() if asked.line else None,
        "light": asked.light.name.lower() if asked.light else None,
        "q": asked.text or None,
        "sort": asked.sort or None,
        "days": span() if span() != SPANS[1] else None,
    }

    def address(endpoint: str = "", **changed: Any) -> str:
        if isinstance(changed.get("light"), Light):
            changed["light"] = changed["light"].name.lower()
        return url_for(endpoint or str(request.endpoint), id=id, **(kept | changed))

    return address


def tabs_of(address: Callable[..., str], current: str) -> list[tuple[str, None, str, bool]]:
    """The pages of a board; each keeps the area and the line."""
    alone: dict[str, Any] = {"light": None, "q": None, "sort": None}
    return [
        (text, None, address(endpoint, **alone), endpoint == current)
        for text, endpoint in (
            (_("Lights"), "board.show"), (_("Metrics"), "board.figures"), (_("Slowest"), "board.slowest"),
        )
    ]  # fmt: skip


def unit_of_area(area_id: int, asked: Asked, here: str) -> str:
    """The address of the page of the unit there, and back to here."""
    line = asked.line.name.lower() if asked.line else None
    return url_for("units.of_area", area=area_id, line=line, back=here)


def funnel_of(cell: Cell, where: str) -> Picture:
    """From the dispatch to the approval: how many came how far."""
    steps = (
        (_("Dispatched"), cell.total, "given"), (_("Signed for"), cell.signed, "given"),
        (_("Submitted"), cell.handed_in, "given"), (_("Approved"), cell.approved, "approved"),
    )  # fmt: skip
    drawn = [Step(word, n, _of(n, cell.total), kind) for word, n, kind in steps]
    told = _(", ").join(f"{step.word} {step.words}" for step in drawn)
    befores = [cell.total, *(n for _word, n, _kind in steps)]
    rows = tuple(
        (word, number(n), _percent(n, cell.total), _percent(n, before), number(before - n))
        for (word, n, _kind), before in zip(steps, befores, strict=False)
    )
    title = _("From dispatch to approval: %(area)s", area=where)
    return Picture(
        funnel("funnel", title, told, drawn),
        (_("Step"), _("Number"), _("Of all"), _("Of the step before"), _("Not yet")),
        rows,
    )


def states_of(days: list[tuple[date, Cell]], where: str) -> Picture:
    """How the states stood day by day, from the record."""
    named = set(spaced(len(days), MOST_LABELS))
    columns = [
        Column(tuple(zip(BARS, _parts(cell), strict=True)), day_number(day) if place in named else "")
        for place, (day, cell) in enumerate(days)
    ]
    (first, began), (last, ended) = days[0], days[-1]
    told = _(
        "On %(first)s %(was)s of the assignments were approved, on %(last)s %(now)s.",
        first=day_number(first), was=percent(began.share * 100), last=day_number(last), now=percent(ended.share * 100),
    )  # fmt: skip
    rows = tuple(
        (day_words(day), percent(cell.share * 100), *(number(n) for n in _parts(cell)), number(cell.total))
        for day, cell in reversed(days)
    )
    heads = (
        _("Day"), _("Approved share"), _("Approved"), _("In review"), _("Returned"), _("Missing"), _("Total"),
    )  # fmt: skip
    return Picture(stack("states", _("States over time: %(area)s", area=where), told, columns, number), heads, rows)


def _parts(cell: Cell) -> tuple[int, int, int, int]:
    return cell.approved, cell.pending, cell.returned, cell.missing


def days_of(shown: Board) -> list[tuple[date, Cell]]:
    """How the shown area stood at the last record of each of the last days; it stands until the next record."""
    now, most = page_now(), span()
    points = trend(
        [column.id for column in shown.columns], shown.total.place.id, shown.trend_lines,
        since=now - timedelta(days=most), until=now, daily=True,
    )  # fmt: skip
    recorded = [(local(point.slot).date(), point.states) for point in points]
    days: list[tuple[date, Cell]] = []
    at = -1
    for back in range(most - 1, -1, -1):
        day = local(now - timedelta(days=back)).date()
        while at + 1 < len(recorded) and recorded[at + 1][0] <= day:
            at += 1
        if at >= 0:
            days.append((day, Cell(recorded[at][1])))
    return days


def _of(n: int, whole: int) -> str:
    return f"{number(n)} · {_percent(n, whole)}"


def _percent(n: int, whole: int) -> str:
    return percent(n / whole * 100) if whole else percent(None)


def picture_samples(word: str) -> list[Picture]:
    """One picture of each shape, for the page of components."""
    days = [Column((("approved", n), ("pending", 3), ("returned", 2), ("missing", 15 - n)), "") for n in range(2, 12)]
    line = [Series("target", ((0, 80), (1, 80))), Series("expected", ((0, 20), (0.5, 20), (0.5, 60), (1, 60)))]
    line.append(Series("approved", ((0, 5), (0.3, 22), (0.6, 41)), dots=True))
    steps = [Step(word, n, _of(n, 62), kind) for n, kind in ((62, "given"), (48, "given"), (20, "approved"))]
    drawn = (
        funnel("sample-funnel", word, word, steps),
        stack("sample-stack", word, word, days, number),
        lines("sample-lines", word, word, line, [(0, word), (1, word)], number),
        split("sample-split", word, word, [("split", 812), ("kept", 20), ("gap", 18)]),
    )
    return [Picture(each, (word, word), ((word, number(1)),)) for each in drawn]
