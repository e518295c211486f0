"""The statements of the sweep, for each of the two databases: this path is the hottest of all, so it is plain SQL.

Assignments travel in groups that the law decides alike. What is to be written is said once for a group, with the ids of
its members beside it; so a thousand assignments make no longer statement than one, and never become objects.
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

OWN, REVIEWER = 0, -1  # stand for the unit of the assignment itself, and for the one that reviews it

ANYTHING_DUE = text(
    # Ordered, because a plan for any value of :now would take a third of all timers to be due and read the table.
    "SELECT 1 FROM timer WHERE sweep = :sweep AND fires_at <= :now ORDER BY sweep, fires_at, assignment_id LIMIT 1"
)
DUE = """
SELECT {columns} FROM timer
WHERE sweep = :sweep AND fires_at <= :now {only} ORDER BY sweep, fires_at, assignment_id {limit}
"""
DECISIVE = (*STANDING, "after")
# First by what stands in the assignment itself, so that task and batch are looked up for each group and not for each.
STANDS = ("state", *MOMENTS, "task_id", "batch_id")
HELD = f"SELECT a.id, t.after, {', '.join(f'a.{name}' for name in STANDS)}"
ALIKE = f"""
SELECT {", ".join(f"alike.{name}" for name in ("state", *MOMENTS))}, k.grade, coalesce(b.ladder_id, 1) AS ladder_id,
       coalesce(b.calendar_id, {EVERYBODYS}) AS calendar_id, after, {{together}}(ids, ',') AS ids
