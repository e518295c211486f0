"""Tables of working days: a day a row, a holiday (休), a make-up day (班) or as its weekday says (平); our own too."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ..rules.calendars import Mark
from .tables import read_table

FILE = Path(__file__).with_name("statutory_days.csv")
COLUMNS: dict[str, tuple[str, ...]] = {
    "day": ("日期", "date"),
    "kind": ("班/休", "班休", "类型", "work or rest", "work/rest"),
    "name": ("名称", "holiday", "节日"),
}
REQUIRED = ("day", "kind")
KINDS: dict[Mark, tuple[str, ...]] = {
    Mark.REST: ("rest", "休", "休息", "放假", "假", "off", "holiday"),
    Mark.WORK: ("work", "班", "上班", "补班", "make-up", "workday"),
    Mark.PLAIN: ("plain", "平", "平日", "照常", "as the weekday"),
}


@dataclass(frozen=True)
class StatutoryDay:
    """A day of the project's own table. `published`: the make-up days of its year are known too."""

    day: date
    mark: Mark
    name: str
    published: bool


def statutory_days() -> Iterator[StatutoryDay]:
    """The statutory days of China with their make-up days that the project knows of, by day."""
    with FILE.open("rb") as stream:
        for row in read_table(stream, FILE.name).rows:
            day, kind, name, published = row.cells
            yield StatutoryDay(date.fromisoformat(day), Mark[kind.upper()], name, published == "yes")
