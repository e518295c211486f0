"""Adding up the tree: rows about units become rows about every area above them, as a SELECT for folder and readers.

A campaign is added up along the tree as it was when it was issued: an area that was moved later still counts below
its former parent there.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    ScalarSelect,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from ..db import db, flush_pending, run
from ..rules.former_tree import Stretch
from ..rules.organisation import LEAF_LEVELS
from .campaigns import Campaign, Metric, Task
from .organisation import Area, Placement, Unit

Rows = CompoundSelect[Any] | Select[Any]
STRETCH = ("id", "lft", "rgt")
MOST_NAMED = 20  # so many stretches stand in a statement themselves; SQLite refuses a thousand of them


def issued_for_task(row: Any) -> ScalarSelect[Any]:
    """When the campaign of the row's `task_id` was issued."""
    plan, task = aliased(Campaign), aliased(Task)
    found = select(plan.issued_at).join(task, task.campaign_id == plan.id).where(task.id == row.task_id)
    return found.correlate_except(plan, task).scalar_subquery()


def issued_for_metric(row: Any) -> ScalarSelect[Any]:
    """When the campaign of the row's `metric_id` was issued."""
    plan, task, metric = aliased(Campaign), aliased(Task), aliased(Metric)
    found = select(plan.issued_at).join(task, task.campaign_id == plan.id).join(metric, metric.task_id == task.id)
    return found.where(metric.id == row.metric_id).correlate_except(plan, task, metric).scalar_subquery()


@dataclass(frozen=True)
class Shape:
    """What is added up: `keys` beside area and line, `sums`, and when the campaign of a row was issued."""

    keys: tuple[str, ...]
    sums: tuple[str, ...]
    issued: Callable[[Any], ScalarSelect[Any]]


TALLY = Shape(("task_id", "state", "due", "behind"), ("n",), issued_for_task)
ASKED = Shape(("task_id", "period"), ("n",), issued_for_task)
SUMS = ("n", "met", "number", "numerator", "denominator", "credited")
FIGURE = Shape(("metric_id", "period", "standing"), SUMS, issued_for_metric)


_MOVED = select(exists().select_from(Placement))


def anything_moved() -> bool:
    """Whether any area ever stood elsewhere; where none did, climbing need not look for former places."""
    flush_pending()
    return bool(run(_MOVED, {}).scalar_one())


def parent_at(area: Any, moment: ColumnElement[Any]) -> ColumnElement[int | None]:
    """The parent that the area had at that moment."""
    former = aliased(Placement)
    then = (
        select(former.parent_id)
        .where(former.area_id == area.id, former.until > moment)
        .order_by(former.until)
        .limit(1)
        .correlate_except(former)
        .scalar_subquery()
    )
    return func.coalesce(then, area.parent_id)


def stayed_since(area: Any, moment: Any) -> ColumnElement[bool]:
    """A clause: the area was not moved since that moment; its parent of today is the one it had."""
    former = aliased(Placement)
    return ~exists().where(former.area_id == area.id, former.until > moment).correlate_except(former)


def stood_there(former: Any, moment: Any) -> ColumnElement[bool]:
    """A clause: this former placement is where its area stood at that moment."""
    sooner = aliased(Placement)
    earlier = exists().where(sooner.area_id == former.area_id, sooner.until > moment, sooner.until < former.until)
    return and_(former.until > moment, ~earlier.correlate_except(sooner))


def below_at(parent_id: Any, moment: Any) -> ColumnElement[bool]:
    """A clause over Area: it stood right below that parent at that moment; NULL is now."""
    child, former = aliased(Area), aliased(Placement)
    stayed = select(child.id).where(child.parent_id == parent_id, stayed_since(child, moment))
    left = select(former.area_id).where(former.parent_id == parent_id, stood_there(former, moment))
    return Area.id.in_(stayed.union_all(left))