FROM (
    SELECT after, {", ".join(STANDS)}, {{together}}(CAST(id AS text), ',') AS ids FROM {{held}} AS held
    GROUP BY after, {", ".join(STANDS)}
) AS alike JOIN task AS k ON k.id = alike.task_id JOIN batch AS b ON b.id = alike.batch_id
GROUP BY {", ".join(str(at + 1) for at in range(len(DECISIVE)))}
"""

# SQLite has one writer, so that what is read first is still there when it is deleted: a range up to the last timer.
SQLITE_LAST = DUE.format(columns="fires_at, assignment_id", only="{only}", limit="LIMIT 1 OFFSET :most - 1")
SQLITE_RANGE = "sweep = :sweep AND (fires_at, assignment_id) <= (:until, :last) {only}"
SQLITE_HELD = f"({HELD} FROM timer AS t CROSS JOIN assignment AS a WHERE a.id = assignment_id AND {SQLITE_RANGE})"
SQLITE_FIND = ALIKE.format(together="group_concat", held=SQLITE_HELD)
SQLITE_TAKE = f"DELETE FROM timer WHERE {SQLITE_RANGE}"
NO_LAST = 2**63 - 1  # after every assignment
# On PostgreSQL what somebody else claims is passed over; the assignments are locked, so that whoever approves one in
# the same instant comes before or after, never between. Arrays lead from the few to the rest by place and by key, where
# a join might read a whole table, whatever the statistics say.
POSTGRES_CLAIM = f"""
WITH taken AS MATERIALIZED ({{due}} FOR UPDATE SKIP LOCKED),
gone AS (DELETE FROM timer WHERE ctid = ANY (ARRAY(SELECT place FROM taken))),
held AS (
    {HELD} FROM taken AS t JOIN assignment AS a ON a.id = t.assignment_id
    WHERE a.id = ANY (ARRAY(SELECT assignment_id FROM taken)) ORDER BY a.id FOR UPDATE OF a
)
{ALIKE.format(together="string_agg", held="held")}
"""

# `said` says something of groups, a row each with the columns that the statement names; `each` has it for each member,
# with the id of its event where there is one. The rest of a statement is the same for both databases.
SQLITE_ROWS = """
WITH said AS MATERIALIZED (SELECT {named} FROM json_each(:said)),
each AS (SELECT said.*, i.value AS id, first + i.key AS event FROM said CROSS JOIN json_each(said.ids) AS i)
"""
POSTGRES_ROWS = """
WITH said AS MATERIALIZED (SELECT * FROM json_to_recordset(CAST(:said AS json)) AS r({named})),
each AS (SELECT said.*, i.id, i.event FROM said CROSS JOIN unnest(said.ids, said.events) AS i(id, event))
"""
FIRINGS = """
INSERT INTO firing (assignment_id, rung, anchor_at, skipped, at, run) {rows}
SELECT id, rung, anchor, skipped, :at, :run FROM each WHERE true ON CONFLICT DO NOTHING
"""
EVENTS = """
INSERT INTO event (id, at, tag, subject, subject_id, person_id, reason, data) {rows}
SELECT event, :at, tag, 'assignment', id, :system, '', data FROM each
"""
TIMERS = """
INSERT INTO timer (sweep, fires_at, assignment_id, rung, after) {rows}
SELECT sweep, fires_at, id, rung, after FROM each WHERE true ON CONFLICT DO NOTHING
"""
# `unit`: OWN, REVIEWER or the id of a unit. `unless_named`: told only where nobody is in charge. Table after table,
# from the few that are named to what belongs to them: CROSS JOIN keeps SQLite to that order, a subquery for each row
# PostgreSQL, which otherwise reads all posts of the country for a thousand.
TOLD = """
INSERT INTO notice (tag, event_id, person_id, assignment_id, created_at, urgent) {rows}
SELECT tag, event, {who}, a.id, :at, urgent = 1 FROM each {among} WHERE true ON CONFLICT DO NOTHING
"""
THEN = {
    False: "CROSS JOIN {table} AS {short} ON {when} ",
    True: "CROSS JOIN LATERAL (SELECT * FROM {table} AS {short} WHERE {when} OFFSET 0) AS {short} ",
}
IT = ("assignment", "a", "a.id = each.id")
IT_NAMES = ("assignment", "a", "a.id = each.id AND a.in_charge_id IS NOT NULL")
HOLDS = f"""
p.role = each.role AND p.disabled_at IS NULL AND p.valid_from <= :today AND (p.valid_to IS NULL OR p.valid_to >= :today)
AND p.unit_id = CASE each.unit WHEN {OWN} THEN a.unit_id WHEN {REVIEWER} THEN a.reviewer_unit_id ELSE each.unit END
AND (each.unless_named = 0 OR a.in_charge_id IS NULL)
"""
HOLDER = ("post", "p", HOLDS)
STAND_IN = (
    "delegation",
    "d",
    "d.post_id = p.id AND d.ended_at IS NULL AND d.valid_from <= :today AND d.valid_to >= :today",
)
STOOD_IN = "SELECT 1 FROM delegation WHERE ended_at IS NULL AND valid_from <= :today AND valid_to >= :today LIMIT 1"
# The ids of events are taken beforehand, so that notices need not look for theirs. On SQLite they follow each other.
SQLITE_NUMBERS = "SELECT coalesce(max(id), 0) + :many FROM event"
POSTGRES_NUMBERS = """
SELECT nextval(counter) FROM (SELECT CAST(pg_get_serial_sequence('event', 'id') AS regclass) AS counter OFFSET 0) AS c,
generate_series(1, :many)
"""
NEW = "SELECT assignment_id, rung FROM firing WHERE run = :run AND assignment_id IN ({chosen})"
PARTIES = """
SELECT a.id, a.unit_id, a.reviewer_unit_id, a.in_charge_id, coalesce(b.ladder_id, 1) AS ladder_id
FROM assignment AS a JOIN batch AS b ON b.id = a.batch_id WHERE a.id IN ({chosen})
"""


@dataclass(frozen=True)
class Group:
    """Assignments that stand alike: `row` has what decides, `ids` their ids joined by commas, `events` one event for
    each of them."""

    row: Any
    ids: str
    events: Sequence[int] = ()

    @property
    def size(self) -> int:
        """How many they are."""
        return self.ids.count(",") + 1

    @property
    def members(self) -> list[int]:
        """The ids."""
        return [int(id) for id in self.ids.split(",")]


Said = Sequence[tuple[Group, dict[str, Any]]]  # of each group: what the columns of the statement are to be


class Statements:
    """All of them for one kind of database."""

    def __init__(self, postgres: bool) -> None:
        self.postgres = postgres
        chosen = "SELECT unnest(CAST(:ids AS bigint[]))" if postgres else "SELECT value FROM json_each(:ids)"
        self.numbers = text(POSTGRES_NUMBERS if postgres else SQLITE_NUMBERS)
        self.due = text(DUE.format(columns="assignment_id", only="", limit="LIMIT :most"))
        self.claims = [self._claims(only) for only in ("", f"AND assignment_id IN ({chosen})")]
        self.firings = self._insert(FIRINGS, "rung int, anchor bigint, skipped text")
        self.events = self._insert(EVENTS, "tag text, data text")
        self.timers = self._insert(TIMERS, "sweep int, fires_at bigint, rung int, after bigint")
        self.holders = self._tell("p.person_id", IT, HOLDER)
        self.stand_ins = self._tell("d.delegate_id", IT, HOLDER, STAND_IN)
        self.in_charge = self._tell("a.in_charge_id", IT_NAMES)
        self.stood_in = text(STOOD_IN)
        self.new, self.parties = (text(what.format(chosen=chosen)) for what in (NEW, PARTIES))

    def claim(self, sweep: int, *, now: datetime, most: int, only: Iterable[int] | None) -> list[Group]:
        """Takes due timers away, which is the claim; their assignments, grouped by all that decides."""
        values = {"sweep": int(sweep), "now": micros(now), "most": most}
        if only is not None:
            values |= self.chosen(only)
        if self.postgres:
            (claim,) = self.claims[only is not None]
            return [Group(row, row.ids) for row in run(claim, values)]
        last, find, take = self.claims[only is not None]
        values["until"], values["last"] = run(last, values).first() or (values["now"], NO_LAST)
        groups = [Group(row, row.ids) for row in run(find, values)]
        if groups:
            run(take, values)
        return groups

    def _claims(self, only: str) -> list[TextClause]:
        if not self.postgres:
            return [text(each.format(only=only)) for each in (SQLITE_LAST, SQLITE_FIND, SQLITE_TAKE)]
        due = DUE.format(columns="ctid AS place, assignment_id, after", only=only, limit="LIMIT :most")
        return [text(POSTGRES_CLAIM.format(due=due))]

    def chosen(self, ids: Iterable[int]) -> dict[str, Any]:
        """The parameter of a statement that is asked of some ids."""
        return {"ids": list(ids) if self.postgres else json.dumps(list(ids))}

    def numbered(self, groups: Sequence[Group]) -> list[Group]:
        """The same groups with an event for each member; its id is taken, its row is still to be written."""
        many = sum(group.size for group in groups)
        found = [row[0] for row in run(self.numbers, {"many": many})]
        ids = iter(sorted(found) if self.postgres else range(found[0] - many + 1, found[0] + 1))
        return [Group(group.row, group.ids, list(islice(ids, group.size))) for group in groups]

    def write(self, statement: TextClause, said: Said, **values: Any) -> int:
        """Writes a row for each member of the groups, as often as something is said of its group; how many were new."""
        if not said:
            return 0
        rows = json.dumps([self._named(group) | columns for group, columns in said], ensure_ascii=False)
        return run(statement, {"said": rows, **values}).rowcount

    def tell(self, said: Said, *, now: datetime) -> None:
        """Notices to those who hold the posts today, and to their stand-ins; once for an event."""
        values = {"at": micros(now), "today": self._day(now)}
        self.write(self.holders, said, **values)
        if said and run(self.stood_in, {"today": values["today"]}).first() is not None:
            self.write(self.stand_ins, said, **values)
        self.write(self.in_charge, [each for each in said if each[1]["unless_named"]], at=values["at"])

    def _day(self, now: datetime) -> Any:
        today = local_today(now)
        return today if self.postgres else today.isoformat()

    def _named(self, group: Group) -> dict[str, Any]:
        """The members and their events as the statements read them; on SQLite the events follow the first."""
        if not self.postgres:
            return {"ids": f"[{group.ids}]", "first": group.events[0] if group.events else None}
        return {"ids": f"{{{group.ids}}}", "events": f"{{{','.join(map(str, group.events))}}}"}

    def _tell(self, who: str, *tables: tuple[str, str, str]) -> TextClause:
        among = "".join(
            THEN[self.postgres].format(table=table, short=short, when=when) for table, short, when in tables
        )
        sql = TOLD.format(rows="{rows}", who=who, among=among)
        return self._insert(sql, "tag text, urgent int, unit bigint, role int, unless_named int")

    def _insert(self, sql: str, columns: str) -> TextClause:
        if self.postgres:
            return text(sql.format(rows=POSTGRES_ROWS.format(named=f"ids bigint[], events bigint[], {columns}")))
        names = [column.split()[0] for column in f"ids, first, {columns}".split(", ")]
        read = (f"json_extract(value, '$.{name}') AS {name}" for name in names)
        return text(sql.format(rows=SQLITE_ROWS.format(named=", ".join(read))))


@cache
def _written(postgres: bool) -> Statements:
    return Statements(postgres)


def statements() -> Statements:
    """The statements for the database in use."""
    return _written(db.session.get_bind().dialect.name == "postgresql")
