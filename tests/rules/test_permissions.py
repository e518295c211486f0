"""The six permissions and the computed states as tables."""

import pytest

from campaign.rules.organisation import Actor, Level, Line, PostFact, Role
from campaign.rules.permissions import Here, Holder, levels, permissions
from campaign.rules.states import State
from campaign.rules.transitions import Facts

VILLAGE, TOWN, COUNTY, ELSEWHERE = 10, 20, 30, 99
CHAIN = (TOWN, COUNTY)
ME, OFFICER, OTHER = 7, 8, 9


def somebody(unit: int, role: Role, person_id: int = ME) -> Actor:
    return Actor(person_id, "somebody", (PostFact(1, unit, role, Line.WOMEN, Level.COUNTY, 1, 9),))


def facts(state: State, at: int | None = None, **fields) -> Facts:
    given = {"reviewer_unit_id": at, "submitter_id": OFFICER, "levels_remain": at == TOWN} | fields
    return Facts(1, state, 3, VILLAGE, (COUNTY,), **given)


HERE, THERE = facts(State.SUBMITTED, TOWN), facts(State.SUBMITTED, COUNTY, reviewers_so_far=(ME,))
DECIDED = {"decided_by_id": ME, "decided_in": TOWN}
TAKEN = Holder(OTHER, "王主任")
# who, of what, claimed by whom -> may approve, return, claim, undo, comment, see who
TABLE = [
    ("the reviewer of the level", somebody(TOWN, Role.SUPERVISOR), HERE, None, "arc.cs"),
    ("the same, in hand of their own", somebody(TOWN, Role.SUPERVISOR), HERE, Holder(ME, "me"), "arc.cs"),
    ("the same, in hand of a colleague", somebody(TOWN, Role.SUPERVISOR), HERE, TAKEN, "..c.cs"),
    ("the next level", somebody(COUNTY, Role.SUPERVISOR), HERE, None, "....cs"),
    ("the next level, decided before", somebody(COUNTY, Role.SUPERVISOR), THERE, None, "....cs"),
    ("their own work", somebody(TOWN, Role.SUPERVISOR, OFFICER), HERE, None, "....cs"),
    ("the officer", somebody(VILLAGE, Role.OFFICER, OFFICER), HERE, None, "....cs"),
    ("the issuer", somebody(COUNTY, Role.DISPATCHER), HERE, None, "....cs"),
    ("a supervisor from elsewhere", somebody(ELSEWHERE, Role.SUPERVISOR), HERE, None, "......"),
    ("an auditor", somebody(ELSEWHERE, Role.AUDITOR), HERE, None, ".....s"),
    ("nobody", Actor(ME, "nobody"), HERE, None, "......"),
    ("who returned it just now", somebody(TOWN, Role.SUPERVISOR),
     facts(State.RETURNED, **DECIDED, untold=True), None, "...ucs"),
    ("who returned it a while ago", somebody(TOWN, Role.SUPERVISOR),
     facts(State.RETURNED, **DECIDED, untold=False), None, "....cs"),
    ("who passed it up just now", somebody(TOWN, Role.SUPERVISOR),
     facts(State.SUBMITTED, COUNTY, **DECIDED, untold=True), None, "...ucs"),
    ("a colleague of theirs", somebody(TOWN, Role.SUPERVISOR, OTHER),
     facts(State.SUBMITTED, COUNTY, **DECIDED, untold=True), None, "....cs"),
    ("what was cancelled", somebody(TOWN, Role.SUPERVISOR), facts(State.CANCELLED), None, ".....s"),
]  # fmt: skip


@pytest.mark.parametrize(("who", "actor", "what", "held", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_the_six_permissions(who, actor, what, held, expected):
    may = permissions(what, actor, CHAIN, held)
    found = (may.approve, may.return_, may.claim, may.undo, may.comment, may.see_who)
    assert "".join(letter if yes else "." for letter, yes in zip("arcucs", found, strict=True)) == expected
    assert (may.refusal is not None) == (who in ("the same, in hand of a colleague", "their own work",
                                                 "the next level, decided before"))  # fmt: skip


def test_how_it_stands_at_each_level():
    below, ready, here, above = Here.WAITING_BELOW, Here.READY_HERE, Here.APPROVED_HERE, Here.ACCEPTED_ABOVE
    chain = (1, 2, 3)
    assert levels(State.SUBMITTED, chain, 0) == [ready, below, below]
    assert levels(State.SUBMITTED, chain, 1) == [here, ready, below]
    assert levels(State.SUBMITTED, chain, 2) == [above, here, ready]
    assert levels(State.APPROVED, chain, 0) == [above, above, here]
    for state in (State.ISSUED, State.ACKNOWLEDGED, State.RETURNED, State.CANCELLED):
        assert levels(state, chain, 0) == [below] * 3
