"""The board: units × tasks of a campaign with states and lights, exact at any moment.

It walks the tree as it was on the day of the campaign, along which its figures add up. Figures of an area come from the
tallies and what is not yet folded into them; those of a leaf from its assignments.
Four statements, whatever the size; five to search or to go back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, null, or_, select, union_all
from sqlalchemy import Row as Found
from sqlalchemy.orm import aliased

from ..db import Instant, db
from ..errors import NotFound, say
from ..models import Area, Campaign, CampaignUnit, Task, TaskLine, Unit
from ..models.climbing import below_at, moved_since, parent_at, standing_in
from ..rules.dates import Light
from ..rules.former_tree import FormerTree, read_moves
from ..rules.organisation import LEAF_LEVELS, Actor, Level, Line, Role
from ..rules.plans import CampaignStatus
from .board_figures import NOTHING_MOVED, OWN, URGENCY, Cell, Figures, Place, figures_of
from .scope import visible_campaigns

PAGE = 100
BY_AREA, BY_COVERAGE = "", "coverage"


@dataclass(frozen=True)
class Asked:
    """What the reader wants to see. `area_id`: None for the start; `sort`: '', 'coverage' or the id of a task as text.

    `after` and `before` are the `lft` of a row at the edge of another page.
    """

    area_id: int | None = None
    line: Line | None = None
    light: Light | None = None
    text: str = ""
    sort: str = BY_AREA
    after: int | None = None
    before: int | None = None
    whole: bool = False  # every row, for an export


@dataclass(frozen=True)
class Head:
    """The campaign as the board shows it. `mine`: one of the reader's units issues it; `dispatcher`: as dispatcher.
    `tree`: what moved since the campaign was issued at that instant (UTC; None for a draft)."""

    id: int
    title: str
    number: str | None
    status: CampaignStatus
    starts_on: date | None
    ends_on: date | None
    issuing_unit_id: int
    issuing_unit: str
    area_id: int
    lft: int
    rgt: int
    mine: bool = False
    dispatcher: bool = False
    compared_ground: str = ""
    issued_at: datetime | None = None
    tree: FormerTree = NOTHING_MOVED

    @property
    def moment(self) -> ColumnElement[Any]:
        """The moment whose tree is walked, for a statement."""
        return null() if self.issued_at is None else literal(self.issued_at, Instant())


@dataclass(frozen=True)
class Column:
    """A task, and the lines it is asked of."""

    id: int
    title: str
    due_on: date | None
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Row:
    """One area on the board. `kind`: 'total', 'own' (what the area's own units do), 'area' or 'leaf'."""

    place: Place
    kind: str
    cells: dict[int, Cell]
    whole: Cell

    @property
    def opens(self) -> bool:
        """Whether there is anything below it."""
        return self.kind in ("area", "leaf") and self.place.rgt > self.place.lft


@dataclass(frozen=True)
class Board:
    """The page: `above` are the areas from the highest that the reader sees down to the one shown."""

    head: Head
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    above: tuple[Place, ...]
    total: Row
    own: Row | None
    rows: tuple[Row, ...]
    count: int | None
    previous: int | None
    next: int | None
    trend_lines: tuple[Line, ...] | None


@dataclass(frozen=True)
class Window:
    """A stretch of the tree in which the reader sees these lines; None: all of them."""

    lft: int
    rgt: int
    lines: frozenset[Line] | None
    tree: FormerTree = NOTHING_MOVED

    def holds(self, place: Place) -> bool:
        """Whether the whole area lies in it, today or on the day of the campaign: who saw its figures still does."""
        return (self.lft <= place.lft and place.rgt <= self.rgt) or self.tree.holds((self.lft, self.rgt), place.lft)


def board(campaign_id: int, asked: Asked, *, actor: Actor, now: datetime) -> Board:
    """The board of a campaign for this reader. Raises NotFound for a campaign or an area outside their scope."""
    head = head_for(campaign_id, actor)
    windows = windows_of(head, actor)
    columns = _columns(campaign_id)
    ranked = asked.light is not None or asked.sort != BY_AREA
    every, onwards = ranked or asked.whole, not asked.text and asked.before is None
    most = 2**31 if every else PAGE + 1
    after = 0 if every else asked.after or 0
    chain, below = way_to(head, asked.area_id, actor, windows, below=most if onwards else 0, after=after)
    shown = chain[-1]
    lines, chosen = lines_of({line for column in columns for line in column.lines}, asked.line, shown, windows)
    children = below if onwards else _children(head, shown, asked, limit=None if every else most)
    page, previous, following = (children, None, None) if every else _cut(children, asked)
    figures = figures_of(shown, page, [column.id for column in columns], chosen, now, head.tree)
    rows = [_row(place, "leaf" if place.level in LEAF_LEVELS else "area", figures) for place in page]
    if ranked:
        rows = _ranked(rows, asked)
        if not asked.whole:
            rows, previous, following = _cut_ranked(rows, asked)
    own = _row(replace(shown, id=OWN), "own", figures)
    return Board(
        head=head,
        columns=columns,
        lines=lines,
        above=chain,
        total=_row(shown, "total", figures),
        own=replace(own, place=shown) if own.whole.every and rows else None,
        rows=tuple(rows),
        count=len(children) if every else None,
        previous=previous,
        next=following,
        trend_lines=chosen,
    )


def heads(actor: Actor) -> Select[Any]:
    """The campaigns that this reader sees, as `head_of` reads them; narrow it or add columns."""
    co_issues = (
        select(CampaignUnit.unit_id)
        .where(CampaignUnit.campaign_id == Campaign.id, CampaignUnit.unit_id.in_(actor.units()))
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            Campaign.id, Campaign.title, Campaign.number, Campaign.status, Campaign.starts_on, Campaign.ends_on,
            Campaign.issuing_unit_id, Unit.name, Area.id.label("area_id"), Area.lft, Area.rgt, co_issues.label("co"),
            Campaign.compared_ground, Campaign.issued_at, moved_since(Campaign.issued_at).label("moved"),
        )
        .join(Unit, Unit.id == Campaign.issuing_unit_id)
        .join(Area, Area.id == Unit.area_id)
        .where(visible_campaigns(actor))
    )  # fmt: skip


