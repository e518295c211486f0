"""Reading what was pasted from a spreadsheet: a unit by its name or code, figures, and perhaps who is in charge.

People copy what they have: with a title, headings, numbers of the lines, codes, merged cells and a line of the total.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import Sentence, say
from .metrics import BadValue
from .naming_units import Names, plain

MOST_LINES = 5_000
LONGEST_SHOWN = 40
NAMING = 4  # cells of a line by which a unit may be named: a number, the place above, the name, the code
TOTALS = {"合计", "总计", "共计", "小计", "总数", "total"}
HEADINGS = {"单位", "单位名称", "名称", "区域", "地区", "责任单位", "序号", "代码", "unit", "code"}
BEHIND = re.compile(r"\([^()]*\)$")  # of a heading: what it is counted in
SERIAL = re.compile(r"\d{1,4}[.、]?")
Reader = Callable[[str], object]  # raises BadValue


@dataclass(frozen=True)
class Line:
    """A line that says something: its number, counted from one, its text and its cells. `units`: who may be meant;
    `named`: by which words; `first`: the cell after these."""

    number: int
    text: str
    cells: list[str]
    units: list[int]
    named: str
    first: int

    @property
    def shown(self) -> str:
        """Its beginning, as one reads it."""
        words = " ".join(self.text.split())
        return words if len(words) <= LONGEST_SHOWN else f"{words[:LONGEST_SHOWN]}…"

    def cell(self, at: int) -> str:
        """What stands there, counted from the cell after the unit; '' where the line is shorter."""
        return self.cells[self.first + at] if self.first + at < len(self.cells) else ""


@dataclass(frozen=True)
class BadLine:
    """A line that could not be used, and why."""

    line: Line
    why: Sentence

    @property
    def number(self) -> int:
        """Which line it was, counted from one."""
        return self.line.number


@dataclass
class Pasted:
    """What could be used: the figures as they were typed, one for each column (empty: none), and persons by unit, and
    the lines where they stood. `passed`: lines that are no unit's, as a title, headings or a total."""

    figures: dict[int, tuple[str, ...]] = field(default_factory=dict)
    people: dict[int, int] = field(default_factory=dict)
    bad: list[BadLine] = field(default_factory=list)
    passed: list[Line] = field(default_factory=list)
    lines: dict[int, Line] = field(default_factory=dict)

    def refuse(self, unit_id: int, why: Sentence) -> None:
        """Takes the line of a unit back, which could be read and is wrong for another reason."""
        self.figures.pop(unit_id)
        self.people.pop(unit_id, None)
        self.bad = sorted([*self.bad, BadLine(self.lines.pop(unit_id), why)], key=lambda bad: bad.number)

    @property
    def rest(self) -> str:
        """The lines that could not be used, as they were pasted."""
        return "\n".join(bad.line.text for bad in self.bad)


def read_pasted(
    text: str,
    units: Mapping[str, Sequence[int]],
    columns: Sequence[Reader],
    people: Mapping[int, Mapping[str, int]],
    headings: Sequence[str] = (),
) -> Pasted:
    """The lines of the text, cells divided by tabs: the unit, a figure for each column, and perhaps a person's name.

    `units`: who is meant by a name or code; `people`: who may be named in which unit; `headings`: what the columns are
    called; where a line above the first unit says so, each figure is taken from below its heading. Empty lines are
    nothing; what is no unit's is passed over and named; every other line is used or bad.
    """
    found, seen = Pasted(), dict[int, int]()
    lines = list(_lines(text, Names(units)))
    start = next((at for at, line in enumerate(lines) if line.units), 0)
    below = _headed(lines[:start], headings)
    merged = 0 if below else _merged([line for line in lines if line.units], len(columns))
    for at, line in enumerate(lines):
        if not line.units and _is_nobodys(line, above=at < start and bool(columns)):
            found.passed.append(line)
            continue
        why = say("Only the first %(most)s lines are read.", most=MOST_LINES) if line.number > MOST_LINES else None
        why = why or _unit_of(line, seen)
        if why is None:
            figures, more = _figures(line, below, merged, len(columns))
            why = _take(line, figures, more, columns, people, found)
        if why is None:
            seen[line.units[0]] = line.number
        else:
            found.bad.append(BadLine(line, why))
    return found


