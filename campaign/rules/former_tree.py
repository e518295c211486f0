"""The tree as it was on a day, told by the preorder of today: which areas lay below which before some of them moved.

Places are preorder numbers of today (`lft`), and an area is its interval (`lft`, `rgt`). Few areas ever move, so all
that moved since that day is known, and the rest stands as it stood.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

Stretch = tuple[int, int]  # both ends included


@dataclass(frozen=True)
class Moved:
    """An area that stands elsewhere now: its interval of today, and below which parent it stood then."""

    area_id: int
    lft: int
    rgt: int
    parent_id: int
    parent_lft: int


@dataclass(frozen=True)
class FormerTree:
    """The tree of a day. `moves`: every area that moved since, once. A reform moves thousands, and a board asks for
    each of its rows: what is asked is looked up, never sought among all of them."""

    moves: tuple[Moved, ...] = ()

    def holds(self, top: Stretch, place: int) -> bool:
        """Whether the area at that place was this one, or lay anywhere below it."""
        lft, rgt = top
        while True:
            carrier = self._carrier(place)
            if lft <= place <= rgt and (carrier is None or carrier.lft <= lft):
                return True
            if carrier is None:
                return False
            place = carrier.parent_lft

    def top_of(self, tops: Sequence[Stretch], place: int) -> Stretch | None:
        """In which of these the area at that place was, or lay below; they lie apart from each other, in order."""
        while True:
            at = bisect_right(tops, place, key=lambda top: top[0]) - 1
            top = tops[at] if at >= 0 and place <= tops[at][1] else None
            carrier = self._carrier(place)
            if carrier is None or (top is not None and carrier.lft <= top[0]):
                return top
            place = carrier.parent_lft

    def stretches(self, top: Stretch) -> tuple[Stretch, ...]:
        """Where today all those stand that were this area or lay below it, in order and apart from each other."""
        if not self.moves:
            return (top,)
        parts, waiting = [], [top]
        while waiting:
            for lft, rgt in self._left_alone(waiting.pop()):
                parts.append((lft, rgt))
                first = bisect_left(self._by_parent, lft, key=_parent)
                end = bisect_right(self._by_parent, rgt, key=_parent)
                waiting += [(moved.lft, moved.rgt) for moved in self._by_parent[first:end]]
        found: list[Stretch] = []
        for lft, rgt in sorted(parts):
            if found and found[-1][1] == lft - 1:
                found[-1] = (found[-1][0], rgt)
            else:
                found.append((lft, rgt))
        return tuple(found)

    def _left_alone(self, top: Stretch) -> Iterator[Stretch]:
        """An area as it stands today without what was moved and stands below it now."""
        at, end = top
        number = bisect_right(self._in_order, at, key=_place)
        while number < len(self._in_order) and (moved := self._in_order[number]).lft <= end:
            if at < moved.lft:
                yield at, moved.lft - 1
            at = moved.rgt + 1
            number = bisect_right(self._in_order, moved.rgt, number, key=_place)
        if at <= end:
            yield at, end

    def _carrier(self, place: int) -> Moved | None:
        """The innermost of the moved areas in which that place lies."""
        at = bisect_right(self._carried, place, key=_start) - 1
        return self._carried[at][1] if at >= 0 else None

    @cached_property
    def _in_order(self) -> list[Moved]:
        return sorted(self.moves, key=_place)

    @cached_property
    def _by_parent(self) -> list[Moved]:
        return sorted(self.moves, key=_parent)

    @cached_property
    def _carried(self) -> list[tuple[int, Moved | None]]:
        """From which place on which is the innermost, in order."""
        found: list[tuple[int, Moved | None]] = []
        around: list[Moved] = []
        for moved in [*self._in_order, None]:
            while around and (moved is None or around[-1].rgt < moved.lft):
                ended = around.pop()
                found.append((ended.rgt + 1, around[-1] if around else None))
            if moved is not None:
                around.append(moved)
                found.append((moved.lft, moved))
        return found


def _place(moved: Moved) -> int:
    return moved.lft


def _parent(moved: Moved) -> int:
    return moved.parent_lft


def _start(carried: tuple[int, Moved | None]) -> int:
    return carried[0]


def read_moves(text: str | None) -> FormerTree:
    """The moves as the database told them: five numbers each, 'area:lft:rgt:parent:lft of parent', between commas."""
    moves = (Moved(*map(int, move.split(":"))) for move in text.split(",")) if text else ()
    return FormerTree(tuple(moves))