def head_for(campaign_id: int, actor: Actor) -> Head:
    """The campaign for this reader. Raises NotFound outside their scope."""
    return head_of(db.session.execute(heads(actor).where(Campaign.id == campaign_id)).one_or_none(), actor)


def head_of(row: Found[Any] | None, actor: Actor) -> Head:
    """The head in a row of `heads`. Raises NotFound where there is none."""
    if row is None:
        raise NotFound(say("There is no such campaign, or it is not yours to see."))
    issuers = {row.issuing_unit_id, row.co} - {None}
    return Head(
        id=row.id,
        title=row.title,
        number=row.number,
        status=row.status,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        issuing_unit_id=row.issuing_unit_id,
        issuing_unit=row.name,
        area_id=row.area_id,
        lft=row.lft,
        rgt=row.rgt,
        mine=bool(issuers & set(actor.units())),
        dispatcher=bool(issuers & set(actor.units(Role.DISPATCHER))),
        compared_ground=row.compared_ground,
        issued_at=row.issued_at,
        tree=read_moves(row.moved),
    )


def _columns(campaign_id: int) -> tuple[Column, ...]:
    rows = db.session.execute(
        select(Task.id, Task.title, Task.due_on, TaskLine.line)
        .outerjoin(TaskLine, TaskLine.task_id == Task.id)
        .where(Task.campaign_id == campaign_id)
        .order_by(Task.position, TaskLine.line)
    ).all()
    found: dict[int, Column] = {}
    for row in rows:
        column = found.setdefault(row.id, Column(row.id, row.title, row.due_on, ()))
        if row.line is not None:
            found[row.id] = replace(column, lines=(*column.lines, row.line))
    return tuple(found.values())


