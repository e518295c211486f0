"""The tree as it was: every way of moving areas about, against walking up from each of them."""

import itertools
import random

from campaign.rules.former_tree import FormerTree, Moved, read_moves


def preorder(parent: dict[int, int | None]) -> dict[int, tuple[int, int]]:
    found = {}

    def walk(area, at):
        end = at
        for child in sorted(one for one, above in parent.items() if above == area):
            end = walk(child, end + 1)
        found[area] = (at, end)
        return end

    walk(0, 0)
    return found


def above(parent: dict[int, int | None], area: int) -> set[int]:
    return set() if area is None else {area} | (above(parent, parent[area]) if parent[area] is not None else set())


def test_what_lay_below_an_area_is_told_by_the_numbers_of_today():
    chance = random.Random(7)
    for _turn in range(300):
        then: dict[int, int | None] = {0: None} | {one: chance.randrange(one) for one in range(1, 14)}
        today = dict(then)
        for _move in range(chance.randrange(5)):
            area, to = chance.randrange(1, 14), chance.randrange(14)
            if area not in above(today, to):
                today[area] = to
        place = preorder(today)
        moved = [Moved(a, *place[a], then[a], place[then[a]][0]) for a in then if then[a] != today[a]]
        tree = FormerTree(tuple(moved))
        for top in then:
            below = {place[one][0] for one in then if top in above(then, one)}
            assert {at for at in range(14) if tree.holds(place[top], at)} == below
            stretches = tree.stretches(place[top])
            assert [at for lft, rgt in stretches for at in range(lft, rgt + 1)] == sorted(below)
            assert all(one[1] + 1 < other[0] for one, other in itertools.pairwise(stretches))


def test_what_the_database_tells_is_read():
    assert read_moves(None) == FormerTree()
    assert read_moves("5:10:12:3:4,9:40:40:3:4").moves == (Moved(5, 10, 12, 3, 4), Moved(9, 40, 40, 3, 4))
