"""The tree as it was on a day, told by the preorder of today: which areas lay below which before some of them moved.

Places are preorder numbers of today (`lft`), and an area is its interval (`lft`, `rgt`). Few areas ever move, so all
that moved since that day is known, and the rest stands as it stood.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    """The tree of a day. `moves`: every area that moved since, once."""

    moves: tuple[Moved, ...] = ()

    def holds(self, top: Stretch, place: int) -> bool:
        """Whether the area at that place was this one, or lay anywhere below it."""
        lft, rgt = top
        while True:
            carrier = max((m for m in self.moves if m.lft <= place <= m.rgt), key=lambda m: m.lft, default=None)
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
            carrier = max((m for m in self.moves if m.lft <= place <= m.rgt), key=lambda m: m.lft, default=None)
            if carrier is None or (top is not None and carrier.lft <= top[0]):
                return top
            place = carrier.parent_lft

    def stretches(self, top: Stretch) -> tuple[Stretch, ...]:
        """Where today all those stand that were this area or lay below it, in order and apart from each other."""
        if not self.moves:
            return (top,)
        parts = [(m.lft, m.rgt, self.holds(top, m.lft)) for m in self.moves if m.lft != top[0]]
        found: list[Stretch] = []
        for lft, rgt, belongs in _flat(sorted([(*top, True), *parts], key=lambda part: (part[0], -part[1]))):
            if belongs and found and found[-1][1] == lft - 1:
                found[-1] = (found[-1][0], rgt)
            elif belongs:
                found.append((lft, rgt))
        return tuple(found)


def read_moves(text: str | None) -> FormerTree:
    """The moves as the database told them: five numbers each, 'area:lft:rgt:parent:lft of parent', between commas."""
    moves = (Moved(*map(int, move.split(":"))) for move in text.split(",")) if text else ()
    return FormerTree(tuple(moves))


def _flat(nested: Sequence[tuple[int, int, bool]]) -> Iterator[tuple[int, int, bool]]:
    """Intervals that lie within each other or apart, as intervals that lie apart: the innermost decides."""
    around: list[tuple[int, bool]] = []
    at = 0
    for lft, rgt, belongs in nested:
        while around and around[-1][0] < lft:
            end, outer = around.pop()
            yield at, end, outer
            at = end + 1
        if around and at < lft:
            yield at, lft - 1, around[-1][1]
        around.append((rgt, belongs))
        at = lft
    while around:
        end, outer = around.pop()
        if at <= end:
            yield at, end, outer
        at = max(at, end + 1)