def windows_of(head: Head, actor: Actor) -> list[Window]:
    """Everybody sees the subtrees of their posts; who issues, all of the area for which it is issued."""
    if actor.is_system:
        return [Window(0, 2**31, None)]
    own = [
        Window(post.lft, post.rgt, None if post.line is Line.PARTY else frozenset({post.line}), head.tree)
        for post in actor.posts
    ]
    return [Window(head.lft, head.rgt, None, head.tree), *own] if head.mine else own


def lines_of(
    known: Iterable[Line], wanted: Line | None, place: Place, windows: Sequence[Window]
) -> tuple[tuple[Line, ...], tuple[Line, ...] | None]:
    """The lines among these that the reader sees in that area; and those that are shown, None for all."""
    found = [window.lines for window in windows if window.holds(place)]
    allowed = None if None in found else frozenset(line for lines in found if lines for line in lines)
    seen = tuple(line for line in sorted(known) if allowed is None or line in allowed)
    if wanted is not None:
        return seen, (wanted,) if wanted in seen else ()
    return seen, None if allowed is None else tuple(sorted(allowed))


def way_to(
    head: Head, area_id: int | None, actor: Actor, windows: Sequence[Window], *, below: int = 0, after: int = 0
) -> tuple[tuple[Place, ...], list[Place]]:
    """The area to show and those above it that the reader sees, from the highest down; and so many of the areas right
    below it that follow `after` in the order of the tree. One statement. Raises NotFound outside the reader's scope."""
    start: Select[tuple[int]]
    issuing = Place(head.area_id, "", Level.NATION, head.lft, head.rgt)
    if area_id is None and not any(window.holds(issuing) for window in windows):
        widest = min(actor.posts, key=lambda post: (post.level, post.lft))
        start = select(Unit.area_id).where(Unit.id == widest.unit_id)
    else:
        start = select(Area.id).where(Area.id == (area_id or head.area_id))
    columns = (Area.id, Area.name, Area.level, Area.lft, Area.rgt, Area.parent_id)
    chain = select(*columns, literal(0).label("up")).where(Area.id.in_(start)).cte("chain", recursive=True)
    above = parent_at(chain.c, head.moment) if head.tree.moves else chain.c.parent_id
    chain = chain.union_all(select(*columns, chain.c.up + 1).join(Area, above == Area.id))
    parts = [select(chain, literal(0).label("below"))]
    if below:
        inside = _right_below(head, start.scalar_subquery())
        lower = select(*columns, literal(0).label("up")).where(inside, Area.lft > after).order_by(Area.lft).limit(below)
        parts.append(select(lower.subquery(), literal(1).label("below")))
    every = union_all(*parts).subquery()
    found = (every.c.id, every.c.name, every.c.level, every.c.lft, every.c.rgt, _today(head, every.c.parent_id))
    rows = db.session.execute(
        select(*found, every.c.parent_id, every.c.below).order_by(every.c.below, every.c.up.desc(), every.c.lft)
    ).all()
    places = _places([row for row in rows if not row.below])
    if not places or not any(window.holds(places[-1]) for window in windows):
        raise NotFound(say("There is no such area, or it is not yours to see."))
    seen = [place for place in places if any(window.holds(place) for window in windows)]
    top = next((at for at, place in enumerate(seen) if place.id == head.area_id), 0)
    if head.mine or actor.is_system:  # the board of an issuer begins at the issuing area, not above it
        seen = seen[top:]
    return tuple(seen), [_placed(row, places[-1].id) for row in rows if row.below]


def _places(rows: Sequence[Found[Any]]) -> list[Place]:
    """The areas of a way, from the highest down."""
    uppers = [None, *(row.id for row in rows)]
    return [_placed(row, upper) for row, upper in zip(rows, uppers, strict=False)]


