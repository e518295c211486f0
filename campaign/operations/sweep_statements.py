"""The statements of the sweep, for each of the two databases: this path is the hottest of all, so it is plain SQL.

Assignments travel in groups that the law decides alike. `ids` holds the ids of each group, `said` rows whose first
place names the group; so a thousand assignments make no longer statement than one, and never become objects.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

from sqlalchemy import TextClause, text

from ..clock import local_today
from ..db import db, micros, run
from ..models.ladders import EVERYBODYS
from ..models.timing import DECISIVE as STANDING
from ..models.timing import MOMENTS

DUE = """
SELECT {columns} FROM timer
WHERE sweep = :sweep AND fires_at <= :now {only} ORDER BY sweep, fires_at, assignment_id LIMIT :most
"""
ANYTHING_DUE = text("SELECT 1 FROM timer WHERE sweep = :sweep AND fires_at <= :now LIMIT 1")
KEY = "sweep, fires_at, assignment_id"
DECISIVE = (*STANDING, "after")
COLUMNS = f"""
a.state, {", ".join(f"a.{name}" for name in MOMENTS)}, k.grade, coalesce(b.ladder_id, 1) AS ladder_id,
coalesce(b.calendar_id, {EVERYBODYS}) AS calendar_id, t.after
"""
JOINED = """
JOIN assignment AS a ON a.id = t.assignment_id JOIN task AS k ON k.id = a.task_id JOIN batch AS b ON b.id = a.batch_id
"""
GROUPED = ", ".join(str(at + 1) for at in range(len(DECISIVE)))

# SQLite has one writer, so that what is read first is still there when it is deleted.
SQLITE_FIND = f"SELECT {COLUMNS}, json_group_array(a.id) AS ids FROM ({{due}}) AS t {JOINED} GROUP BY {GROUPED}"
SQLITE_TAKE = "DELETE FROM timer WHERE (sweep, fires_at, assignment_id) IN ({due})"
# On PostgreSQL what somebody else claims is passed over; the assignments are locked, so that whoever approves one in
# the same instant comes before or after, never between. Arrays lead from the few to the rest by place and by key, where
# a join might read a whole table, whatever the statistics say.
POSTGRES_CLAIM = f"""
WITH taken AS MATERIALIZED ({{due}} FOR UPDATE SKIP LOCKED),
gone AS (DELETE FROM timer WHERE ctid = ANY (ARRAY(SELECT place FROM taken))),
held AS (
    SELECT a.id, {COLUMNS} FROM taken AS t {JOINED}
    WHERE a.id = ANY (ARRAY(SELECT assignment_id FROM taken)) ORDER BY a.id FOR UPDATE OF a
)
SELECT {", ".join(DECISIVE)}, CAST(json_agg(id) AS text) AS ids FROM held GROUP BY {GROUPED}
"""

# CROSS JOIN keeps SQLite to the order as written: from the few that are named to what belongs to them.
SQLITE_ROWS = """
json_each(:ids) AS g CROSS JOIN json_each(:said) AS s ON json_extract(s.value, '$[0]') = g.key
CROSS JOIN json_each(g.value) AS i
"""
POSTGRES_ROWS = """
unnest(CAST(:ids AS bigint[]), CAST(:groups AS int[]), CAST(:events AS bigint[])) AS i(value, g, event)
JOIN json_array_elements(CAST(:said AS json)) AS s(value) ON CAST(s.value ->> 0 AS int) = i.g
"""
FIRINGS = """
INSERT INTO firing (assignment_id, rung, anchor_at, skipped, at, run)
SELECT i.value, {int1}, {int2}, {text3}, :at, :run FROM {rows} WHERE true ON CONFLICT DO NOTHING
"""
EVENTS = """
INSERT INTO event (id, at, tag, subject, subject_id, person_id, reason, data)
SELECT {event}, :at, {text1}, 'assignment', i.value, :system, '', {text3} FROM {rows} WHERE true
"""
TIMERS = """
INSERT INTO timer (sweep, fires_at, assignment_id, rung, after)
SELECT {int1}, {int2}, i.value, {int3}, {int4} FROM {rows} WHERE true ON CONFLICT DO NOTHING
"""
# In the rows of events: group, tag, the first event of the group, data.
# In the rows of those who are told: group, tag, first event, urgent, unit (0: the assignment's, -1: its reviewer's),
# role, and whether they are told only where nobody is in charge.
TOLD = """
INSERT INTO notice (tag, event_id, person_id, assignment_id, created_at, urgent)
SELECT {text1}, {event}, {who}, a.id, :at, {int3} = 1 FROM {rows}
{then} assignment AS a ON a.id = i.value
{join} WHERE {where} ON CONFLICT DO NOTHING
"""
HOLDERS = """
{then} post AS p ON p.role = {int5} AND p.disabled_at IS NULL AND p.valid_from <= :today
    AND (p.valid_to IS NULL OR p.valid_to >= :today)
    AND p.unit_id = CASE {int4} WHEN 0 THEN a.unit_id WHEN -1 THEN a.reviewer_unit_id ELSE {int4} END
    AND ({int6} = 0 OR a.in_charge_id IS NULL)
