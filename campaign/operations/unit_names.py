"""Units as a list of people names them: by name, or by the code of the area and the line; found in few statements."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import select

from ..db import db
from ..errors import Sentence, say
from ..models import Area, Unit
from ..rules.organisation import Line

ASKED_AT_ONCE = 500


@dataclass(frozen=True)
class FoundUnit:
    """The unit, or the problem that there is none, or more than one."""

    id: int = 0
    name: str = ""
    problem: Sentence | None = None


class UnitNames:
    """The units that may be meant by these names and codes, as far as the reader reaches."""

    def __init__(self, words: Collection[str], reaches: Callable[[Line, int], bool]) -> None:
        self._by_name: dict[str, list[tuple[int, str]]] = {}
        self._by_area: dict[str, dict[Line, tuple[int, str]]] = {}
        columns = (Unit.id, Unit.name, Unit.line, Unit.lft, Area.code, Area.name.label("area"))
        base = select(*columns).join(Area, Area.id == Unit.area_id)
        ordered = sorted(words)
        for start in range(0, len(ordered), ASKED_AT_ONCE):
            chunk = ordered[start : start + ASKED_AT_ONCE]
            for row in db.session.execute(base.where(Unit.name.in_(chunk))):
                if reaches(row.line, row.lft):
                    self._by_name.setdefault(row.name, []).append((row.id, row.name))
            for row in db.session.execute(base.where(Area.code.in_(chunk))):
                if reaches(row.line, row.lft):
                    self._by_area.setdefault(row.code, {})[row.line] = (row.id, row.name)

    def find(self, word: str, line: Line | None) -> FoundUnit:
        """The unit that is meant: an area's code with its line, or else the name of exactly one unit."""
        in_area = self._by_area.get(word)
        if in_area is not None:
            if line is not None and line in in_area:
                return FoundUnit(*in_area[line])
            if line is None and len(in_area) == 1:
                return FoundUnit(*next(iter(in_area.values())))
            if line is None:
                return FoundUnit(
                    problem=say("The area %(code)s has several units; please fill in the line.", code=word)
                )
        named = self._by_name.get(word, [])
        if len(named) == 1:
            return FoundUnit(*named[0])
        if named:
            return FoundUnit(
                problem=say("Several units are called “%(unit)s”; please give the code of the area and the line.",
                            unit=word)
            )  # fmt: skip
        return FoundUnit(problem=say("There is no unit “%(unit)s” among those you administer.", unit=word))