def _placed(row: Found[Any], upper: int | None) -> Place:
    """The area in a row, below that one on the day of the campaign."""
    today = "" if upper is None or row.parent_id == upper else row.today or ""
    return Place(row.id, row.name, row.level, row.lft, row.rgt, today)


def _right_below(head: Head, parent_id: Any) -> ColumnElement[bool]:
    """A clause over Area: it stood right below that one on the day of the campaign."""
    return below_at(parent_id, head.moment) if head.tree.moves else Area.parent_id == parent_id


def _today(head: Head, parent_id: Any) -> ColumnElement[Any]:
    """The name of the area below which one stands today, where any moved."""
    upper = aliased(Area)
    name = select(upper.name).where(upper.id == parent_id).correlate_except(upper).scalar_subquery()
    return (name if head.tree.moves else literal("")).label("today")


def _children(head: Head, shown: Place, asked: Asked, limit: int | None) -> list[Place]:
    """The areas right below; with a text, whatever matches anywhere below."""
    columns = (Area.id, Area.name, Area.level, Area.lft, Area.rgt, _today(head, Area.parent_id), Area.parent_id)
    query = select(*columns).limit(limit)
    if asked.text:
        sought = asked.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        matches = or_(Area.name.like(f"%{sought}%", escape="\\"), Area.code.like(f"{sought}%", escape="\\"))
        inside = standing_in(Area.lft, head.tree.stretches((shown.lft, shown.rgt)))
        query = query.where(inside, Area.id != shown.id, matches)
    else:
        query = query.where(_right_below(head, shown.id))
    if limit is not None and asked.before is not None:
        rows = db.session.execute(query.where(Area.lft < asked.before).order_by(Area.lft.desc())).all()[::-1]
    else:
        after = asked.after if limit is not None else None
        bound = query.where(Area.lft > after) if after is not None else query
        rows = db.session.execute(bound.order_by(Area.lft)).all()
    return [_placed(row, None if asked.text else shown.id) for row in rows]


def _cut(children: list[Place], asked: Asked) -> tuple[list[Place], int | None, int | None]:
    """One page in the order of the tree, and the keys of the pages beside it."""
    more = len(children) > PAGE
    if asked.before is not None:
        page = children[-PAGE:]
        return page, page[0].lft if more and page else None, page[-1].lft if page else None
    page = children[:PAGE]
    return page, page[0].lft if asked.after is not None and page else None, page[-1].lft if more else None


def _row(place: Place, kind: str, figures: Figures) -> Row:
    cells = figures.get(place.id, {})
    return Row(place, kind, cells, Cell.added(cells.values()))


def _ranked(rows: list[Row], asked: Asked) -> list[Row]:
    """The rows that show the light, the most urgent first where a column or the coverage is sorted."""
    if asked.light is not None:
        rows = [row for row in rows if row.whole.lights.get(asked.light)]
    if asked.sort == BY_COVERAGE:
        return sorted(rows, key=lambda row: (not row.whole.total, row.whole.share, row.place.lft))
    if asked.sort.isdecimal():
        task = int(asked.sort)
        return sorted(rows, key=lambda row: (*_urgency(row.cells.get(task)), row.place.lft))
    return rows


def _urgency(cell: Cell | None) -> tuple[int, ...]:
    """Sorts by the number of overdue, then of returned, and so on; nothing asked stands last."""
    if cell is None or not cell.total:
        return (1, *(0 for _light in URGENCY))
    return (0, *(-cell.lights.get(light, 0) for light in URGENCY))


def _cut_ranked(rows: list[Row], asked: Asked) -> tuple[list[Row], int | None, int | None]:
    places = [row.place.lft for row in rows]
    start = 0
    if asked.after in places:
        start = places.index(asked.after) + 1
    elif asked.before in places:
        start = max(0, places.index(asked.before) - PAGE)
    page = rows[start : start + PAGE]
    previous = page[0].place.lft if start and page else None
    return page, previous, page[-1].place.lft if start + PAGE < len(rows) else None