def called_in(text: str) -> set[str]:
    """The cells of a pasted text by which a unit may be named: the first of each line that says something, and those
    behind it, after the number of the line and the place above."""
    return {cell for line in text.splitlines() for cell in _cells(line)[:NAMING] if cell}


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("\ufeff\u3000\xa0") for cell in line.split("\t")]


def _lines(text: str, names: Names) -> Iterator[Line]:
    """The lines that are not empty. Under a place that is merged over several lines only the first has it."""
    place = ""
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        cells = _cells(line)
        if not any(cells):
            continue
        at = 0
        if len(cells) > 1 and SERIAL.fullmatch(cells[0]) and not names.of(cells[0]):
            at = 1
        here, following = cells[at], cells[at + 1] if len(cells) > at + 1 else ""
        units = names.of((here or place) + following) if following else []
        if units:
            place, at = here or place, at + 1
        elif here:
            units = names.of(here)
        elif following:
            units, at = names.of(following), at + 1
        named = cells[at] or next(filter(None, cells))
        if units and len(cells) > at + 1 and (both := set(units) & set(names.of(cells[at + 1]))):
            units, at = sorted(both), at + 1  # its name beside its code
        yield Line(number, line, cells, units, named[:LONGEST_SHOWN], at + 1)


def _is_nobodys(line: Line, *, above: bool) -> bool:
    """Whether it is a title, headings or a total. `above`: it stands above the first unit, where figures are asked."""
    if plain(line.named) in TOTALS | HEADINGS:
        return True
    others = [cell for cell in line.cells if cell][1:]
    return above and not any(char.isdigit() for cell in others for char in cell)


def _headed(lines: Sequence[Line], headings: Sequence[str]) -> list[int]:
    """Below which cells of a line of headings the figures stand; empty where none names them all."""
    wanted = [_called(each) for each in headings]
    for line in lines:
        called = [_called(cell) for cell in line.cells]
        if wanted and all(called.count(each) == 1 for each in wanted):
            return [called.index(each) for each in wanted]
    return []


def _called(heading: str) -> str:
    return BEHIND.sub("", plain(heading))


def _merged(lines: Sequence[Line], columns: int) -> int:
    """How many cells after the unit are empty in all lines, with the figures only behind them: a name that was merged
    over several columns."""
    gone = 0
    while (
        columns
        and not any(line.cell(gone) for line in lines)
        and any(char.isdigit() for line in lines for char in "".join(line.cells[line.first + gone + columns :]))
    ):
        gone += 1
    return gone


def _figures(line: Line, below: Sequence[int], merged: int, columns: int) -> tuple[list[str], list[str]]:
    """The cells of the figures, and what else the line has."""
    if not below:
        figures = [line.cell(merged + at) for at in range(columns)]
        return figures, line.cells[line.first + merged + columns :]
    figures = [line.cells[at] if at < len(line.cells) else "" for at in below]
    return figures, [cell for at, cell in enumerate(line.cells) if at >= line.first and at not in below]


def _unit_of(line: Line, seen: Mapping[int, int]) -> Sentence | None:
    """What speaks against the unit that it names."""
    if not line.units:
        return say("No unit here is called “%(name)s”, by name or code.", name=line.named)
    if len(line.units) > 1:
        why = say(
            "%(n)s units are called “%(name)s”. Please give the full name of the unit, or the code.",
            n=len(line.units), name=line.named,
        )  # fmt: skip
        return why
    if line.units[0] in seen:
        return say("This unit stands on line %(line)s already.", line=seen[line.units[0]])
    return None


def _take(
    line: Line, figures: Sequence[str], more: Sequence[str], columns: Sequence[Reader],
    people: Mapping[int, Mapping[str, int]], found: Pasted,
) -> Sentence | None:  # fmt: skip
    unit_id, others = line.units[0], [cell for cell in more if cell]
    for figure, read in zip(figures, columns, strict=True):
        try:
            if figure:
                read(figure)
        except BadValue as wrong:
            return say("“%(cell)s”: %(why)s", cell=figure[:LONGEST_SHOWN], why=wrong.sentence)
    if len(others) > 1:
        return say("There are more columns than figures and a name.")
    if others:
        here = {plain(name): person_id for name, person_id in people.get(unit_id, {}).items()}  # 李　春 is 李春
        if plain(others[0]) not in here:
            return say("“%(name)s” has no post in this unit.", name=others[0][:LONGEST_SHOWN])
        found.people[unit_id] = here[plain(others[0])]
    found.figures[unit_id], found.lines[unit_id] = tuple(figures), line
    return None
