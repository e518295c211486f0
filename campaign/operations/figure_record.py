"""The record of figures at a slot: a key is written whenever it is not as it was last recorded."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Subquery, and_, func, literal, literal_column, or_, select, type_coerce, union_all

from ..db import Instant, db, insert
from ..models import Figure, FigureCount
from ..models.climbing import SUMS

KEY = ("metric_id", "area_id", "line", "period")


def record_figures(slot: datetime, since: datetime) -> int:
    """Records every (metric, area, line, turn) touched after `since` whose figures differ from its last record; how
    many rows were written. The first record of a slot stands. What is pending must have been folded."""
    touched = select(*_key(Figure)).where(Figure.changed_at > since).distinct().subquery()
    changed = _changed(touched, slot)
    columns = (*KEY, "slot", "standing", *SUMS)
    taken = {name: getattr(Figure, name) for name in columns if name != "slot"}
    rows = (
        select(*(literal(slot, Instant()) if name == "slot" else taken[name] for name in columns))
        .join(changed, and_(*(left == right for left, right in zip(_key(Figure), _key(changed.c), strict=True))))
        .where(or_(changed.c.recorded.is_(None), changed.c.recorded < literal(slot, Instant())))
    )
    record = insert(FigureCount).from_select(list(columns), rows)
    written = db.session.execute(
        record.on_conflict_do_nothing(index_elements=[*KEY, "slot", "standing"]).returning(FigureCount.metric_id)
    )
    return len(written.all())


def _key(source: Any) -> list[Any]:
    return [getattr(source, name) for name in KEY]


def _changed(touched: Subquery, slot: datetime) -> Subquery:
    """The touched keys that are not as recorded before this slot, with the slot of their last record of all."""
    older, any_slot = FigureCount.__table__.alias("older"), FigureCount.__table__.alias("any_slot")

    def last(of: Any, before: bool) -> Any:
        same = [of.c[name] == touched.c[name] for name in KEY]
        found = select(func.max(of.c.slot)).where(*same).correlate(touched)
        return (found.where(of.c.slot < literal(slot, Instant())) if before else found).scalar_subquery()

    keys = select(touched, last(older, True).label("before"), last(any_slot, False).label("recorded")).subquery()
    zero = literal_column("0", BigInteger)

    def half(of: Any, sign: int, also: Any) -> Any:
        on = and_(*(getattr(of, name) == keys.c[name] for name in KEY), also)
        sums = ((type_coerce(getattr(of, name), BigInteger) * sign).label(name) for name in SUMS)
        return select(*(keys.c[name] for name in KEY), keys.c.recorded, of.standing, *sums).join(of, on)

    both = union_all(half(Figure, 1, zero == zero), half(FigureCount, -1, FigureCount.slot == keys.c.before)).subquery()
    each = (
        select(*(both.c[name] for name in KEY), both.c.recorded)
        .group_by(*(both.c[name] for name in KEY), both.c.recorded, both.c.standing)
        .having(or_(*(func.sum(both.c[name]) != 0 for name in SUMS)))
        .subquery()
    )
    return select(each).distinct().subquery()
