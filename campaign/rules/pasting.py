"""Reading what was pasted from a spreadsheet: a unit by its name or code, figures, and perhaps who is in charge."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import Sentence, say
from .metrics import BadValue

MOST_LINES = 5_000
LONGEST_SHOWN = 40
Reader = Callable[[str], object]  # raises BadValue


@dataclass(frozen=True)
class BadLine:
    """A line that could not be used: its number, counted from one, its text, and why."""

    number: int
    text: str
    why: Sentence


@dataclass
class Pasted:
    """What could be used: the figures as they were typed, one for each column (empty: none), and persons by unit."""

    figures: dict[int, tuple[str, ...]] = field(default_factory=dict)
    people: dict[int, int] = field(default_factory=dict)
    bad: list[BadLine] = field(default_factory=list)

    @property
    def rest(self) -> str:
        """The lines that could not be used, as they were pasted."""
        return "\n".join(line.text for line in self.bad)


def read_pasted(
    text: str,
    units: Mapping[str, Sequence[int]],
    columns: Sequence[Reader],
    people: Mapping[int, Mapping[str, int]],
) -> Pasted:
    """The lines of the text, cells divided by tabs: the unit, a figure for each column, and perhaps a person's name.

    `units`: who is meant by a name or code; `people`: who may be named in which unit. Empty lines are passed over, and
    a first line whose first figure holds no digit is taken for the headings. Every other line is used or named as bad.
    """
    found, seen = Pasted(), dict[int, int]()
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        cells = [cell.strip().strip("\ufeff\u3000\xa0") for cell in line.split("\t")]
        if not any(cells) or (number == 1 and _headings(cells, columns)):
            continue
        why = say("Only the first %(most)s lines are read.", most=MOST_LINES) if number > MOST_LINES else None
        why = why or _take(cells, number, units, columns, people, found, seen)
        if why is not None:
            found.bad.append(BadLine(number, line, why))
    return found


def _headings(cells: Sequence[str], columns: Sequence[Reader]) -> bool:
    return bool(columns) and len(cells) > 1 and not any(char.isdigit() for char in cells[1]) and bool(cells[1])


def _take(
    cells: Sequence[str], number: int, units: Mapping[str, Sequence[int]], columns: Sequence[Reader],
    people: Mapping[int, Mapping[str, int]], found: Pasted, seen: dict[int, int],
) -> Sentence | None:  # fmt: skip
    name, figures, more = cells[0], list(cells[1 : 1 + len(columns)]), list(cells[1 + len(columns) :])
    meant = units.get(name, ())
    shown = name[:LONGEST_SHOWN]
    if not meant:
        return say("No unit here is called “%(name)s”, by name or code.", name=shown)
    if len(meant) > 1:
        return say("%(n)s units are called “%(name)s”. Please give the code.", n=len(meant), name=shown)
    unit_id = meant[0]
    if unit_id in seen:
        return say("This unit stands on line %(line)s already.", line=seen[unit_id])
    figures += [""] * (len(columns) - len(figures))
    for figure, read in zip(figures, columns, strict=True):
        try:
            if figure:
                read(figure)
        except BadValue as wrong:
            return say("“%(cell)s”: %(why)s", cell=figure[:LONGEST_SHOWN], why=wrong.sentence)
    if len([cell for cell in more if cell]) > 1:
        return say("There are more columns than figures and a name.")
    person = more[0] if more else ""
    if person:
        if person not in people.get(unit_id, {}):
            return say("“%(name)s” has no post in this unit.", name=person[:LONGEST_SHOWN])
        found.people[unit_id] = people[unit_id][person]
    seen[unit_id] = number
    found.figures[unit_id] = tuple(figures)
    return None