"""
STAND_INS = """
{then} delegation AS d ON d.post_id = p.id AND d.ended_at IS NULL AND d.valid_from <= :today AND d.valid_to >= :today
"""
STOOD_IN = "SELECT 1 FROM delegation WHERE ended_at IS NULL AND valid_from <= :today AND valid_to >= :today LIMIT 1"
# The ids of events are taken beforehand, so that notices need not look for theirs. On SQLite they follow each other.
SQLITE_NUMBERS = "SELECT coalesce(max(id), 0) + :many FROM event"
POSTGRES_NUMBERS = "SELECT nextval(pg_get_serial_sequence('event', 'id')) FROM generate_series(1, :many)"
NEW = "SELECT assignment_id, rung FROM firing WHERE run = :run AND assignment_id IN ({chosen})"
PARTIES = """
SELECT a.id, a.unit_id, a.reviewer_unit_id, a.in_charge_id, coalesce(b.ladder_id, 1) AS ladder_id
FROM assignment AS a JOIN batch AS b ON b.id = a.batch_id WHERE a.id IN ({chosen})
"""


@dataclass(frozen=True)
class Group:
    """Assignments that stand alike: `row` has what decides, `ids` their ids as JSON, `events` one event for each."""

    row: Any
    ids: str
    events: Sequence[int] = ()

    @property
    def members(self) -> list[int]:
        """The ids."""
        return list(json.loads(self.ids))


Said = Sequence[tuple[Any, ...]]


class Statements:
    """All of them for one kind of database."""

    def __init__(self, postgres: bool) -> None:
        self.postgres = postgres
        chosen = "SELECT unnest(CAST(:ids AS bigint[]))" if postgres else "SELECT value FROM json_each(:ids)"
        self.numbers = text(POSTGRES_NUMBERS if postgres else SQLITE_NUMBERS)
        self.due = text(DUE.format(columns="assignment_id", only=""))
        self.claims = [self._claims(only) for only in ("", f"AND assignment_id IN ({chosen})")]
        self.firings, self.events, self.timers = (self._insert(what) for what in (FIRINGS, EVENTS, TIMERS))
        self.holders = self._insert(TOLD.replace("{join}", HOLDERS), who="p.person_id")
        self.stand_ins = self._insert(TOLD.replace("{join}", HOLDERS + STAND_INS), who="d.delegate_id")
        named = "a.in_charge_id IS NOT NULL"
        self.in_charge = self._insert(TOLD.replace("{join}", ""), who="a.in_charge_id", where=named)
        self.stood_in = text(STOOD_IN)
        self.new, self.parties = (text(what.format(chosen=chosen)) for what in (NEW, PARTIES))

    def claim(self, sweep: int, *, now: datetime, most: int, only: Iterable[int] | None) -> list[Group]:
        """Takes due timers away, which is the claim; their assignments, grouped by all that decides."""
        values = {"sweep": int(sweep), "now": micros(now), "most": most}
        if only is not None:
            values |= self.chosen(only)
        find, *take = self.claims[only is not None]
        groups = [Group(row, row.ids) for row in run(find, values)]
        for statement in take if groups else ():
            run(statement, values)
        return groups

    def _claims(self, only: str) -> list[TextClause]:
        if self.postgres:
            due = DUE.format(columns="ctid AS place, assignment_id, after", only=only)
            return [text(POSTGRES_CLAIM.format(due=due))]
        due, with_after = (DUE.format(columns=columns, only=only) for columns in (KEY, f"{KEY}, after"))
        return [text(SQLITE_FIND.format(due=with_after)), text(SQLITE_TAKE.format(due=due))]

    def chosen(self, ids: Iterable[int]) -> dict[str, Any]:
        """The parameter of a statement that is asked of some ids."""
        return {"ids": list(ids) if self.postgres else json.dumps(list(ids))}

    def numbered(self, groups: Sequence[Group]) -> list[Group]:
        """The same groups with an event for each member; its id is taken, its row is still to be written."""
        sizes = [len(group.members) for group in groups]
        many = sum(sizes)
        found = [row[0] for row in run(self.numbers, {"many": many})]
        ids = iter(sorted(found) if self.postgres else range(found[0] - many + 1, found[0] + 1))
        return [Group(group.row, group.ids, list(islice(ids, size))) for group, size in zip(groups, sizes, strict=True)]

    def write(self, statement: TextClause, groups: Sequence[Group], said: Said, **values: Any) -> int:
        """Writes a row for each member of the groups and each row of `said` that names its group; how many were new."""
        if not said:
            return 0
        result: Any = run(statement, {**self._grouped(groups), "said": json.dumps(said), **values})
        return int(result.rowcount)

    def tell(self, groups: Sequence[Group], said: Said, *, now: datetime) -> None:
        """Notices to those who hold the posts today, and to their stand-ins; once for an event."""
        values = {"at": micros(now), "today": self._day(now)}
        self.write(self.holders, groups, said, **values)
        if run(self.stood_in, {"today": values["today"]}).first() is not None:
            self.write(self.stand_ins, groups, said, **values)
        named = [row for row in said if row[6]]
        self.write(self.in_charge, groups, named, at=values["at"])

    def _day(self, now: datetime) -> Any:
        today = local_today(now)
        return today if self.postgres else today.isoformat()

    def _grouped(self, groups: Sequence[Group]) -> dict[str, Any]:
        if not self.postgres:
            return {"ids": f"[{','.join(group.ids for group in groups)}]"}
        members = [group.members for group in groups]
        numbers = [at for at, ids in enumerate(members) for _ in ids]
        events = [event for group in groups for event in group.events] or None
        return {"ids": [id for ids in members for id in ids], "groups": numbers, "events": events}

    def _insert(self, sql: str, who: str = "", where: str = "true") -> TextClause:
        rows, then = (POSTGRES_ROWS, "JOIN") if self.postgres else (SQLITE_ROWS, "CROSS JOIN")
        places = {"event": "i.event" if self.postgres else "json_extract(s.value, '$[2]') + i.key"}
        for at in range(7):
            place = f"(s.value ->> {at})" if self.postgres else f"json_extract(s.value, '$[{at}]')"
            places |= {f"text{at}": place, f"int{at}": f"CAST({place} AS bigint)" if self.postgres else place}
        return text(sql.format(rows=rows, who=who, where=where, then=then, **places))


@cache
def _written(postgres: bool) -> Statements:
    return Statements(postgres)


def statements() -> Statements:
    """The statements for the database in use."""
    return _written(db.session.get_bind().dialect.name == "postgresql")