def moved_since(moment: Any) -> ScalarSelect[str | None]:
    """What moved since that moment, as `rules.former_tree.read_moves` reads it; NULL for nothing. A column, so that
    who asks for a campaign hears of it in the same statement."""
    former, area, parent = aliased(Placement), aliased(Area), aliased(Area)
    numbers = [cast(one, String) for one in (area.id, area.lft, area.rgt, parent.id, parent.lft)]
    colon = literal(":")
    text = numbers[0] + colon + numbers[1] + colon + numbers[2] + colon + numbers[3] + colon + numbers[4]
    return (
        select(func.aggregate_strings(text, ","))
        .select_from(former)
        .join(area, area.id == former.area_id)
        .join(parent, parent.id == former.parent_id)
        .where(stood_there(former, moment))
        .correlate_except(former, area, parent)
        .scalar_subquery()
    )


def standing_in(column: Any, stretches: Iterable[Stretch]) -> ColumnElement[bool]:
    """A clause: the `lft` of a unit or area lies in one of these stretches of `FormerTree.stretches`."""
    there = list(stretches)
    if len(there) <= MOST_NAMED:
        return or_(false(), *(column.between(lft, rgt) for lft, rgt in there))
    rows = stretch_rows((0, *each) for each in there)
    return exists().where(column.between(rows.c.lft, rows.c.rgt))


def stretch_rows(rows: Iterable[tuple[int, int, int]]) -> CTE:
    """Stretches as rows (id, lft, rgt) of a table. `id`: whose stretch it is."""
    return rows_of(STRETCH, rows).cte()


def rows_of(names: Sequence[str], rows: Iterable[Sequence[int]]) -> Select[Any]:
    """Whole numbers as rows of a table with columns of these names, out of a few parameters: however many rows there
    are, the statement is no longer."""
    found = [list(row) for row in rows]
    if db.session.get_bind().dialect.name == "postgresql":
        lists = (literal([row[at] for row in found], ARRAY(BigInteger)) for at in range(len(names)))
        each = func.unnest(*lists).table_valued(*names, name="each").render_derived()
        return select(*(each.c[name] for name in names))
    value = func.json_each(json.dumps(found)).table_valued("value").c.value
    numbers = (type_coerce(func.json_extract(value, f"$[{at}]"), BigInteger) for at in range(len(names)))
    return select(*(number.label(name) for number, name in zip(numbers, names, strict=True)))


def climbed(base: Rows, shape: Shape, *, moved: bool) -> Select[Any]:
    """Rows (keys, unit_id, sums) added up for every area from the unit's own upwards, without leaves: columns keys,
    area_id, line, sums. What adds up to nothing is left out. `moved`: some area stood elsewhere once."""
    climb = climbing(base, shape, moved=moved)
    key = [climb.c[name] for name in (*shape.keys, "area_id", "line")]
    totals = [func.sum(climb.c[name]) for name in shape.sums]
    return (
        select(*key, *(total.label(name) for total, name in zip(totals, shape.sums, strict=True)))
        .join(Area, Area.id == climb.c.area_id)
        .where(Area.level.not_in(LEAF_LEVELS))
        .group_by(*key)
        .having(or_(*(total != 0 for total in totals)))
    )


def climbing(base: Rows, shape: Shape, *, moved: bool) -> CTE:
    """The same before it is added up: each row once for every area on its way to the top."""
    rows = base.subquery()
    above = parent_at(Area, shape.issued(rows.c)) if moved else Area.parent_id
    start = case((Area.level.in_(LEAF_LEVELS), above), else_=Area.id)
    placed = (
        select(*(rows.c[name] for name in (*shape.keys, *shape.sums)), start.label("area_id"), Unit.line.label("line"))
        .join(Unit, Unit.id == rows.c.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .subquery()
    )
    key = [placed.c[name] for name in ("area_id", *shape.keys, "line")]  # neighbours come together, and sort quickly
    first = (
        select(*key, *(func.sum(placed.c[name]).label(name) for name in shape.sums))
        .group_by(*key)
        .cte(recursive=True)  # anonymous: a statement may climb twice
    )
    upper = aliased(Area)
    parent = parent_at(upper, shape.issued(first.c)) if moved else upper.parent_id
    columns = [parent.label("area_id") if column.name == "area_id" else column for column in first.c]
    return first.union_all(
        select(*columns).join(upper, upper.id == first.c.area_id).where(upper.parent_id.is_not(None))
    )
