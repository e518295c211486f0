"""Nobody reviews their own: every combination of who submitted, who decided before and who would decide now."""

from itertools import product

import pytest

from campaign.rules.organisation import Actor, Level, Line, PostFact, Role
from campaign.rules.states import Action, State
from campaign.rules.transitions import Facts, offers, post_for, row_for

UNIT, REVIEWING, ABOVE = 10, 20, 30
X, Y, Z = 1, 2, 3

# Who acts, and for whom.
SUBMITTERS = {"X": (X, X), "X for Y": (X, Y), "Y": (Y, Y)}
REVIEWERS = {"X": (X, X), "Y": (Y, Y), "X for Y": (X, Y), "Y for X": (Y, X), "Z": (Z, Z), "Z for Y": (Z, Y)}
# The law, by hand: who may review what was submitted so. What is not written is forbidden.
LAW = {
    "X": {"Y", "Z", "Z for Y"},
    "X for Y": {"Z"},
    "Y": {"X", "Z"},
}


def acting(who: tuple[int, int], unit: int = REVIEWING, role: Role = Role.SUPERVISOR, id: int = 1) -> PostFact:
    person, holder = who
    return PostFact(id, unit, role, Line.WOMEN, Level.COUNTY, 1, 9, "", None if person == holder else holder)


def submitted(who: tuple[int, int], **fields) -> Facts:
    given = {"submitter_id": who[0], "submitted_for_id": who[1], "reason": "材料不齐"} | fields
    return Facts(1, State.SUBMITTED, 3, UNIT, (ABOVE,), REVIEWING, units_above=(ABOVE,), **given)


def refused(facts: Facts, actor: Actor, action: Action):
    row = row_for(action, facts, actor)
    assert row is not None
    assert post_for(row.party, facts, actor) is not None
    return next((sentence for guard in row.guards if (sentence := guard(facts, actor))), None)


@pytest.mark.parametrize(
    ("submitter", "reviewer", "action", "more"),
    list(product(SUBMITTERS, REVIEWERS, (Action.APPROVE, Action.RETURN), (False, True))),
)
def test_nobody_reviews_their_own_neither_in_person_nor_by_a_stand_in_nor_as_one(submitter, reviewer, action, more):
    facts = submitted(SUBMITTERS[submitter], levels_remain=more)
    actor = Actor(REVIEWERS[reviewer][0], reviewer, (acting(REVIEWERS[reviewer]),))
    sentence = refused(facts, actor, action)
    assert (sentence is None) == (reviewer in LAW[submitter]), sentence
    offered = {offer.action: offer.refusal for offer in offers(facts, actor)}
    assert offered[action] == sentence, "the button is shown, off, with the same sentence"


@pytest.mark.parametrize(("former", "reviewer"), list(product(SUBMITTERS, REVIEWERS)))
def test_nobody_decides_at_two_levels(former, reviewer):
    """What holds for the submitter holds for whoever approved at the level below."""
    facts = submitted((8, 9), reviewers_so_far=SUBMITTERS[former])
    actor = Actor(REVIEWERS[reviewer][0], reviewer, (acting(REVIEWERS[reviewer]),))
    assert (refused(facts, actor, Action.APPROVE) is None) == (reviewer in LAW[former])


@pytest.mark.parametrize("submitter", SUBMITTERS)
def test_who_holds_one_post_and_stands_in_for_another_acts_in_the_one_that_is_free(submitter):
    """X stands in for Y and for Z in the unit that reviews: what is Y's work is decided in Z's name, if at all."""
    posts = (acting((X, Y), id=1), acting((X, Z), id=2))
    facts, actor = submitted(SUBMITTERS[submitter]), Actor(X, "X", posts)
    assert (refused(facts, actor, Action.APPROVE) is None) == (submitter == "Y")
    if submitter == "Y":
        assert post_for(row_for(Action.APPROVE, facts, actor).party, facts, actor).id == 2


def test_an_own_post_comes_before_one_stood_in_for():
    posts = (acting((X, Y), id=1), acting((X, X), id=2))
    actor = Actor(X, "X", posts)
    assert actor.post_in(REVIEWING, Role.SUPERVISOR).id == 2
    assert refused(submitted((Z, Z)), actor, Action.APPROVE) is None


@pytest.mark.parametrize(("submitter", "mover"), list(product(SUBMITTERS, REVIEWERS)))
def test_nobody_takes_a_level_out_of_the_way_of_their_own_work(submitter, mover):
    facts = submitted(SUBMITTERS[submitter], levels_remain=True, vacant_here=True)
    actor = Actor(REVIEWERS[mover][0], mover, (acting(REVIEWERS[mover], ABOVE, Role.DISPATCHER),))
    assert (refused(facts, actor, Action.PASS_OVER) is None) == (mover in LAW[submitter])


def test_a_level_is_passed_over_only_while_nobody_is_there():
    facts = submitted((X, X), levels_remain=True)
    actor = Actor(Z, "Z", (acting((Z, Z), ABOVE),))
    assert refused(facts, actor, Action.PASS_OVER) is not None
    assert Action.PASS_OVER not in {offer.action for offer in offers(facts, actor)}
