"""The statements of the sweep, written once for each database: putting them together costs more than running them.

Rows travel as one JSON text, so that a thousand of them make no longer statement than one.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    ColumnElement,
    Date,
    Insert,
    Select,
    String,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    true,
    tuple_,
    type_coerce,
)

from ..clock import local_today
from ..db import Instant, db, insert_new
from ..models import Assignment, Event, Firing, Notice, Post, Timer
from ..models.organisation import holds_on
from ..models.timing import TIMINGS
from .timers import TIMER

FIRING = ["assignment_id", "rung", "anchor_at", "skipped", "at", "run"]
EVENT = ["tag", "subject_id", "data", "at", "subject", "person_id", "reason"]
NOTICE = ["tag", "event_id", "assignment_id", "urgent", "person_id", "created_at"]
_T: Any = Timer.__table__.c
ALL = true()  # SQLite takes an ON after a SELECT without WHERE for that of a join
_NOW = bindparam("now", type_=Instant)


class Statements:
    """All of them for one kind of database."""

    def __init__(self, postgres: bool) -> None:
        self.postgres = postgres
        sweep = bindparam("sweep", type_=_T.sweep.type)
        due = _T.sweep == sweep, _T.fires_at <= _NOW
        self.anything_due = select(literal(1)).select_from(Timer.__table__).where(*due).limit(1)
        key = _T.sweep, _T.fires_at, _T.assignment_id
        self.due = select(*key).where(*due).order_by(*key).limit(bindparam("most", type_=BigInteger))
        self.claim = self._claim(key, self.due)
        self.claim_only = self._claim(key, self.due.where(_T.assignment_id.in_(self._ids())))
        self.timings = TIMINGS.where(Assignment.__table__.c.id.in_(self._ids())).order_by(Assignment.__table__.c.id)
        self.timings = self.timings.with_for_update(of=Assignment.__table__)
        firing: Any = Firing.__table__.c
        self.of_run = select(firing.assignment_id, firing.rung).where(
            firing.assignment_id.in_(self._ids()), firing.run == bindparam("run", type_=BigInteger)
        )
        at = bindparam("at", type_=Instant)
        run = bindparam("run", type_=BigInteger)
        fired = select(*self._rows(BigInteger, BigInteger, BigInteger, String), at, run).where(ALL)
        self.firings = insert_new(Firing).from_select(FIRING, fired)
        self.timers = insert_new(Timer).from_select(TIMER, select(*self._rows(*[BigInteger] * 5)).where(ALL))
        event: Any = Event.__table__
        system = bindparam("system", type_=BigInteger)
        rows = select(*self._rows(String, BigInteger, String), at, literal("assignment"), system, literal(""))
        self.events = insert(event).from_select(EVENT, rows).returning(event.c.subject_id, event.c.data, event.c.id)
        self.tell_posts = self._tell_posts()
        self.tell_people = insert_new(Notice).from_select(
            NOTICE, self._notice(self._rows(String, BigInteger, BigInteger, BigInteger, BigInteger))
        )

    def ids(self, ids: Iterable[int]) -> Any:
        """The value of the parameter `ids`."""
        return list(ids) if self.postgres else json.dumps(list(ids))

    def write(self, statement: Insert, rows: Sequence[tuple[Any, ...]], **values: Any) -> int:
        """Runs an insert of those rows; how many were new."""
        counted = statement.execution_options(preserve_rowcount=True)
        result: Any = db.session.execute(counted, {"rows": json.dumps(rows), **values})
        return int(result.rowcount)

    def returning(self, statement: Any, rows: Sequence[tuple[Any, ...]], **values: Any) -> list[Any]:
        """Runs an insert of those rows that returns something of each."""
        return list(db.session.execute(statement, {"rows": json.dumps(rows), **values}).tuples())

    def tell(self, posts: Sequence[tuple[Any, ...]], people: Sequence[tuple[Any, ...]], now: datetime) -> None:
        """Notices to those who hold these posts today, and to these people; once for an event."""
        if posts:
            self.write(self.tell_posts, posts, now=now, today=local_today(now))
        if people:
            self.write(self.tell_people, people, now=now)

    def _claim(self, key: Sequence[Any], due: Select[Any]) -> Any:
        chosen = tuple_(*key).in_(due.with_for_update(skip_locked=True))
        return delete(Timer.__table__).where(chosen).returning(_T.assignment_id, type_coerce(_T.after, BigInteger))  # type: ignore[arg-type]

    def _ids(self) -> Select[Any]:
        if self.postgres:
            from_array = func.unnest(cast(bindparam("ids"), ARRAY(BigInteger)))
            return select(from_array)
        each = func.json_each(bindparam("ids", type_=String)).table_valued("value")
        return select(type_coerce(each.c.value, BigInteger))

    def _rows(self, *kinds: Any) -> list[ColumnElement[Any]]:
        """The columns of the parameter `rows`."""
        if self.postgres:
            value = func.json_array_elements(cast(bindparam("rows", type_=String), JSON)).table_valued("value").c.value
            return [cast(value.op("->>")(at), kind) for at, kind in enumerate(kinds)]
        value = func.json_each(bindparam("rows", type_=String)).table_valued("value").c.value
        return [type_coerce(func.json_extract(value, f"$[{at}]"), kind()) for at, kind in enumerate(kinds)]

    def _notice(self, columns: list[ColumnElement[Any]]) -> Select[Any]:
        tag, event_id, assignment_id, urgent, person_id = columns
        return select(tag, event_id, assignment_id, urgent == 1, person_id, _NOW).where(ALL)

    def _tell_posts(self) -> Insert:
        *said, unit_id, role = self._rows(String, BigInteger, BigInteger, BigInteger, BigInteger, BigInteger)
        day: Any = bindparam("today", type_=Date)
        rows = self._notice([*said, Post.person_id]).join(  # type: ignore[list-item]
            Post, (Post.unit_id == unit_id) & (type_coerce(Post.role, BigInteger) == role) & holds_on(day)
        )
        return insert_new(Notice).from_select(NOTICE, rows.distinct())


@cache
def _written(postgres: bool) -> Statements:
    return Statements(postgres)


def statements() -> Statements:
    """The statements for the database in use."""
    return _written(db.session.get_bind().dialect.name == "postgresql")
