"""The rows of a table of working days, checked one by one."""

from dataclasses import dataclass
from datetime import date
from itertools import islice

from ..documents.calendars import COLUMNS, KINDS, REQUIRED
from ..documents.tables import Row, Table
from ..errors import Sentence, say
from ..rules.calendars import Mark, festival
from .importing import Headings, Problems, headings_of, meaning, parse_day, words_to_members

MOST_ROWS = 5_000  # more than ten years of days
FIRST_YEAR, LAST_YEAR = 2000, 2199
LONGEST_NAME = 80
_MARKS = words_to_members(KINDS)


@dataclass(frozen=True)
class WantedDay:
    """A day as it should be, with its name; a plain day has none."""

    mark: Mark
    name: str = ""


def read_days(table: Table) -> tuple[dict[date, WantedDay], tuple[str, ...]]:
    """The days of the table, and the headings that mean nothing to us. Invalid with every bad row and its line."""
    headings = headings_of(table, COLUMNS, REQUIRED)
    problems = Problems(table)
    found: dict[date, WantedDay] = {}
    lines: dict[date, int] = {}
    for row in islice(table.rows, MOST_ROWS + 1):
        if len(lines) >= MOST_ROWS:
            problems.add(row.line, say("The table has more than %(limit)s rows.", limit=MOST_ROWS))
            break
        read = _day(row, headings)
        if isinstance(read, Sentence):
            problems.add(row.line, read)
            continue
        day, wanted = read
        if day in lines:
            problems.add(row.line, say("This day stands in line %(line)s too.", line=lines[day]))
            continue
        lines[day], found[day] = row.line, wanted
    problems.refuse()
    return found, headings.unused


def _day(row: Row, headings: Headings) -> tuple[date, WantedDay] | Sentence:
    cell = headings.cell(row, "day")
    if not cell:
        return say("The cell for the date is empty.")
    day = parse_day(cell)
    if day is None:
        return say("“%(cell)s” is no date; please write it like 2026-11-20.", cell=cell)
    kind = headings.cell(row, "kind")
    if not kind:
        return say("The cell for 休 (rest), 班 (work) or 平 (as its weekday) is empty.")
    mark = meaning(_MARKS, kind)
    if mark is None:
        return say("“%(cell)s” says neither 休 (rest) nor 班 (work) nor 平 (as its weekday).", cell=kind)
    name = headings.cell(row, "name").strip()
    return bad_day(day, name) or (day, WantedDay(mark, "" if mark is Mark.PLAIN else festival(name)))


def bad_day(day: date, name: str) -> Sentence | None:
    """What is wrong with a day or its name, if anything."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        return say("A calendar holds the years from %(first)s to %(last)s.", first=FIRST_YEAR, last=LAST_YEAR)
    if len(name) > LONGEST_NAME:
        return say("The name is longer than %(limit)s characters.", limit=LONGEST_NAME)
    if not name.isprintable() or "\ufffd" in name:
        return say("The name contains characters that cannot be read.")
    return None
