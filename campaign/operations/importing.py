"""What the imports have in common: headings in two languages, cells that must hold, problems with their lines."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NoReturn, TypeVar

from ..documents.tables import Row, Table
from ..errors import Invalid, Problem, Sentence, say

Progress = Callable[[str, int, int], None]
T = TypeVar("T")

MOST_PROBLEMS = 500  # nobody reads more; the count tells all of them
PROGRESS_STEP = 20_000
NUMBER_SHAPE = re.compile(r"[+-]?\d+(\.\d+)?[eE]\+?\d+|\d+\.0+")
DAY_SHAPE = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]00:00(?::00)?)?|(\d{4})(\d{2})(\d{2})"
)


@dataclass
class Problems:
    """What is wrong with the rows of one table: the first of them in full, all rows counted."""

    table: Table
    count: int = 0
    listed: list[Problem] = field(default_factory=list)

    def add(self, line: int, sentence: Sentence) -> None:
        """One more, at that line."""
        self.count += 1
        if len(self.listed) < MOST_PROBLEMS:
            self.listed.append(Problem(self.table.at(line), sentence))

    def refuse(self) -> None:
        """Raises `Invalid` with all problems, if there is any."""
        if self.count:
            listed = sorted(self.listed, key=lambda problem: int(problem.where.rpartition(":")[2]))
            raise Invalid(say("Mistakes found: %(count)s. Nothing was changed.", count=self.count), listed)


@dataclass(frozen=True)
class Headings:
    """Which column stands where, and the headings that mean nothing to us."""

    places: Mapping[str, int]
    unused: tuple[str, ...]

    def cell(self, row: Row, name: str) -> str:
        """The cell of that column; empty when the table has no such column."""
        place = self.places.get(name)
        return "" if place is None else row.cells[place]


def headings_of(table: Table, known: Mapping[str, tuple[str, ...]], required: tuple[str, ...]) -> Headings:
    """Finds the columns by their English or Chinese headings. Invalid when one is missing or stands there twice."""
    names = {_same(word): name for name, words in known.items() for word in (name, *words)}
    places: dict[str, int] = {}
    unused = []
    for place, heading in enumerate(table.headings):
        name = names.get(_same(heading))
        if name is None:
            unused.append(heading)
        elif name in places:
            _refuse_headings(table, say("Two columns are headed “%(heading)s”.", heading=heading))
        else:
            places[name] = place
    missing = [name for name in required if name not in places]
    if missing:
        wanted = " · ".join(f"{name} / {known[name][0]}" for name in missing)
        _refuse_headings(table, say("The first row must hold the headings; missing: %(wanted)s.", wanted=wanted))
    return Headings(places, tuple(heading for heading in unused if heading))


def _refuse_headings(table: Table, sentence: Sentence) -> NoReturn:
    raise Invalid(say("The headings cannot be understood. Nothing was changed."), [Problem(table.at(1), sentence)])


def _same(heading: str) -> str:
    """The heading without what people write differently: case, blanks, underscores, a star or a bracket at the end."""
    bare = re.sub(r"[（(].*", "", heading)
    return re.sub(r"[\s_*＊-]+", "", bare).casefold()


def words_to_members(names: Mapping[T, tuple[str, ...]]) -> dict[str, T]:
    """Every accepted word, without case and blanks, and what it means."""
    return {_same(word): member for member, words in names.items() for word in words}


def meaning(words: Mapping[str, T], cell: str) -> T | None:
    """What the cell means, or None."""
    return words.get(_same(cell))


def parse_day(cell: str) -> date | None:
    """The day in the cell: 2026-11-20, 2026/11/20, 2026年11月20日, 20261120. None when it is no day."""
    found = DAY_SHAPE.fullmatch(cell)
    if found is None:
        return None
    year, month, day = (int(part) for part in found.groups() if part is not None)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def read_days(first: str, last: str) -> tuple[date | None, date | None, Sentence | None]:
    """The days of a validity, empty cells as None; and what is wrong with them, if anything."""
    days = []
    for cell in (first, last):
        day = parse_day(cell) if cell else None
        if cell and day is None:
            return None, None, say("“%(cell)s” is no date; please write it like 2026-11-20.", cell=cell)
        days.append(day)
    if days[0] and days[1] and days[1] < days[0]:
        return None, None, say("It would end before it begins.")
    return days[0], days[1], None


def bad_name(name: str, limit: int) -> Sentence | None:
    """What is wrong with a name, if anything."""
    if not name:
        return say("The name is missing.")
    if len(name) > limit:
        return say("The name is longer than %(limit)s characters.", limit=limit)
    return (
        None
        if name.isprintable() and "\ufffd" not in name
        else say("The name contains characters that cannot be read.")
    )


def told(progress: Progress | None, step: str, done: int, total: int) -> None:
    """Reports how far an import is, now and then."""
    if progress is not None and (done % PROGRESS_STEP == 0 or done == total):
        progress(step, done, total)
